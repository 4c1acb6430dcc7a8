"""`compare_runs` on predictions that runs have recorded: shared rows, differences, intervals, bad input."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, f1_score

import tokkit
from tokkit.cli.main import run
from tokkit.errors import InputError, UsageError

LABELS = ["anger", "joy", "sad"]


def predictions(path, rows, right, seed=0, labels=None, first=0):
    """Predictions for rows from ``first`` on, correct with a probability; in a folder, as runs have them."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(first, first + rows)
    true = np.array(labels or [LABELS[(i * 7 + i // 3) % 3] for i in numbers])
    predicted = np.where(rng.random(rows) < right, true, "joy")
    shares = {f"% {name}": np.where(predicted == name, 80.0, 10.0) for name in LABELS}
    table = pl.DataFrame(
        {
            "id": numbers,
            "text": [f"text {i}" for i in numbers],
            "label": true,
            "predicted": predicted,
            "loss": np.where(true == predicted, 0.2, 2.3),
            **shares,
        }
    )
    path.mkdir(exist_ok=True)
    table.write_parquet(path / "predictions.parquet")
    return table


def test_the_difference_is_that_of_the_scores_with_a_paired_interval(tmp_path):
    old, new = (predictions(tmp_path / name, 300, right, 5) for name, right in (("old", 0.7), ("new", 0.8)))
    result = tokkit.compare_runs(tmp_path / "old", tmp_path / "new").as_dict()
    scores = []
    for table, of_run in ((old, result["old"]), (new, result["new"])):
        f1 = f1_score(table["label"], table["predicted"], average="macro")
        scores.append(f1)
        assert of_run["macro_f1"] == pytest.approx(f1, abs=1e-6)
        assert of_run["accuracy"] == pytest.approx(
            accuracy_score(table["label"], table["predicted"]), abs=1e-6
        )
        assert of_run["intervals"]["macro_f1"][0] < f1 < of_run["intervals"]["macro_f1"][1]
    difference = result["difference"]
    assert difference["metric"] == "macro_f1"
    assert difference["value"] == pytest.approx(scores[1] - scores[0], abs=1e-5)
    assert 0 < difference["low"] < difference["value"] < difference["high"]
    # Rows that both have wrong fall out: the interval is narrower than that of two sets of rows.
    low, high = result["old"]["intervals"]["macro_f1"]
    assert difference["high"] - difference["low"] < high - low
    assert result["rows"] == 300
    assert result["test"]["test"] == "mcnemar"
    assert tokkit.compare_runs(tmp_path / "old", tmp_path / "new").as_dict() == result


def test_only_rows_with_the_same_text_and_label_are_compared(tmp_path, heard):
    predictions(tmp_path / "old", 200, 0.7)
    table = predictions(tmp_path / "new", 200, 0.8, first=50)
    relabeled = table.with_columns(
        label=pl.when(pl.col("id") < 60).then(pl.lit("love")).otherwise("label"), loss=pl.col("loss")
    )
    relabeled.write_parquet(tmp_path / "new" / "predictions.parquet")
    result = tokkit.compare_runs(tmp_path / "old", tmp_path / "new", progress=heard)
    assert (result.rows, result.relabeled) == (140, 10)
    assert "comparing 140 rows that both have predicted with the same label, of 200" in heard
    assert "10 texts have another label" in heard


@pytest.mark.parametrize(
    ("columns", "metric"),
    [
        (
            {"label": ["x|y", "x", "|", "y"], "predicted": ["x|y", "y", "|", "y"], "% x": [9.0] * 4},
            "macro_f1",
        ),
        ({"label": ["B-L O", "O O", "O B-L", "O"], "predicted": ["B-L O", "O O", "O O", "O"]}, "span_f1"),
        ({"label": ["1", "2.5", "3", "0"], "predicted": ["1.1", "2", "3.1", "0.5"]}, "pearson"),
    ],
)
def test_every_task_is_compared_by_its_own_score(columns, metric, tmp_path):
    table = pl.DataFrame({"id": range(4), "text": list("abcd"), **columns, "loss": [0.1, 0.2, 0.3, 0.4]})
    better = table.with_columns(predicted=pl.col("label"))
    for name, rows in (("old", table), ("new", better)):
        rows.write_parquet(tmp_path / f"{name}.parquet")
    result = tokkit.compare_runs(tmp_path / "old.parquet", tmp_path / "new.parquet", resamples=50)
    assert result.difference["metric"] == metric
    assert result.new[metric] == pytest.approx(1)
    assert result.difference["value"] > 0
    if metric == "pearson":
        expected = np.corrcoef(*(np.array(columns[name], float) for name in ("label", "predicted")))[0, 1]
        assert result.old[metric] == pytest.approx(expected, abs=1e-6)


def test_the_command_prints_a_line_a_score(tmp_path, monkeypatch, capsys):
    predictions(tmp_path / "old", 100, 0.7)
    predictions(tmp_path / "new", 100, 0.8)
    monkeypatch.chdir(tmp_path)
    assert run(["compare-runs", "old", "new", "--metric", "classes.joy.f1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# new less old, 100 rows\n\told\tnew\tdifference\t95 % CI\n")
    assert run(["compare-runs", "old", "new", "--json", "-q"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["difference"]) == {"metric", "value", "low", "high"}


def test_what_cannot_be_compared_is_one_sentence(tmp_path):
    predictions(tmp_path / "old", 20, 0.7)
    predictions(tmp_path / "other", 20, 0.7, first=100)
    with pytest.raises(InputError, match="have predicted no row with the same text and label") as raised:
        tokkit.compare_runs(tmp_path / "old", tmp_path / "other")
    assert "score both on the same rows" in raised.value.hint
    with pytest.raises(UsageError, match="compared with itself"):
        tokkit.compare_runs(tmp_path / "old", tmp_path / "old")
    predictions(tmp_path / "new", 20, 0.8)
    with pytest.raises(UsageError, match=r'no score "macrof1".*there are: '):
        tokkit.compare_runs(tmp_path / "old", tmp_path / "new", metric="macrof1")
    with pytest.raises(UsageError, match="is of a data set, and none is named"):
        tokkit.compare_runs(tmp_path / "old", tmp_path / "other", split="test")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: has no predictions\.parquet"):
        tokkit.compare_runs(tmp_path / "old", tmp_path / "empty")
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        tokkit.compare_runs(tmp_path / "old", tmp_path / "nowhere")
