"""Intervals from counts: against formulas in plain Python, and against a bootstrap of the rows themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from tokkit.model.metrics.classification import classifier_scores
from tokkit.model.metrics.count_intervals import class_intervals, overall_intervals, wilson


@pytest.mark.parametrize(("hits", "total"), [(0, 1), (1, 1), (9, 10), (3, 700), (500, 1000)])
def test_wilson_is_that_of_scipy(hits, total):
    expected = binomtest(hits, total).proportion_ci(0.95, "wilson")
    assert wilson(hits, total) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_without_rows_there_is_no_interval():
    assert wilson(0, 0) is None
    classes = {"a": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}}
    assert class_intervals(classes) == {"a": {}}


@pytest.fixture
def rows():
    """Labels and predictions of 400 rows of three classes, of which the third is rare."""
    random = np.random.default_rng(3)
    true = random.choice(3, 400, p=[0.6, 0.35, 0.05])
    predicted = np.where(random.random(400) < 0.75, true, random.integers(0, 3, 400))
    return true, predicted


def test_macro_f1_is_that_of_a_bootstrap_of_rows(rows):
    true, predicted = rows
    logits = np.eye(3, dtype=np.float32)[predicted]
    scores = classifier_scores(logits, true, ["a", "b", "c"])
    bounds = overall_intervals(scores)

    def macro_f1(chosen):
        values = []
        for label in range(3):
            t, p = true[chosen] == label, predicted[chosen] == label
            values.append(2 * (t & p).sum() / max(1, t.sum() + p.sum()))
        return np.mean(values)

    random = np.random.default_rng(4)
    samples = [macro_f1(random.integers(0, 400, 400)) for _ in range(2000)]
    assert bounds["macro_f1"] == pytest.approx(tuple(np.percentile(samples, [2.5, 97.5])), abs=0.015)
    correct = int((true == predicted).sum())
    assert bounds["accuracy"] == wilson(correct, 400)
    assert bounds == overall_intervals(scores), "the same each time"


def test_of_a_class_they_follow_from_its_counts(rows):
    true, predicted = rows
    scores = classifier_scores(np.eye(3, dtype=np.float32)[predicted], true, ["a", "b", "c"])
    bounds = class_intervals(scores["classes"])
    for label, name in enumerate("abc"):
        t, p = true == label, predicted == label
        assert bounds[name]["recall"] == wilson(int((t & p).sum()), int(t.sum()))
        assert bounds[name]["precision"] == wilson(int((t & p).sum()), int(p.sum()))
        low, high = wilson(int((t & p).sum()), int((t | p).sum()))
        assert bounds[name]["f1"] == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)), abs=1e-6)
        assert bounds[name]["f1"][0] < scores["classes"][name]["f1"] < bounds[name]["f1"][1]


def test_of_many_classes_it_is_there_as_well():
    classes = 300
    matrix = np.diag(np.full(classes, 3))
    scores = {"rows": 900, "confusion": {"labels": [], "matrix": matrix.tolist()}}
    low, high = overall_intervals(scores)["macro_f1"]
    assert low <= high <= 1
    assert math.isclose(high, 1 - math.exp(-3), abs_tol=0.05), "a class without a row in a sample has 0"
