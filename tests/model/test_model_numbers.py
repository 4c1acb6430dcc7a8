"""Scores of predicted numbers against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from tokkit.model.metrics.regression import evaluate_numbers


@given(st.integers(0, 2**32 - 1), st.integers(3, 30))
def test_scores_are_those_of_scikit_learn_and_scipy(seed, rows):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=rows)
    predicted = true + rng.normal(size=rows)
    ours = evaluate_numbers(predicted, true)
    assert ours["loss"] == pytest.approx(metrics.mean_squared_error(true, predicted), abs=1e-6)
    assert ours["mae"] == pytest.approx(metrics.mean_absolute_error(true, predicted), abs=1e-6)
    assert ours["r2"] == pytest.approx(metrics.r2_score(true, predicted), abs=1e-6)
    assert ours["pearson"] == pytest.approx(stats.pearsonr(true, predicted).statistic, abs=1e-6)
    assert ours["spearman"] == pytest.approx(stats.spearmanr(true, predicted).statistic, abs=1e-6)


def test_the_mean_explains_nothing_and_what_does_not_vary_correlates_with_nothing():
    true = np.array([1.0, 2.0, 3.0])
    ours = evaluate_numbers(np.full(3, 2.0), true)
    assert ours["r2"] == ours["pearson"] == ours["spearman"] == 0
    assert ours["loss"] == ours["majority"]["loss"]
    alike = evaluate_numbers(np.array([1.0]), np.array([1.0]))
    assert (alike["loss"], alike["r2"], alike["pearson"]) == (0, 0, 0)
