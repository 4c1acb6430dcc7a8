"""Several labels a text: scores against scikit-learn and torch, answers against a pipeline."""

from __future__ import annotations

import json
import random

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

import tokkit
from tests.model.conftest import _FEELINGS
from tokkit.errors import InputError, UsageError
from tokkit.model.metrics.classification import binary_cross_entropy, classifier_scores, sigmoid
from tokkit.model.tasks import TASKS

LABELS = ("a", "b", "c")
FAST = {"size": "tiny", "threads": 1, "no_cache": True, "baseline": "none"}


def feelings(rows, seed):
    """Rows of no, one or two feelings, whose words stand in the text."""
    rng = random.Random(seed)
    for number in range(rows):
        labels = rng.sample(sorted(_FEELINGS), rng.choice([0, 1, 1, 2]))
        words = " and ".join(rng.choice(_FEELINGS[label]) for label in labels)
        yield {"text": f"at home {number} i feel {words or 'nothing'}", "labels": labels}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    for name, rows, seed in (("train", 160, 1), ("validation", 60, 2)):
        lines = [json.dumps(row, ensure_ascii=False) for row in feelings(rows, seed)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def several(data, tokenizer, tmp_path_factory):
    out = tmp_path_factory.mktemp("several") / "model"
    tokkit.finetune(data, tokenizer, out=out, epochs=5, lr=3e-3, batch_size=16, **FAST)
    return out


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
def test_scores_are_those_of_scikit_learn(seed, rows):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, 3)).astype(np.float32)
    targets = (rng.random((rows, 3)) < 0.4).astype(np.float32)
    ours = classifier_scores(logits, targets, LABELS)
    truth, predicted = targets == 1, torch.sigmoid(torch.from_numpy(logits)).numpy() >= 0.5
    for average in ("macro", "micro", "weighted"):
        theirs = metrics.f1_score(truth, predicted, average=average, zero_division=0)
        assert ours[f"{average}_f1"] == pytest.approx(theirs, abs=1e-6)
    assert ours["accuracy"] == pytest.approx(metrics.accuracy_score(truth, predicted), abs=1e-6)
    there = [i for i in range(3) if truth[:, i].any()]
    average_precision = [metrics.average_precision_score(truth[:, i], sigmoid(logits)[:, i]) for i in there]
    assert ours["mean_average_precision"] == pytest.approx(np.mean(average_precision or [0]), abs=1e-6)
    loss = torch.nn.BCEWithLogitsLoss()(torch.from_numpy(logits), torch.from_numpy(targets))
    assert ours["loss"] == pytest.approx(float(loss), abs=1e-5)


def test_losses_do_not_overflow_far_out():
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]], dtype=np.float32)
    assert binary_cross_entropy(logits, np.array([[1, 0], [1, 0]], dtype=np.float32)).tolist() == [0, 1e4]
    assert sigmoid(logits).tolist() == [[1, 0], [0, 1]]


def test_labels_are_read_written_and_numbered():
    task = TASKS["multi-label"]
    assert task.names("joy|love") == ["joy", "love"]
    assert task.names("|") == []
    for names in ([], ["joy"], ["joy", "love"]):
        assert task.names(task.joined(names)) == names


def test_lists_of_labels_make_a_model_of_several_labels(several):
    config = json.loads((several / "config.json").read_text("utf-8"))
    assert config["problem_type"] == "multi_label_classification"
    assert config["id2label"] == {"0": "anger", "1": "joy", "2": "sadness"}
    scores = json.loads((several / "metrics.json").read_text("utf-8"))
    assert scores["loss"] < 0.65, "ln 2 is what a model knows that says one half of everything"
    assert 0 < scores["mean_average_precision"] < 1
    assert set(scores["thresholds"]) == {"anger", "joy", "sadness"}


def test_a_pipeline_of_transformers_gives_the_same_probabilities(several):
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(several), top_k=None)
    texts = ["at home i feel glad and sad", "어제 i feel 기쁘다", "at home i feel nothing", ""]
    ours = tokkit.predict(several, texts, raw=True).predictions
    for own, theirs in zip(ours, classify(texts), strict=True):
        shares = {score["label"]: score["score"] for score in theirs}
        assert own["probabilities"] == pytest.approx(shares, abs=1e-5)
        assert own["labels"] == [label for label in sorted(shares) if shares[label] >= 0.5]
        assert own["label"] == ("|".join(own["labels"]) or "|")


def test_evaluate_agrees_with_predict_also_on_rows_without_labels(several, data):
    scores = tokkit.evaluate(several, data / "validation.jsonl").as_dict()
    rows = tokkit.predict(several, data / "validation.jsonl").predictions
    assert scores["rows"] == len(rows) == 60
    right = sum(row["label"] == row["true_label"] for row in rows)
    assert scores["accuracy"] == pytest.approx(right / 60, abs=1e-6)
    assert any(row["true_label"] == "|" for row in rows)
    saved = pl.read_parquet(several / "predictions.parquet")
    assert saved["label"].to_list() == [row["true_label"] for row in rows]
    assert saved["predicted"].to_list() == [row["label"] for row in rows]


def test_all_labels_of_a_row_are_written_with_it(several, data, tmp_path):
    expected = tokkit.predict(several, data / "validation.jsonl").predictions
    tokkit.predict(several, data / "validation.jsonl", out=tmp_path / "o.jsonl", probabilities=True)
    rows = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text("utf-8").splitlines()]
    source = [json.loads(line) for line in (data / "validation.jsonl").read_text("utf-8").splitlines()]
    for row, own, prediction in zip(rows, source, expected, strict=True):
        assert {name: row[name] for name in own} == own
        assert row["predicted"] == prediction["label"]
        assert {label: row[f"% {label}"] for label in prediction["probabilities"]} == pytest.approx(
            prediction["probabilities"], abs=0.011
        )
        assert "probability" not in row
    with pytest.raises(UsageError, match="does not choose one of several classes"):
        tokkit.predict(several, data / "validation.jsonl", out=tmp_path / "p.jsonl", top=2)


def test_labels_in_one_field_are_the_same_rows(several, data, tmp_path):
    rows = [json.loads(line) for line in (data / "validation.jsonl").read_text("utf-8").splitlines()]
    lines = [f'{row["text"]},"{", ".join(row["labels"]) or ","}"' for row in rows]
    (tmp_path / "t.csv").write_text("text,labels\n" + "\n".join(lines) + "\n", encoding="utf-8")
    of_lists = tokkit.evaluate(several, data / "validation.jsonl").as_dict()
    of_fields = tokkit.evaluate(several, tmp_path / "t.csv", label_sep=",").as_dict()
    assert of_fields["macro_f1"] == of_lists["macro_f1"]


def test_a_label_that_no_training_row_has_is_named(several, data, tokenizer, tmp_path):
    odd = tmp_path / "odd.jsonl"
    odd.write_text('{"text": "at home i feel glad", "labels": ["joy", "awe"]}\n', encoding="utf-8")
    with pytest.raises(InputError, match='unknown label "awe"'):
        tokkit.evaluate(several, odd)
    with pytest.raises(InputError, match='"awe" is in validation but in no training row'):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", validation_data=odd, **FAST)


def test_a_label_of_few_rows_is_not_split_off_from_training(tokenizer, tmp_path):
    rows = [*feelings(40, seed=5), {"text": "what a day", "labels": ["awe", "joy"]}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "t.jsonl").write_text(lines, encoding="utf-8")
    for seed in range(3):
        result = tokkit.finetune(
            tmp_path / "t.jsonl", tokenizer, out=tmp_path / f"m{seed}", epochs=1, seed=seed, **FAST
        )
        assert result.metrics["classes"]["awe"]["support"] == 0


def test_labels_that_never_come_twice_leave_nothing_to_validate_on(tokenizer, tmp_path):
    lines = "".join(json.dumps({"text": f"text {i}", "labels": [f"l{i}"]}) + "\n" for i in range(30))
    (tmp_path / "t.jsonl").write_text(lines, encoding="utf-8")
    with pytest.raises(InputError, match="no row of validation has both text and label"):
        tokkit.finetune(tmp_path / "t.jsonl", tokenizer, out=tmp_path / "m", **FAST)


def test_one_label_only_is_nothing_to_learn(tokenizer, tmp_path):
    (tmp_path / "t.jsonl").write_text('{"text": "a", "labels": ["x"]}\n' * 20, encoding="utf-8")
    with pytest.raises(InputError, match=r'one class only \("x"\)'):
        tokkit.finetune(tmp_path / "t.jsonl", tokenizer, out=tmp_path / "m", **FAST)


@pytest.mark.parametrize("task", ["single-label", "tags", "regression"])
def test_another_task_than_the_rows_are_labelled_for_is_refused(task, data, tokenizer, tmp_path):
    with pytest.raises(UsageError, match=f'task="{task}": the rows of .* have lists of labels'):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", task=task, **FAST)
