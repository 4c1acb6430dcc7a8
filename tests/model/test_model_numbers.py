"""Scores of predicted numbers against scikit-learn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from tokkit.model.metrics.regression import regression_scores


@given(st.integers(0, 2**32 - 1), st.integers(3, 30))
def test_scores_are_those_of_scikit_learn_and_scipy(seed, rows):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=rows)
    predicted = true + rng.normal(size=rows)
    ours = regression_scores(predicted, true)
    assert ours["loss"] == pytest.approx(metrics.mean_squared_error(true, predicted), abs=1e-6)
    assert ours["mae"] == pytest.approx(metrics.mean_absolute_error(true, predicted), abs=1e-6)
    assert ours["r2"] == pytest.approx(metrics.r2_score(true, predicted), abs=1e-6)
    assert ours["pearson"] == pytest.approx(stats.pearsonr(true, predicted).statistic, abs=1e-6)
    assert ours["spearman"] == pytest.approx(stats.spearmanr(true, predicted).statistic, abs=1e-6)
    stars, guesses = np.round(true), np.round(predicted)  # many equal values
    if np.ptp(stars) and np.ptp(guesses):
        tied = regression_scores(guesses, stars)["spearman"]
        assert tied == pytest.approx(stats.spearmanr(stars, guesses).statistic, abs=1e-6)


def test_the_mean_explains_nothing_and_what_does_not_vary_correlates_with_nothing():
    true = np.array([1.0, 2.0, 3.0])
    ours = regression_scores(np.full(3, 2.0), true)
    assert ours["r2"] == ours["pearson"] == ours["spearman"] == 0
    assert ours["loss"] == ours["majority"]["loss"]
    alike = regression_scores(np.array([1.0]), np.array([1.0]))
    assert (alike["loss"], alike["r2"], alike["pearson"]) == (0, 0, 0)
