"""`predict -o`: every row in its place, its columns unchanged, and its prediction in further columns."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import tokkit
from tests.model.conftest import sentences, write_csv
from tokkit.data.loading import streaming
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.sources.formats import batch
from tokkit.views.reports.predictions import predictions
from tokkit.views.tables import as_tsv
from tokkit.views.terminal import as_text

ROWS = [
    {"id": "a-1", "review": "i feel glad, today", "stars": 5, "label": "joy"},
    {"id": "a-2", "review": "", "stars": 1, "label": "joy"},
    {"id": "b/3", "review": 'a "sad" day\nin town 슬프다', "stars": 2, "label": "sadness"},
    {"id": "ß", "review": "i feel furious 😡", "stars": 3, "label": "anger"},
]
READERS = {
    "csv": pl.read_csv,
    "csv.gz": pl.read_csv,
    "jsonl": pl.read_ndjson,
    "json": pl.read_json,
    "parquet": pl.read_parquet,
    "arrow": pl.read_ipc,
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", READERS)
def test_rows_keep_their_place_and_their_columns_in_every_format(model, table, tmp_path, ending):
    out = tmp_path / f"out.{ending}"
    result = tokkit.predict(model, table, out=out).as_dict()
    written = READERS[ending](out)
    assert written.columns == ["id", "review", "stars", "label", "predicted", "probability"]
    kept = written.select(pl.col("id", "review", "label").fill_null(""), "stars").to_dicts()
    assert kept == ROWS
    expected = tokkit.predict(model, table).predictions
    assert written["predicted"].to_list() == [row["label"] for row in expected]
    shares = [row["probabilities"][row["label"]] if row["label"] else None for row in expected]
    assert written["probability"].to_list() == shares
    assert (result["rows"], result["without_prediction"]) == (4, 1)
    assert result["classes"] == {
        label: sum(row["label"] == label for row in expected) for label in ("anger", "joy", "sadness")
    }
    assert "predictions" not in result


def test_columns_of_csv_are_written_as_they_were(model, tmp_path):
    rows = "id;text;price\n007;i feel glad;1,50\n008;i feel sad;2.0\n"
    (tmp_path / "in.csv").write_text(rows, encoding="utf-8")
    tokkit.predict(model, tmp_path / "in.csv", out=tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert lines[0] == "id;text;price;predicted;probability"
    assert [line.rsplit(";", 2)[0] for line in lines] == rows.splitlines()


def test_every_class_and_the_likeliest_on_request(model, table, tmp_path):
    tokkit.predict(model, table, out=tmp_path / "o.parquet", probabilities=True, top=2, prefix="m_")
    written = pl.read_parquet(tmp_path / "o.parquet")
    assert written.columns[4:] == [
        *("m_predicted", "m_probability", "m_predicted_2", "m_probability_2"),
        *("m_% anger", "m_% joy", "m_% sadness"),
    ]
    for row in written.drop_nulls("m_predicted").to_dicts():
        shares = {label: row[f"m_% {label}"] for label in ("anger", "joy", "sadness")}
        ranked = sorted(shares, key=lambda label: -shares[label])
        assert [row["m_predicted"], row["m_predicted_2"]] == ranked[:2]
        assert [row["m_probability"], row["m_probability_2"]] == [shares[label] for label in ranked[:2]]
    assert written.filter(pl.col("m_predicted").is_null())["id"].to_list() == ["a-2"]


def test_raw_gives_unrounded_shares(model, table, tmp_path):
    tokkit.predict(model, table, out=tmp_path / "o.parquet", probabilities=True, raw=True)
    rows = pl.read_parquet(tmp_path / "o.parquet").drop_nulls("predicted").to_dicts()
    for row, known in zip(rows, [ROWS[0], *ROWS[2:]], strict=True):
        [alone] = tokkit.predict(model, [known["review"]], raw=True).predictions
        shares = {label: row[f"share {label}"] for label in alone["probabilities"]}
        assert shares == pytest.approx(alone["probabilities"], abs=1e-5)


def test_many_batches_make_the_same_file_as_one(model, tmp_path, monkeypatch):
    rows = [{"id": n, "text": text} for n, (text, _) in enumerate(sentences(50, seed=3))]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    tokkit.predict(model, source, out=tmp_path / "one.jsonl", raw=True)
    monkeypatch.setattr(batch, "ROWS", 7)
    for ending in ("jsonl", "json", "csv", "parquet"):
        tokkit.predict(model, source, out=tmp_path / f"many.{ending}", raw=True)
        one, many = pl.read_ndjson(tmp_path / "one.jsonl"), READERS[ending](tmp_path / f"many.{ending}")
        assert many.drop("probability").equals(one.drop("probability"))
        assert many["probability"].to_list() == pytest.approx(one["probability"].to_list(), abs=1e-5)


def test_a_column_that_changes_its_type_later_is_written_as_the_whole_table_has_it(
    model, tmp_path, monkeypatch
):
    rows = [{"id": n, "text": "i feel glad"} for n in range(20)] + [{"id": "x", "text": "i feel sad"}]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setattr(batch, "ROWS", 7)
    monkeypatch.setattr(batch, "SAMPLE", 7)
    tokkit.predict(model, source, out=tmp_path / "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet")["id"].to_list() == [str(row["id"]) for row in rows]


def test_a_name_that_is_taken_is_refused_before_anything_is_predicted(model, tmp_path):
    (tmp_path / "in.csv").write_text("text,predicted\ni feel glad,x\n", encoding="utf-8")
    with pytest.raises(UsageError, match='column "predicted" already') as caught:
        tokkit.predict(model, tmp_path / "in.csv", out=tmp_path / "out.csv")
    assert caught.value.hint is not None
    assert 'prefix="model_"' in caught.value.hint
    assert not (tmp_path / "out.csv").exists()
    tokkit.predict(model, tmp_path / "in.csv", out=tmp_path / "out.csv", prefix="model_")
    assert pl.read_csv(tmp_path / "out.csv").columns[1:3] == ["predicted", "model_predicted"]


def test_what_cannot_be_written_is_refused(model, dataset, tmp_path):
    rows = write_csv(tmp_path / "t.csv", sentences(4, seed=1))
    with pytest.raises(UsageError, match="is for the rows of one data set"):
        tokkit.predict(model, ["i feel glad"], out=tmp_path / "o.csv")
    with pytest.raises(UsageError, match="2 arguments"):
        tokkit.predict(model, [rows, rows], out=tmp_path / "o.csv")
    with pytest.raises(UsageError, match="splits train, validation, test"):
        tokkit.predict(model, dataset, out=tmp_path / "o.csv")
    with pytest.raises(UsageError, match="top=4: the model has 3 classes"):
        tokkit.predict(model, rows, out=tmp_path / "o.csv", top=4)
    with pytest.raises(UsageError, match="probabilities: is for the rows of a file"):
        tokkit.predict(model, rows, probabilities=True)
    with pytest.raises(InputError, match="a text file holds one column"):
        tokkit.predict(model, rows, out=tmp_path / "o.txt", output_format="text")
    tokkit.predict(model, rows, out=tmp_path / "o.csv")
    with pytest.raises(OutputError):
        tokkit.predict(model, rows, out=tmp_path / "o.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.csv", "o.csv.tokkit.json", "t.csv"]


def test_the_receipt_names_rows_and_model(model, table, tmp_path):
    tokkit.predict(model, table, out=tmp_path / "out.csv")
    receipt = json.loads((tmp_path / "out.csv.tokkit.json").read_text("utf-8"))
    assert receipt["command"] == "predict"
    assert [item["name"] for item in receipt["result"]["inputs"]] == ["reviews.jsonl", "model"]
    assert receipt["result"]["rows"] == 4


def test_rows_that_are_changed_one_by_one_are_predicted_in_batches(model, tmp_path, monkeypatch, heard):
    rows = "".join(f"{i},i feel {'glad' if i % 2 else 'sad'} {i}\n" for i in range(40))
    (tmp_path / "in.csv").write_text(f"n,note\n{rows}", "utf-8")
    changed = {"rename": "n=number", "add": ("text=note + '!'",), "where": "number >= 9"}
    monkeypatch.setattr(batch, "ROWS", 7)
    monkeypatch.setattr(streaming, "dataset_of", None)
    tokkit.predict(
        model, tmp_path / "in.csv", out=tmp_path / "out.csv", progress=heard, text_column="text", **changed
    )
    written = pl.read_csv(tmp_path / "out.csv")
    assert written.columns == ["number", "note", "text", "predicted", "probability"]
    assert written["number"].to_list() == list(range(9, 40))
    assert heard.sentences.count(f"{tmp_path / 'in.csv'}: 31 of 40 rows, those where number >= 9") == 1


def test_rows_are_read_from_the_columns_of_the_training(model, tmp_path):
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    receipt = json.loads((copy / "tokkit.json").read_text("utf-8"))
    receipt["result"]["columns"] = {"text": "body", "label": "kind"}
    (copy / "tokkit.json").write_text(json.dumps(receipt), encoding="utf-8")
    (tmp_path / "in.csv").write_text("text,label,body,kind\nso sad,sadness,i feel glad,joy\n", "utf-8")
    [row] = tokkit.predict(copy, tmp_path / "in.csv").predictions
    assert (row["text"], row["true_label"]) == ("i feel glad", "joy")
    [other] = tokkit.predict(copy, tmp_path / "in.csv", text_column="text").predictions
    assert other["text"] == "so sad"


def test_fields_of_a_megabyte_are_whole_in_files_and_pipes_and_short_on_a_terminal(model, tmp_path):
    text = "슬프다 " * 100_000
    rows = pl.DataFrame({"id": ["long", "short"], "text": [text, "i feel glad"]})
    result = tokkit.predict(model, rows)
    for ending in ("csv", "jsonl", "parquet"):
        tokkit.predict(model, rows, out=tmp_path / f"out.{ending}")
        assert READERS[ending](tmp_path / f"out.{ending}")["text"].to_list() == [text, "i feel glad"]
    record = result.as_dict()
    assert record["predictions"][0]["text"] == text
    assert text in as_tsv(predictions(record))
    assert len(as_text(predictions(record), 80, color=False)) < 10_000
