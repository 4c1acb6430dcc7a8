"""Bootstrap intervals, paired tests and buckets of length against scipy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import accuracy_score, f1_score

from tests.model.test_metrics import random_logits
from tokkit.inspection.comparison import resampling
from tokkit.model.metrics.classification import cross_entropy, scores_by_length
from tokkit.model.metrics.significance import (
    PairedScores,
    RowSums,
    bootstrap,
    compare_with_best,
    decision_sums,
    intervals,
    mcnemar,
)
from tokkit.model.tasks import TASKS
from tokkit.model.tasks.task import RowTargets

CLASSES = range(4)
decisions = TASKS["single-label"].decisions


def resampled_scores(losses, decided, resamples, seed):
    return bootstrap(decision_sums(losses, decided), resamples, seed)


@pytest.fixture(scope="module")
def predicted_rows():
    logits, targets = random_logits(rows=150)
    return logits, targets, cross_entropy(logits, targets), decisions(logits, RowTargets(targets))


def test_intervals_are_scipy_s_from_the_same_seed(predicted_rows):
    logits, targets, losses, decided = predicted_rows
    predicted = logits.argmax(axis=1)
    scores = {
        "loss": lambda rows: losses[rows].mean(),
        "accuracy": lambda rows: accuracy_score(targets[rows], predicted[rows]),
        "macro_f1": lambda rows: f1_score(
            targets[rows], predicted[rows], labels=CLASSES, average="macro", zero_division=0
        ),
    }
    bounds = intervals(resampled_scores(losses, decided, 60, seed=5))
    for name, score in scores.items():
        expected = scipy.stats.bootstrap(
            (np.arange(150),),
            score,
            vectorized=False,
            n_resamples=60,
            method="percentile",
            rng=np.random.default_rng(5),
        ).confidence_interval
        assert bounds[name] == pytest.approx([expected.low, expected.high], abs=2e-6)


def test_resampling_does_not_depend_on_what_fits_into_memory(predicted_rows, monkeypatch):
    *_, losses, decided = predicted_rows
    whole = resampled_scores(losses, decided, 30, seed=1)
    monkeypatch.setattr(resampling, "_CELLS", 400)
    parts = resampled_scores(losses, decided, 30, seed=1)
    for name in whole:
        assert parts[name] == pytest.approx(whole[name], abs=1e-12)


def test_intervals_of_one_row_and_of_no_decisions():
    logits, targets = random_logits(rows=1)
    decided = decisions(logits, RowTargets(targets))
    assert set(resampled_scores(np.array([0.5]), decided, 10, 0)) == {"loss", "accuracy", "macro_f1"}
    assert intervals(resampled_scores(np.array([0.5]), None, 10, 0)) == {"loss": [0.5, 0.5]}
    assert resampled_scores(np.array([0.5]), None, 0, 0) == {}


@pytest.mark.parametrize(("only_first", "only_second"), [(0, 0), (1, 0), (5, 1), (10, 10), (3, 9)])
def test_mcnemar_is_the_exact_permutation_test(only_first, only_second):
    first = np.array([True] * only_first + [False] * only_second + [True, False, True])
    second = np.array([False] * only_first + [True] * only_second + [True, False, True])
    if only_first + only_second == 0:
        assert mcnemar(first, second) == 1
        return
    exact = scipy.stats.permutation_test(
        (first.astype(int), second.astype(int)),
        lambda one, other, axis: (one - other).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**24 if only_first + only_second < 13 else 20_000,
        rng=np.random.default_rng(0),
    ).pvalue
    assert mcnemar(first, second) == pytest.approx(exact, abs=0.02)


def test_models_are_compared_with_the_best_on_the_same_samples(predicted_rows):
    *_, losses, decided = predicted_rows
    scores = resampled_scores(losses, decided, 50, seed=1)
    worse = {name: values - 0.25 for name, values in scores.items()}
    rng = np.random.default_rng(0)
    right = rng.random(150) < 0.9
    half = right & (rng.random(150) < 0.5)
    compared = compare_with_best(
        {"a": PairedScores(right, scores), "b": PairedScores(half, worse), "c": PairedScores(right, scores)},
        "a",
    )
    assert [comparison["model"] for comparison in compared] == ["b", "c"]
    assert compared[0]["intervals"]["accuracy"] == [-0.25, -0.25]
    assert compared[0]["p_value"] < compared[0]["p_adjusted"] < 0.001
    assert compared[1]["p_value"] == compared[1]["p_adjusted"] == 1


def test_buckets_of_length_are_scored_as_scikit_learn_scores_them(predicted_rows):
    logits, targets, losses, decided = predicted_rows
    lengths = np.random.default_rng(2).integers(1, 70, size=150)
    buckets = scores_by_length(lengths, losses, decided)
    assert [(bucket["from"], bucket["to"]) for bucket in buckets] == [
        (1, 8),
        (9, 16),
        (17, 32),
        (33, 64),
        (65, 128),
    ]
    assert sum(bucket["rows"] for bucket in buckets) == 150
    for bucket in buckets:
        rows = (lengths >= bucket["from"]) & (lengths <= bucket["to"])
        predicted = logits.argmax(axis=1)[rows]
        assert bucket["rows"] == rows.sum()
        assert bucket["loss"] == pytest.approx(losses[rows].mean(), abs=1e-6)
        assert bucket["accuracy"] == pytest.approx(accuracy_score(targets[rows], predicted), abs=1e-6)
        assert bucket["macro_f1"] == pytest.approx(
            f1_score(targets[rows], predicted, average="macro"), abs=1e-6
        )


def test_decisions_of_several_labels_and_of_numbers():
    several = TASKS["multi-label"].decisions(
        np.array([[1.0, -1.0], [0.0, 2.0]]), RowTargets(np.array([[1.0, 0], [1, 0]]))
    )
    assert several.correct.tolist() == [True, False]
    number = RowTargets(np.array([2.0], dtype=np.float32))
    assert TASKS["regression"].decisions(np.array([[1.5]]), number) is None


def test_a_correlation_of_large_numbers_loses_no_digits():
    rng = np.random.default_rng(1)
    first = rng.standard_normal(500)
    second = first + rng.standard_normal(500)
    expected = np.corrcoef(first, second)[0, 1]
    for added in (0.0, 1e8):
        assert RowSums.correlation(first + added, second + added).value == pytest.approx(expected, abs=1e-6)
