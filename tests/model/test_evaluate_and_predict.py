"""Scores of rows in the order they came, several models, and models that cannot answer."""

from __future__ import annotations

import json
import random
import shlex
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

import tokkit
from tests.model.conftest import sentences, write_csv
from tests.model.test_finetune import checkpoint
from tokkit.cli import main
from tokkit.cli.finetune import next_command
from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.folder.predictions import prediction_table
from tokkit.model.tasks import TASKS
from tokkit.model.tasks.task import RowTargets


def test_evaluate_agrees_with_predict_and_scikit_learn(model, dataset):
    scores = tokkit.evaluate(model, dataset / "test.csv").as_dict()
    predictions = tokkit.predict(model, dataset / "test.csv").predictions
    true = [row["true_label"] for row in predictions]
    predicted = [row["label"] for row in predictions]
    assert scores["rows"] == len(true) == 60
    assert scores["accuracy"] == pytest.approx(sum(map(str.__eq__, true, predicted)) / 60, abs=1e-6)
    assert scores["macro_f1"] == pytest.approx(f1_score(true, predicted, average="macro"), abs=1e-6)


def test_evaluate_takes_the_test_split_of_a_folder(model, dataset, heard):
    result = tokkit.evaluate(model, dataset, progress=heard)
    assert "evaluating the test split" in heard
    assert result.as_dict() == tokkit.evaluate(model, dataset / "test.csv").as_dict()
    assert tokkit.evaluate(model, dataset, split="validation").as_dict()["rows"] == 60


def test_evaluate_writes_tables_and_pictures_but_never_into_the_model(model, dataset, tmp_path):
    before = sorted(path.name for path in model.iterdir())
    result = tokkit.evaluate(model, dataset / "test.csv", out=tmp_path / "e")
    assert json.loads((tmp_path / "e" / "metrics.json").read_text("utf-8")) == next(
        iter(result.metrics.values())
    )
    assert sorted(path.name for path in model.iterdir()) == before
    rows = pl.read_parquet(tmp_path / "e" / "predictions.parquet")
    shares = rows.select(pl.sum_horizontal(pl.col("^% .*$"))).to_series()
    assert shares.to_list() == pytest.approx([100] * 60, abs=0.03)


def test_evaluate_marks_the_best_of_several_models(model, dataset, tokenizer, tmp_path):
    worse = tmp_path / "worse"
    tokkit.finetune(dataset, tokenizer, out=worse, size="tiny", epochs=1, lr=0.0)
    result = tokkit.evaluate([worse, model], dataset / "test.csv", out=tmp_path / "e").as_dict()
    assert result["best"] == str(model)
    assert list(result["models"]) == [str(worse), str(model)]
    assert (tmp_path / "e" / "model-2" / "confusion.png").exists()


def test_evaluate_leaves_rows_without_text_or_label_out(model, tmp_path):
    data = write_csv(tmp_path / "t.csv", [*sentences(30, seed=9), ("", "joy"), ("i feel glad", "")])
    result = tokkit.evaluate(model, data)
    assert result.left_out == {"no text": 1, "no label": 1}
    assert result.as_dict()["rows"] == 30


def test_evaluate_names_a_label_the_model_does_not_know(model, tmp_path):
    data = write_csv(tmp_path / "t.csv", [("i feel glad", "joi"), ("i feel sad", "sadness")])
    with pytest.raises(InputError, match=r'unknown label "joi" .*did you mean "joy"') as caught:
        tokkit.evaluate(model, data)
    assert caught.value.hint.endswith('label_names="joi=joy")'), "it works when it is pasted"
    renamed = tokkit.DatasetOptions(label_names="joi=joy")
    assert tokkit.evaluate(model, data, read_options=renamed).as_dict()["rows"] == 2


def test_evaluate_guesses_no_names_for_numbers(model, tmp_path):
    data = write_csv(tmp_path / "t.csv", [("i feel glad", "0"), ("i feel sad", "1")])
    with pytest.raises(InputError, match='unknown label "0"') as caught:
        tokkit.evaluate(model, data)
    assert caught.value.hint == (
        "give the labels of the file (0, 1) the names that they have in the model (label_names)"
    )


def test_a_checkpoint_without_a_trained_head_is_refused(tokenizer, dataset, tmp_path):
    base = checkpoint("bert", tmp_path / "bert", vocab_size=300)
    for file in tokenizer.iterdir():
        (base / file.name).write_bytes(file.read_bytes())
    for ask in (lambda: tokkit.predict(base, ["hi"]), lambda: tokkit.evaluate(base, dataset)):
        with pytest.raises(InputError, match="no trained classification head"):
            ask()


def test_predict_keeps_rows_in_the_order_they_came(model):
    texts = [text for text, _ in sentences(300, seed=4)] + ["i feel sad " * n for n in range(1, 30)]
    random.Random(0).shuffle(texts)
    all_rows = tokkit.predict(model, texts, raw=True).predictions
    assert [row["text"] for row in all_rows] == texts
    for index in (0, 17, 200, len(texts) - 1):
        [alone] = tokkit.predict(model, [texts[index]], raw=True).predictions
        assert alone["label"] == all_rows[index]["label"]
        assert alone["probabilities"] == pytest.approx(all_rows[index]["probabilities"], abs=1e-5)


def test_predictions_saved_with_a_model_are_those_of_predict(model, dataset):
    saved = pl.read_parquet(model / "predictions.parquet").to_dicts()
    rows = tokkit.predict(model, dataset / "validation.csv", raw=True).predictions
    for number, (row, columns) in enumerate(zip(rows, saved, strict=True)):
        assert [columns[name] for name in ("id", "text", "label", "predicted")] == [
            number,
            row["text"],
            row["true_label"],
            row["label"],
        ]
        for label, share in row["probabilities"].items():
            assert columns[f"% {label}"] == pytest.approx(100 * share, abs=1e-3)


def test_predictions_have_the_ids_of_the_rows():
    rows = Rows(["a", "b"], ["joy", "anger"], [4, 7], {}, ids=["x-1", "x-2"])
    logits, targets = np.zeros((2, 2), np.float32), RowTargets(np.array([1, 0]))
    for given, ids in ((rows, ["x-1", "x-2"]), (replace(rows, ids=[]), [4, 7])):
        table = prediction_table(TASKS["single-label"], given, ("anger", "joy"), logits, targets)
        assert table["id"].to_list() == ids


def test_predict_gives_per_cent_with_two_decimals(model):
    [row] = tokkit.predict(model, "i feel glad").predictions
    assert sum(row["probabilities"].values()) == pytest.approx(100, abs=0.02)
    assert all(share == round(share, 2) for share in row["probabilities"].values())
    assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)


def test_predict_keeps_the_place_of_a_row_without_text(model, tmp_path):
    data = write_csv(tmp_path / "t.csv", [("i feel glad", "joy"), ("", "joy"), ("i feel sad", "sadness")])
    rows = tokkit.predict(model, data).predictions
    assert [row["text"] for row in rows] == ["i feel glad", None, "i feel sad"]
    assert rows[1]["label"] is None
    assert [row["true_label"] for row in rows] == ["joy", "joy", "sadness"]


def test_predict_reads_text_files_line_by_line(model, tmp_path):
    (tmp_path / "lines.txt").write_text("i feel glad\n\n슬프다 i feel blue\n", encoding="utf-8")
    rows = tokkit.predict(model, tmp_path / "lines.txt").predictions
    assert [row["text"] for row in rows] == ["i feel glad", None, "슬프다 i feel blue"]
    assert all("true_label" not in row for row in rows)


def test_predict_shows_no_true_label_where_a_column_only_looks_like_one(model, tmp_path):
    (tmp_path / "t.csv").write_text(
        "text,source\ni feel glad,web\ni feel sad,web\nhi,mail\n", encoding="utf-8"
    )
    assert all("true_label" not in row for row in tokkit.predict(model, tmp_path / "t.csv").predictions)


def test_predict_refuses_a_missing_file_and_takes_an_empty_text_as_text(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "t.csv", sentences(5, seed=1))
    with pytest.raises(InputError, match=r'tt.csv: no such file or folder \(did you mean "t.csv"\?\)'):
        tokkit.predict(model, ["i feel glad", "tt.csv"])
    rows = tokkit.predict(model, ["i feel glad", "", "what is a .csv file?"]).predictions
    assert [row["text"] for row in rows] == ["i feel glad", "", "what is a .csv file?"]


def test_functions_take_plain_keyword_arguments(model, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\ni feel glad,joy\ni feel sad,sadness\n", encoding="utf-8")
    columns = {"text_column": "a", "label_column": "b"}
    assert tokkit.evaluate(model, tmp_path / "t.csv", tokens_per_batch=64, **columns).as_dict()["rows"] == 2
    assert len(tokkit.predict(model, tmp_path / "t.csv", device="cpu", **columns).predictions) == 2
    assert tokkit.stats(tmp_path / "t.csv", **columns).label_column == "b"


def trained_on(model, copy, **columns):
    """A copy of a model that was trained with other columns."""
    shutil.copytree(model, copy)
    receipt = json.loads((copy / "tokkit.json").read_text("utf-8"))
    receipt["result"]["columns"] = columns
    (copy / "tokkit.json").write_text(json.dumps(receipt), "utf-8")
    return copy


def test_several_models_read_the_columns_of_their_own_training(model, tmp_path):
    titles = trained_on(model, tmp_path / "titles", text="title", label="mood")
    bodies = trained_on(model, tmp_path / "bodies", text="body", label="mood")
    rows = "title,body,mood,kind\ni feel glad,i feel sad,joy,x\ni feel merry,i feel gloomy,joy,y\n"
    (tmp_path / "t.csv").write_text(rows, "utf-8")
    both = tokkit.evaluate([titles, bodies], tmp_path / "t.csv", threads=1).metrics
    alone = [tokkit.evaluate(one, tmp_path / "t.csv", threads=1).metrics for one in (titles, bodies)]
    assert [scores["loss"] for scores in both.values()] == [
        scores["loss"] for metrics in alone for scores in metrics.values()
    ]
    assert both[str(titles)]["loss"] != both[str(bodies)]["loss"]
    assert {row["text"] for row in both[str(bodies)]["worst"]} == {"i feel sad", "i feel gloomy"}
    kinds = trained_on(model, tmp_path / "kinds", text="body", label="kind")
    with pytest.raises(InputError, match='column "body" and labels in column "kind", which label other rows'):
        tokkit.evaluate([titles, kinds], tmp_path / "t.csv", threads=1)


def test_predictions_are_reported_row_by_row_also_without_a_text(model, tmp_path):
    from tokkit.views.reports import predictions as reports
    from tokkit.views.tables import as_tsv

    data = write_csv(tmp_path / "t.csv", [("i feel glad", "joy"), ("", "joy")])
    for raw, unit in ((False, "%"), (True, "share")):
        lines = as_tsv(reports.predictions(tokkit.predict(model, data, raw=raw).as_dict())).splitlines()
        assert lines[1].split("\t") == ["text", "label", unit, "true label", "others"]
        assert lines[2].split("\t")[0] == "i feel glad"
        assert lines[3].split("\t")[:3] == ["", "", ""]


@pytest.mark.parametrize("head", ["stock", "mean"])
def test_texts_are_cut_where_they_were_cut_in_training(dataset, tokenizer, tmp_path, head, heard):
    """And without the receipt, where the model ends."""
    settings = {"size": "tiny", "epochs": 1, "threads": 1, "max_length": 8, "head": head}
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", **settings)
    glad, sad = (f"at home i feel angry and cross {word}" for word in ("glad", "sad"))
    one, other = tokkit.predict(tmp_path / "m", [glad, sad], raw=True, progress=heard).predictions
    assert one["probabilities"] == other["probabilities"]
    assert "2 rows truncated at max length 8" in heard
    (tmp_path / "m" / "tokkit.json").unlink()
    one, other = tokkit.predict(tmp_path / "m", [glad, sad], raw=True).predictions
    assert one["probabilities"] != other["probabilities"]


@pytest.mark.parametrize(
    ("name", "value"), [("classifier_dropout", float("nan")), ("num_attention_heads", -1)]
)
def test_a_model_that_fails_as_it_runs_is_named(model, dataset, tmp_path, name, value):
    damaged = shutil.copytree(model, tmp_path / "damaged")
    config = json.loads((damaged / "config.json").read_text())
    (damaged / "config.json").write_text(json.dumps({**config, name: value}))
    for command in (
        lambda: tokkit.predict(damaged, ["so glad"]),
        lambda: tokkit.evaluate(damaged, dataset / "test.csv"),
        lambda: tokkit.finetune(dataset, model=damaged, out=tmp_path / "out", epochs=1),
    ):
        with pytest.raises(InputError, match=r"damaged: (the model fails|cannot be loaded as a model)"):
            command()


def test_the_next_command_of_finetune_works_when_pasted(model, tmp_path, capsys):
    (tmp_path / "my rows").mkdir()
    for name in ("train", "test"):
        write_csv(tmp_path / "my rows" / f"{name}.csv", sentences(20, seed=4))
    read = tokkit.DatasetOptions(label_column="label")
    sources = (tmp_path / "my rows", tmp_path / "a.csv")
    commands = [next_command(str(model), str(source), read) for source in sources]
    assert commands == [
        f"tokkit evaluate {model} '{tmp_path}/my rows' --label-column label",
        f"tokkit predict {model} 'a text'",
    ]
    for command in commands:
        assert main.run(shlex.split(command)[1:]) == 0
    assert "macro F1" in capsys.readouterr().out
