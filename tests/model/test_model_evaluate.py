"""`evaluate` as a whole: what it writes, folds, calibration, thresholds, label errors, rows seen before."""

from __future__ import annotations

import json
import shutil

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import classification_report, f1_score, log_loss

import tokkit
from tests.model.conftest import sentences, write_csv
from tokkit.cli.main import run
from tokkit.errors import InputError, UsageError
from tokkit.model.metrics.label_issues import find_label_issues
from tokkit.views import html
from tokkit.views.reports import evaluation as reports
from tokkit.views.tables import as_tsv

FILES = {
    *("metrics.json", "predictions.parquet", "classification_report.csv", "tokkit.json"),
    *("confusion.png", "reliability.png"),
}
LABELS = ("anger", "joy", "sadness")
TINY = {"size": "tiny", "lr": 2e-3, "batch_size": 16, "threads": 1, "baseline": "none"}


@pytest.fixture(scope="module")
def evaluated(model, dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluated") / "e"
    return out, tokkit.evaluate(model, dataset / "test.csv", out=out, best=4, threads=1).as_dict()


@pytest.fixture(scope="module")
def folds(dataset, tokenizer, tmp_path_factory):
    """Three folds of rows of which some are spoiled."""
    home = tmp_path_factory.mktemp("folds")
    rows = [
        (text, "anger" if i % 18 == 0 else label) for i, (text, label) in enumerate(sentences(180, seed=1))
    ]
    write_csv(home / "train.csv", rows)
    tokkit.finetune(home / "train.csv", tokenizer, out=home / "cv", folds=3, epochs=8, **TINY)
    return home / "cv"


@pytest.fixture(scope="module")
def binary(tokenizer, tmp_path_factory):
    """A classifier of two classes, one rare, with its data set."""
    home = tmp_path_factory.mktemp("binary")
    for name, n, seed in (("train", 200, 1), ("validation", 80, 2), ("test", 120, 3)):
        rows = [(text, "yes" if label == "anger" else "no") for text, label in sentences(n, seed)]
        (home / "data").mkdir(exist_ok=True)
        write_csv(home / "data" / f"{name}.csv", rows)
    tokkit.finetune(home / "data", tokenizer, out=home / "model", epochs=2, **TINY)
    return home


def test_evaluate_writes_what_it_tells(evaluated):
    out, reported = evaluated
    assert {path.name for path in out.iterdir()} == FILES
    written = json.loads((out / "metrics.json").read_text("utf-8"))
    assert {name: reported[name] for name in written} == written
    for name in (
        "rows",
        "loss",
        "accuracy",
        "macro_f1",
        "weighted_f1",
        "classes",
        "confusion",
        "calibration",
    ):
        assert name in written


def test_evaluate_predictions_are_a_row_a_text_in_the_order_of_the_data(evaluated, dataset):
    out, reported = evaluated
    rows = pl.read_parquet(out / "predictions.parquet")
    data = pl.read_csv(dataset / "test.csv")
    assert rows["text"].to_list() == data["text"].to_list()
    assert rows["id"].to_list() == list(range(60))
    labels = sorted(set(data["label"]))
    shares = rows.select(f"% {label}" for label in labels).to_numpy() / 100
    assert shares.sum(axis=1) == pytest.approx(np.ones(60))
    assert rows["predicted"].to_list() == [labels[i] for i in shares.argmax(axis=1)]
    assert reported["loss"] == pytest.approx(log_loss(data["label"], shares, labels=labels), abs=1e-4)
    assert rows["loss"].mean() == pytest.approx(reported["loss"], abs=1e-5)
    report = pl.read_csv(out / "classification_report.csv")
    expected = classification_report(data["label"], rows["predicted"], output_dict=True, zero_division=0)
    for label, precision, recall, f1, support in report.iter_rows():
        ours = {"precision": precision, "recall": recall, "f1-score": f1, "support": support}
        assert ours == pytest.approx(expected[label], abs=1e-6)


def test_evaluate_tells_the_worst_and_best_rows_and_lengths(evaluated):
    out, reported = evaluated
    rows = pl.read_parquet(out / "predictions.parquet")
    assert len(reported["worst"]) == 10
    assert [row["loss"] for row in reported["worst"]] == sorted(rows["loss"], reverse=True)[:10]
    assert [row["loss"] for row in reported["best_rows"]] == sorted(rows["loss"])[:4]
    lines = as_tsv(reports.evaluation(reported)).partition("# Rows with the lowest loss\n")[2].splitlines()
    assert [line.split("\t")[0] for line in lines[1:5]] == [row["text"] for row in reported["best_rows"]]
    assert sum(bucket["rows"] for bucket in reported["lengths"]) == 60
    for name, (low, high) in reported["intervals"].items():
        assert low <= reported[name] <= high


def test_evaluate_twice_gives_the_same_files(model, dataset, tmp_path, evaluated):
    out, _ = evaluated
    tokkit.evaluate(model, dataset / "test.csv", out=tmp_path / "e", best=4, threads=1)
    for name in FILES - {"tokkit.json"}:
        assert (tmp_path / "e" / name).read_bytes() == (out / name).read_bytes(), name


def test_a_folder_of_folds_gives_each_fold_and_their_mean(folds, dataset, tmp_path):
    result = tokkit.evaluate(folds, dataset / "test.csv", out=tmp_path / "e", threads=1)
    reported = result.as_dict()
    assert [scores["kind"] for scores in reported["models"].values()] == ["fold"] * 3 + ["ensemble"]
    assert list(reported["models"])[-1] == str(folds)
    tables = [pl.read_parquet(tmp_path / "e" / f"model-{n}" / "predictions.parquet") for n in (1, 2, 3, 4)]
    shares = [table.select(pl.col("^% .*$")).to_numpy() for table in tables]
    assert shares[3] == pytest.approx(np.mean(shares[:3], axis=0), abs=1e-3)
    best = max(reported["models"], key=lambda name: reported["models"][name]["macro_f1"])
    assert reported["best"] == best
    assert reported["best_by"] == "macro_f1"
    assert {comparison["model"] for comparison in reported["comparisons"]} == set(reported["models"]) - {best}
    written = json.loads((tmp_path / "e" / "comparison.json").read_text("utf-8"))
    assert written["best"] == f"model-{list(reported['models']).index(best) + 1}"
    assert {comparison["best"] for comparison in written["comparisons"]} == {written["best"]}
    report = as_tsv(reports.comparison(reported))
    assert f"selection on the test set: {best}" in report
    assert reported["models"][str(folds)]["validation"]["macro_f1"] == pytest.approx(
        json.loads((folds / "metrics.json").read_text())["out_of_fold"]["macro_f1"]
    )


def test_a_folder_of_folds_alone_gives_its_out_of_fold_scores_and_label_issues(folds, tmp_path):
    reported = tokkit.evaluate(folds, label_issues=True, worst=1000, out=tmp_path / "e", threads=1).as_dict()
    assert reported["kind"] == "out-of-fold"
    saved = json.loads((folds / "metrics.json").read_text())["out_of_fold"]
    assert reported["macro_f1"] == saved["macro_f1"]
    assert reported["loss"] == pytest.approx(saved["loss"], abs=1e-5)
    assert set(pl.read_parquet(tmp_path / "e" / "predictions.parquet")["fold"]) == {1, 2, 3}
    issues = pl.read_csv(tmp_path / "e" / "label_issues.csv")
    assert len(issues) == reported["label_issues"]["count"]
    rows = pl.read_parquet(folds / "predictions.parquet")
    shares = rows.select(f"% {label}" for label in LABELS).to_numpy() / 100
    expected = find_label_issues(shares, np.array([LABELS.index(label) for label in rows["label"]]))
    assert issues["text"].to_list() == rows["text"].gather(expected.rows).to_list()
    assert issues["suggested"].to_list() == [LABELS[i] for i in expected.suggested]
    assert len(issues) > 0
    assert "Likely label errors" in as_tsv(reports.evaluation(reported))


def test_a_model_that_saw_the_rows_is_no_judge_of_their_labels(model, dataset, heard):
    tokkit.evaluate(model, dataset, split="train", label_issues=True, progress=heard, threads=1)
    assert "was trained on these rows" in heard
    assert "that it was trained on; better: train folds (finetune with --folds)" in heard


def test_folds_that_saw_the_rows_have_better_predictions_of_them(folds, heard):
    tokkit.evaluate(folds, folds.parent / "train.csv", label_issues=True, progress=heard, threads=1)
    assert "better: name the folds without the rows" in heard


def test_evaluate_without_rows_is_for_folders_of_folds(model):
    with pytest.raises(UsageError, match="name the rows to evaluate on"):
        tokkit.evaluate(model)


def test_calibrated_divides_by_the_temperature_of_the_validation_rows(model, dataset, heard):
    plain = tokkit.evaluate(model, dataset / "test.csv", threads=1).as_dict()
    cooled = tokkit.evaluate(
        model, dataset / "test.csv", calibrated=True, threads=1, progress=heard
    ).as_dict()
    saved = json.loads((model / "metrics.json").read_text())["calibration"]["temperature"]
    calibration = cooled["calibration"]
    assert calibration["applied"] == saved
    assert (calibration["loss_before"], calibration["ece_before"]) == (
        plain["loss"],
        plain["calibration"]["ece"],
    )
    assert calibration["temperature"] == pytest.approx(plain["calibration"]["temperature"] / saved, rel=0.02)
    assert cooled["macro_f1"] == plain["macro_f1"]
    assert "fitted on" not in heard
    tokkit.evaluate(model, dataset / "validation.csv", calibrated=True, threads=1, progress=heard)
    assert "60 of the 60 rows are among those that the temperature" in heard


def test_calibrated_needs_a_temperature(model, dataset, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for path in model.iterdir():
        if path.name != "metrics.json":
            (other / path.name).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="has no temperature fitted"):
        tokkit.evaluate(other, dataset / "test.csv", calibrated=True)
    with pytest.raises(InputError, match="has no thresholds tuned"):
        tokkit.evaluate(model, dataset / "test.csv", tuned_thresholds=True)


def test_tuned_thresholds_are_those_of_the_validation_rows(binary, tmp_path):
    plain = tokkit.evaluate(binary / "model", binary / "data" / "test.csv", threads=1).as_dict()
    reported = tokkit.evaluate(
        binary / "model", binary / "data" / "test.csv", tuned_thresholds=True, out=tmp_path / "e", threads=1
    ).as_dict()
    [(label, chosen)] = json.loads((binary / "model" / "metrics.json").read_text())["thresholds"].items()
    assert label == "yes"
    assert reported["thresholds_applied"] == {label: chosen}
    rows = pl.read_parquet(tmp_path / "e" / "predictions.parquet")
    expected = (rows["% yes"] >= 100 * chosen["threshold"]).to_list()
    assert [answer == "yes" for answer in rows["predicted"]] == expected
    assert reported["classes"]["yes"]["f1"] == pytest.approx(
        f1_score(rows["label"] == "yes", expected, zero_division=0), abs=1e-6
    )
    assert (reported["loss"], reported["calibration"]["ece"]) == (plain["loss"], plain["calibration"]["ece"])


def test_one_row_and_one_class_are_evaluated(model, tmp_path):
    one = tokkit.evaluate(model, write_csv(tmp_path / "1.csv", [("i feel glad", "joy")]), threads=1).as_dict()
    assert one["rows"] == 1
    alike = write_csv(tmp_path / "2.csv", [(f"i feel glad {i}", "joy") for i in range(5)])
    several = tokkit.evaluate(model, alike, out=tmp_path / "e", label_issues=True, threads=1).as_dict()
    assert several["label_issues"]["count"] == 0
    for reported in (one, several):
        assert html.page("t", reports.page_parts(reported))
        assert as_tsv(reports.evaluation(reported))


def test_predict_applies_the_temperature_and_the_thresholds_too(binary, tmp_path):
    model, data = binary / "model", binary / "data" / "test.csv"
    arguments = {"calibrated": True, "tuned_thresholds": True, "threads": 1}
    tokkit.evaluate(model, data, out=tmp_path / "e", **arguments)
    expected = pl.read_parquet(tmp_path / "e" / "predictions.parquet")
    predictions = tokkit.predict(model, data, raw=True, **arguments).predictions
    assert [row["label"] for row in predictions] == expected["predicted"].to_list()
    shares = [100 * row["probabilities"]["yes"] for row in predictions]
    assert shares == pytest.approx(expected["% yes"].to_list(), abs=1e-3)


def test_predict_of_folds_is_the_calibrated_mean_that_evaluate_scores(folds, dataset, tmp_path):
    tokkit.evaluate(folds, dataset / "test.csv", calibrated=True, out=tmp_path / "e", threads=1)
    expected = pl.read_parquet(tmp_path / "e" / "model-4" / "predictions.parquet")
    predictions = tokkit.predict(
        folds, dataset / "test.csv", raw=True, calibrated=True, threads=1
    ).predictions
    for label in LABELS:
        shares = [100 * row["probabilities"][label] for row in predictions]
        assert shares == pytest.approx(expected[f"% {label}"].to_list(), abs=1e-3)


def test_predictions_cut_short_are_an_input_error_where_they_are_needed(folds, dataset, tmp_path):
    copy = tmp_path / "cv"
    shutil.copytree(folds, copy)
    (copy / "predictions.parquet").write_bytes(b"PAR1")
    assert tokkit.evaluate(copy, dataset / "test.csv", threads=1, resamples=0).best
    with pytest.raises(InputError, match=r"predictions\.parquet: cannot be read"):
        tokkit.evaluate(copy, threads=1)
    (copy / "predictions.parquet").unlink()
    with pytest.raises(InputError, match=r"predictions\.parquet: no such file"):
        tokkit.evaluate(copy, threads=1)
    with pytest.raises(UsageError, match="fitted on the out-of-fold rows"):
        tokkit.evaluate(folds, calibrated=True, threads=1)


def test_evaluate_from_the_command_line_writes_a_page(folds, tmp_path, capsys):
    page = tmp_path / "r.html"
    arguments = ["evaluate", str(folds), "--label-issues", "--html", str(page), "--threads", "1", "--json"]
    assert run(arguments) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["command"] == "evaluate"
    assert reported["split"] is None
    assert b"Likely label errors" in page.read_bytes()
    assert run(["evaluate", str(folds / "fold-1")]) == 2
    assert "only one path named" in capsys.readouterr().err
    assert run(["evaluate", str(folds), "--html", "r.txt"]) == 2


def test_the_best_of_several_models_is_that_by_the_metric_named(model, folds, dataset, tmp_path):
    by_loss = tokkit.evaluate([model, folds], dataset / "test.csv", metric="loss", resamples=0).as_dict()
    losses = {name: scores["loss"] for name, scores in by_loss["models"].items()}
    assert (by_loss["best_by"], by_loss["best"]) == ("loss", min(losses, key=losses.get))
    of_class = "classes.joy.f1"
    joy = tokkit.evaluate([model, folds], dataset / "test.csv", metric=of_class, resamples=0).as_dict()
    f1 = {name: scores["classes"]["joy"]["f1"] for name, scores in joy["models"].items()}
    assert (joy["best_by"], joy["best"]) == (of_class, max(f1, key=f1.get))
    table = reports.comparison(joy)[0]
    assert table.columns[5] == reports.score_name(of_class)
    assert [row[5] for row in table.rows] == list(f1.values())
    with pytest.raises(UsageError, match=r'metric: no score "acuracy" .did you mean "accuracy"'):
        tokkit.evaluate(model, dataset / "test.csv", metric="acuracy")
