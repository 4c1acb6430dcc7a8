"""Scores against scikit-learn and torch, probabilities at the extremes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from tokkit.model.metrics.classification import classifier_scores, confusion_matrix, cross_entropy, softmax

LABELS = ("a", "b", "c", "never")


def random_logits(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.choice(3, size=rows, p=[0.6, 0.3, 0.1])
    logits = rng.normal(size=(rows, 4)).astype(np.float32)
    logits[np.arange(rows), targets] += 1
    return logits, targets.astype(np.int64)


def test_scores_are_those_of_scikit_learn():
    logits, targets = random_logits()
    predicted = logits.argmax(axis=1)
    scores = classifier_scores(logits, targets, LABELS)
    report = reference.classification_report(
        targets, predicted, labels=range(4), target_names=LABELS, output_dict=True, zero_division=0
    )
    assert scores["accuracy"] == pytest.approx(reference.accuracy_score(targets, predicted), abs=1e-6)
    assert scores["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"], abs=1e-6)
    assert scores["weighted_f1"] == pytest.approx(report["weighted avg"]["f1-score"], abs=1e-6)
    for label in LABELS:
        assert scores["classes"][label]["f1"] == pytest.approx(report[label]["f1-score"], abs=1e-6)
        assert scores["classes"][label]["support"] == report[label]["support"]
    for score in ("precision", "recall"):
        for label in LABELS:
            assert scores["classes"][label][score] == pytest.approx(report[label][score], abs=1e-6)
    matrix = reference.confusion_matrix(targets, predicted, labels=range(4))
    assert scores["confusion"]["matrix"] == matrix.tolist()
    assert (confusion_matrix(targets, predicted, 4) == matrix).all()


def test_macro_f1_counts_classes_that_are_neither_true_nor_predicted():
    targets, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    scores = classifier_scores(np.eye(4, dtype=np.float32)[predicted], targets, LABELS)
    expected = reference.f1_score(targets, predicted, labels=range(4), average="macro", zero_division=0)
    assert scores["macro_f1"] == pytest.approx(expected, abs=1e-6)
    assert scores["macro_f1"] < 0.4


def test_the_majority_class_is_scored_too():
    logits, targets = random_logits()
    majority = classifier_scores(logits, targets, LABELS)["majority"]
    assert majority["label"] == "a"
    assert majority["accuracy"] == pytest.approx((targets == 0).mean(), abs=1e-6)


def test_cross_entropy_is_that_of_torch():
    logits, targets = random_logits()
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits).double(), torch.from_numpy(targets), reduction="none"
    )
    assert cross_entropy(logits, targets) == pytest.approx(expected.numpy(), abs=1e-9)


@given(st.lists(st.floats(-(2.0**127), 2.0**127, width=32), min_size=2, max_size=6))
def test_softmax_never_overflows(row):
    shares = softmax(np.array([row], dtype=np.float32))
    assert np.isfinite(shares).all()
    assert shares.sum() == pytest.approx(1)


def test_softmax_is_torch_s():
    logits, _ = random_logits()
    assert softmax(logits) == pytest.approx(
        torch.from_numpy(logits).double().softmax(dim=1).numpy(), abs=1e-12
    )


def test_predictions_that_are_all_the_same_are_named():
    logits = np.array([[2.0, 1.0], [1.0, 0.5], [3.0, 0.0]], np.float32)
    assert classifier_scores(logits, np.array([0, 1, 0]), ["joy", "anger"])["predicts_only"] == "joy"
    several = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    assert classifier_scores(logits, several, ["joy", "anger"])["predicts_only"] == "joy|anger"
    assert classifier_scores(-logits - 1, several, ["joy", "anger"])["predicts_only"] == ""
    # where there is nothing else to predict, or predictions differ
    assert "predicts_only" not in classifier_scores(logits, np.array([0, 0, 0]), ["joy", "anger"])
    assert "predicts_only" not in classifier_scores(np.eye(2, dtype=np.float32), np.array([0, 1]), ["a", "b"])
