"""Columns that training named, renamed or computed are those that a model reads in other rows."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import tokkit
from tests.model.conftest import sentences
from tokkit.errors import InputError


def _rows(seed: int) -> pl.DataFrame:
    rows = sentences(80, seed)
    return pl.DataFrame(
        {
            "title": [label if number % 2 else "" for number, (_, label) in enumerate(rows)],
            "body": [text for text, _ in rows],
            "note": ["the longest text of all, of which no model was ever to read a word 아무도"] * len(rows),
            "glad": [int(label == "joy") for _, label in rows],
            "blue": [int(label == "sadness") for _, label in rows],
        }
    )


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory, tokenizer: Path) -> Path:
    out = tmp_path_factory.mktemp("computed") / "model"
    reading = {
        "rename": "body=text 2",
        "add": ["length=words(`text 2`)", "both=title + ': ' + `text 2`"],
        "text_column": "both",
        "pair_column": "text 2",
        "label_column": "glad,blue",
    }
    settings = {"size": "tiny", "epochs": 1, "threads": 1, "baseline": "none", "no_cache": True}
    tokkit.finetune(_rows(4), tokenizer, out=out, validation_data=_rows(5), **reading, **settings)
    return out


def test_columns_are_computed_as_in_training(computed, tmp_path):
    rows = _rows(6)
    rows.write_csv(tmp_path / "rows.csv")
    predictions = tokkit.predict(computed, tmp_path / "rows.csv").predictions
    texts = [(row["text"], row["pair"]) for row in predictions]
    assert texts == [
        (f"{row['title']}: {row['body']}" if row["title"] else None, row["body"]) for row in rows.to_dicts()
    ]
    assert {label for row in predictions for label in row["true_label"].split("|")} <= {"glad", "blue", ""}
    assert tokkit.evaluate(computed, tmp_path / "rows.csv").as_dict()["rows"] == 40
    written = tokkit.predict(computed, tmp_path / "rows.csv", out=tmp_path / "out.csv")
    assert written.written.without_prediction == 40
    after = pl.read_csv(tmp_path / "out.csv")
    assert after.columns == [*rows.columns, "predicted"], "no column of the computation is written"
    predicted = ["|".join(row["labels"]) if row["label"] is not None else None for row in predictions]
    assert after["predicted"].fill_null("").to_list() == [name or "" for name in predicted]


def test_columns_that_cannot_be_computed_are_refused_with_one_that_there_is(computed, tmp_path):
    rows = _rows(7).rename({"title": "headline"})
    for out in (None, tmp_path / "out.csv"):
        with pytest.raises(InputError, match='column "both" cannot be computed: add="both": "title"') as no:
            tokkit.predict(computed, rows, out=out)
        assert no.value.hint == 'name another column: text_column="body"'
    with pytest.raises(InputError, match="cannot be computed"):
        tokkit.evaluate(computed, rows)
    assert tokkit.predict(computed, rows, rename="headline=title").predictions[1]["text"]
    named = tokkit.predict(computed, rows, text_column="note", pair_column="body").predictions
    assert named[0]["text"] == rows["note"][0]


def test_a_second_text_that_is_missing_is_named(computed):
    rows = _rows(8).rename({"body": "content"}).with_columns(both="title")
    with pytest.raises(InputError, match='the model\'s column "text 2" cannot be computed: no column "body"'):
        tokkit.predict(computed, rows)


def test_a_receipt_of_columns_that_are_no_texts_is_refused(computed, tmp_path):
    receipt = json.loads((computed / "tokkit.json").read_text("utf-8"))
    receipt["result"]["settings"]["add"] = [7]
    (tmp_path / "tokkit.json").write_text(json.dumps(receipt), encoding="utf-8")
    with pytest.raises(InputError, match="expected a list of NAME=EXPR"):
        tokkit.predict(tmp_path, ["a text"])
