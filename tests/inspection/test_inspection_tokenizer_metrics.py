"""Figures of tokenizers against plain Python and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tokkit.inspection.comparison import tokenizer_metrics as metrics

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=30)


@given(st.lists(st.lists(st.integers(-3, 9), max_size=5), max_size=8))
def test_tokenizer_metrics_sums_of_rows_that_may_be_empty(rows):
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    values = np.array([value for row in rows for value in row], dtype=np.int64)
    assert metrics.sums_by_row(values, offsets.astype(np.int64)).tolist() == [sum(row) for row in rows]


@given(COUNTS)
def test_tokenizer_metrics_renyi_efficiency_by_its_definition(counts):
    efficiency = metrics.renyi_efficiency(np.array(counts), len(counts))
    if not sum(counts):
        assert efficiency is None
        return
    shares = [count / sum(counts) for count in counts]
    expected = math.log(sum(share**2.5 for share in shares)) / (1 - 2.5) / math.log(len(counts))
    assert efficiency == pytest.approx(expected, abs=1e-12)


def test_tokenizer_metrics_renyi_efficiency_next_to_order_one_is_shannons():
    counts = np.array([50, 30, 15, 5, 0])
    efficiency = metrics.renyi_efficiency(counts, 5, order=1 + 1e-7)
    assert efficiency == pytest.approx(scipy.stats.entropy(counts) / math.log(5), abs=1e-5)


def test_tokenizer_metrics_renyi_efficiency_of_equal_tokens_is_one():
    assert metrics.renyi_efficiency(np.full(64, 7), 64) == pytest.approx(1)
    assert metrics.renyi_efficiency(np.array([3, 0]), 2) == 0
    assert metrics.renyi_efficiency(np.array([3]), 1) is None


@given(st.lists(st.integers(0, 100), min_size=1, max_size=12))
def test_tokenizer_metrics_gini_is_the_area_between_lorenz_curve_and_equality(costs):
    coefficient = metrics.gini(costs)
    if not sum(costs):
        assert coefficient is None
        return
    ranked, n = sorted(costs), len(costs)
    weighted = sum((2 * rank - n - 1) * cost for rank, cost in enumerate(ranked, 1))
    assert coefficient == pytest.approx(weighted / (n * sum(costs)))


def test_tokenizer_metrics_whole_words():
    pieces, counts = np.array([1, 2, 1, 3]), np.array([5, 9, 5, 1])
    assert metrics.whole_words(pieces, counts, 2) == 0.5  # the second and, of those equal, the first
    assert metrics.whole_words(pieces[:0], counts[:0], 2) is None


def test_tokenizer_metrics_ratio_of_nothing_is_no_number():
    assert np.isnan(metrics.ratio(np.array([1.0, 0.0]), np.array([0.0, 0.0]))).all()
    assert metrics.ratio(np.array([3.0]), np.array([2.0])).tolist() == [1.5]
