"""Thresholds against scikit-learn's precision-recall curve; decisions shifted by them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_curve

from tokkit.model.metrics.calibration import best_threshold, shifted, tune, tune_binary
from tokkit.model.metrics.classification import softmax

rows_of_one_class = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40)


@given(rows_of_one_class)
def test_the_best_f1_is_that_of_scikit_learn_s_curve(rows):
    shares = np.array([share for share, _ in rows]) / 20
    positive = np.array([is_it for _, is_it in rows])
    if not positive.any():
        assert best_threshold(shares, positive) is None
        return
    precision, recall, _ = precision_recall_curve(positive, shares)
    with np.errstate(invalid="ignore"):
        best = np.nanmax(2 * precision * recall / (precision + recall))
    threshold, f1 = best_threshold(shares, positive)
    assert f1 == pytest.approx(best)
    assert f1_score(positive, shares >= threshold) == pytest.approx(f1)


def test_of_two_classes_the_rarer_one_is_tuned():
    shares = np.array([[0.9, 0.1], [0.7, 0.3], [0.8, 0.2], [0.4, 0.6]])
    assert list(tune_binary(shares, np.array([0, 1, 0, 0]), ["no", "yes"])) == ["yes"]
    assert list(tune_binary(shares, np.array([1, 1, 0, 1]), ["no", "yes"])) == ["no"]
    assert list(tune_binary(shares, np.array([1, 1, 0, 0]), ["no", "yes"])) == ["yes"]
    assert tune_binary(shares, np.array([0, 0, 0, 0]), ["no", "yes"]) == {}


def test_a_class_without_rows_has_no_threshold():
    truth = np.array([[True, False], [False, False]])
    tuned = tune(np.array([[0.4, 0.9], [0.1, 0.2]]), truth, ["a", "b"])
    assert tuned == {"a": {"threshold": 0.25, "f1": 1.0, "f1_at_half": 0.0}}


@pytest.mark.parametrize("threshold", [0.0, 0.02, 0.5, 0.97, 1.0])
def test_shifted_logits_decide_by_the_threshold(threshold):
    logits = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32) * 3
    thresholds = {"b": {"threshold": threshold}}
    two = shifted(logits, ["a", "b"], thresholds)
    assert ((two.argmax(axis=1) == 1) == (softmax(logits)[:, 1] >= threshold)).all()
    many = shifted(logits, ["a", "b"], thresholds)
    share = 1 / (1 + np.exp(-logits.astype(np.float64)))
    assert ((many[:, 1] >= 0) == (share[:, 1] >= threshold)).all()
    assert (many[:, 0] == logits[:, 0]).all()
