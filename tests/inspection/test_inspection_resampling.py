"""Intervals and tests against scipy, from the same seed where it draws the same."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from tokkit.inspection.comparison import resampling
from tokkit.inspection.comparison.tokenizer_metrics import ratio


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(7)
    words = draw.integers(0, 60, 500)
    return np.stack([words + draw.integers(0, 30, 500), words], axis=1).astype(np.float64)


def test_resampling_interval_is_scipys_from_the_same_seed(rows):
    sums = resampling.resampled_sums(rows, 999, 42)
    interval = resampling.interval(ratio(sums[:, 0], sums[:, 1]))
    expected = scipy.stats.bootstrap(
        (rows[:, 0], rows[:, 1]),
        lambda tokens, words, axis: tokens.sum(axis) / words.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=999,
        method="percentile",
        rng=np.random.default_rng(42),
    ).confidence_interval
    assert interval == pytest.approx([expected.low, expected.high], rel=1e-12)


def test_resampling_gives_the_same_whatever_fits_into_memory(rows, monkeypatch):
    whole = resampling.resampled_sums(rows, 50, 3)
    for cells in (1, 501, 7777):
        monkeypatch.setattr(resampling, "_CELLS", cells)
        assert (resampling.resampled_sums(rows, 50, 3) == whole).all()
    assert resampling.resampled_sums(rows[:0], 5, 3).tolist() == [[0, 0]] * 5
    assert resampling.resampled_sums(rows, 0, 3).shape == (0, 2)


def test_resampling_interval_leaves_out_what_is_no_number():
    assert resampling.interval(np.array([np.nan, np.nan])) is None
    assert resampling.interval(np.array([])) is None
    assert resampling.interval(np.array([1.0, np.nan, 1.0])) == [1, 1]


@pytest.mark.parametrize(
    "differences",
    [[1, 1, 1, 1, 1, 1, 1], [3, -1, 2, 0, 0, 4, 1, -2], [5, -5, 5, -5], [1, 2, 3, 4, 5, 6, 7, 8, 9, -1]],
)
def test_resampling_sign_flip_is_scipys_permutation_test(differences):
    exact = scipy.stats.permutation_test(
        (np.array(differences), np.zeros(len(differences))),
        lambda first, second, axis: (first - second).sum(axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    ).pvalue
    p_value = resampling.sign_flip(np.array(differences), seed=42)
    assert p_value == pytest.approx(exact, abs=4 * (exact * (1 - exact) / resampling.FLIPS) ** 0.5 + 2e-4)


def test_resampling_sign_flip_is_never_zero_and_one_without_differences():
    assert resampling.sign_flip(np.full(10_000, 3), 42) == 1 / (resampling.FLIPS + 1)
    assert resampling.sign_flip(np.zeros(50, dtype=np.int64), 42) == 1


def test_resampling_sign_flip_of_chance_is_significant_as_often_as_it_says():
    draw = np.random.default_rng(11)
    p_values = [resampling.sign_flip(draw.integers(-4, 5, 80), 42, flips=499) for _ in range(400)]
    share = sum(p < 0.05 for p in p_values) / len(p_values)
    assert 0.02 < share < 0.085


def test_resampling_holm_by_its_definition():
    p_values = [0.001, 0.2, 0.02, 0.02, 0.9]
    assert resampling.holm(p_values) == pytest.approx([0.005, 0.4, 0.08, 0.08, 0.9])
    assert resampling.holm([0.7, 0.6]) == [1.0, 1.0]
    assert resampling.holm([]) == []
