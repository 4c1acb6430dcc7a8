"""`evaluate` of every task: what applies is reported, the rest left out, and nothing fails."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import tokkit
from tests.model.conftest import sentences, write_csv
from tests.model.test_model_evaluate import TINY
from tokkit.errors import InputError
from tokkit.model.evaluation.scoring import ScoredModel, score_ensemble
from tokkit.model.folder.model_folder import load_classifier
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.options.inference_options import EvaluateOptions
from tokkit.model.tasks import TASKS
from tokkit.model.tasks.task import RowTargets
from tokkit.views import html
from tokkit.views.reports import evaluation as reports
from tokkit.views.tables import as_tsv
from tokkit.views.terminal import as_text

REPORTS = {
    "multi-label": {"macro_f1", "classes", "calibration", "thresholds", "intervals", "lengths", "worst"},
    "tags": {"span_f1", "classes", "confusion", "calibration", "intervals", "lengths", "worst"},
    "regression": {"pearson", "mae", "intervals", "lengths", "worst"},
}
LACKS = {
    "multi-label": {"confusion"},
    "tags": {"thresholds"},
    "regression": {"classes", "confusion", "calibration", "thresholds"},
}


def record(task, text, label):
    if task == "multi-label":
        return {"text": text, "labels": [label, *(["home"] if "home" in text else [])]}
    if task == "tags":
        words = text.split()
        return {"tokens": words, "tags": [f"B-{label}" if w in FEELINGS else "O" for w in words]}
    return {"text": text, "score": len(text) / 10}


FEELINGS = ("glad", "happy", "merry", "sad", "gloomy", "blue", "angry", "furious", "cross")


@pytest.fixture(scope="module", params=list(REPORTS))
def trained(request, tokenizer, tmp_path_factory):
    """A task, the folder of its data and model, and the columns to be named."""
    home = tmp_path_factory.mktemp("task")
    for name, n, seed in (("train", 120, 1), ("validation", 40, 2), ("test", 40, 3)):
        lines = [json.dumps(record(request.param, *row)) for row in sentences(n, seed)]
        (home / "data").mkdir(exist_ok=True)
        (home / "data" / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    regression = request.param == "regression"
    columns = {"label_column": "score"} if regression else {}
    task = {"task": "regression"} if regression else {}
    tokkit.finetune(home / "data", tokenizer, out=home / "model", epochs=2, **TINY, **task, **columns)
    return request.param, home, columns


def test_every_task_is_evaluated(trained, tmp_path):
    task, home, columns = trained
    reported = tokkit.evaluate(
        home / "model", home / "data" / "test.jsonl", out=tmp_path / "e", threads=1, **columns
    ).as_dict()
    assert set(reported) >= {"rows", "loss", "kind", "validation"} | REPORTS[task]
    assert set(reported).isdisjoint(LACKS[task])
    assert json.loads((tmp_path / "e" / "metrics.json").read_text("utf-8"))["loss"] == reported["loss"]
    rows = pl.read_parquet(tmp_path / "e" / "predictions.parquet")
    assert len(rows) == reported["rows"] == 40
    assert len(rows.select(pl.col("^% .*$")).columns) == (
        len(reported["classes"]) if task == "multi-label" else 0
    )
    for score, (low, high) in reported.get("intervals", {}).items():
        assert low <= reported[score] <= high, score
    assert as_tsv(reports.evaluation(reported))
    assert as_text(reports.evaluation(reported), 40, color=False)
    assert html.page("t", reports.page_parts(reported))


def test_several_models_of_every_task_are_compared(trained):
    task, home, columns = trained
    copy = home / "copy"
    if not copy.exists():
        folder_copy(home / "model", copy)
    reported = tokkit.evaluate(
        [home / "model", copy], home / "data" / "test.jsonl", threads=1, **columns
    ).as_dict()
    assert reported["best"] == str(home / "model")
    assert reported["best_by"] == TASKS[task].metric
    tests = {"multi-label": ["mcnemar"], "tags": ["exchange"], "regression": []}
    assert [comparison["test"] for comparison in reported["comparisons"]] == tests[task]
    assert as_tsv(reports.comparison(reported))


def test_label_issues_are_for_one_label_a_text(trained):
    task, home, columns = trained
    with pytest.raises(InputError, match=f"is a {task} model; label issues are found where each row"):
        tokkit.evaluate(home / "model", home / "data" / "test.jsonl", label_issues=True, threads=1, **columns)


@pytest.mark.parametrize("trained", ["regression"], indirect=True)
def test_models_of_different_tasks_have_no_best(trained, tmp_path):
    _, home, _ = trained
    rows = [(text, "1" if label == "joy" else "2") for text, label in sentences(60, seed=1)]
    data = write_csv(tmp_path / "train.csv", rows)
    tokkit.finetune(data, home / "model", out=tmp_path / "m", epochs=1, **TINY)
    with pytest.raises(InputError, match="they have no score in common"):
        tokkit.evaluate([home / "model", tmp_path / "m"], data, threads=1)


def folder_copy(source, target):
    target.mkdir()
    for path in source.iterdir():
        if path.is_file():
            (target / path.name).write_bytes(path.read_bytes())
    assert load_classifier(target)


@pytest.mark.parametrize("name", ["single-label", "multi-label", "regression"])
def test_an_ensemble_predicts_the_mean_of_its_members(name, tmp_path):
    rng = np.random.default_rng(0)
    classes = 1 if name == "regression" else 3
    values = {
        "single-label": rng.integers(0, 3, 20),
        "multi-label": (rng.random((20, 3)) < 0.5).astype(np.float32),
        "regression": rng.random(20).astype(np.float32),
    }[name]
    labels = ("a", "b", "c")[:classes]
    logits = [rng.normal(size=(20, classes)).astype(np.float32) * 4 for _ in range(3)]
    members = [
        ScoredModel(
            "m", "fold", TASKS[name], labels, member_logits, member_logits, RowTargets(values), np.full(20, 5)
        )
        for member_logits in logits
    ]
    receipt = ModelReceipt(tmp_path)
    ensemble = score_ensemble("folds", receipt, members, EvaluateOptions())
    mean = np.mean([TASKS[name].probabilities(member_logits) for member_logits in logits], axis=0)
    assert TASKS[name].probabilities(ensemble.logits) == pytest.approx(mean, abs=1e-5)
    if classes > 1:
        assert ensemble.decisions.correct.shape == (20,)
    other = replace(members[1], labels=labels[::-1])
    if classes > 1:
        with pytest.raises(InputError, match="has other classes than"):
            score_ensemble("folds", receipt, [members[0], other], EvaluateOptions())
