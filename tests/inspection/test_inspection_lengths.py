"""Lengths and what a maximum length cuts off."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.inspection.statistics import lengths
from tokkit.inspection.statistics.lengths import Histogram

LENGTHS = st.lists(st.integers(0, 10_000), min_size=1).map(lambda values: np.array(values, dtype=np.int64))
NO_ROWS = Histogram.of(np.array([], dtype=np.int64))


@given(LENGTHS)
def test_lengths_summary_is_what_polars_computes(values):
    column, summary = pl.Series(values), lengths.summary(Histogram.of(values))
    assert (summary["total"], summary["min"], summary["max"]) == (column.sum(), column.min(), column.max())
    assert summary["mean"] == pytest.approx(column.mean(), abs=1e-4)
    assert summary["std"] == pytest.approx(column.std(ddof=0), abs=1e-4)
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        assert summary[name] == pytest.approx(column.quantile(share, "linear"), abs=0.0051)


def test_lengths_summary_of_nothing():
    summary = lengths.summary(NO_ROWS)
    assert summary.pop("total") == 0
    assert set(summary.values()) == {None}


@given(LENGTHS, st.none() | st.integers(1, 2000))
def test_lengths_truncated_are_longer_than_the_maximum(values, extra):
    shares = lengths.truncated(Histogram.of(values), extra)
    assert list(shares) == [str(n) for n in sorted({32, 64, 128, 256, 512} | ({extra} if extra else set()))]
    for n, share in shares.items():
        assert share == pytest.approx(
            sum(value > int(n) for value in values.tolist()) / len(values), abs=1e-6
        )


def test_lengths_of_texts_stand_in_their_order():
    texts = ["", "a b", " 가 나\u3000다 ", "😀"]
    assert lengths.characters(texts).tolist() == [0, 3, 7, 1]
    assert lengths.words(texts).tolist() == [0, 2, 3, 1]
    assert lengths.characters([]).tolist() == []


def test_lengths_truncated_at_other_maximum_lengths():
    values = Histogram.of(np.array([1, 128, 129, 600]))
    assert lengths.truncated(values, None, (512, 128, 128)) == {"128": 0.5, "512": 0.25}
    assert lengths.truncated(NO_ROWS, None, (8,)) == {"8": 0}


@given(LENGTHS, st.none() | st.integers(1, 600))
def test_lengths_recommended_is_the_shortest_that_cuts_one_row_in_a_hundred(values, longest):
    advised = lengths.recommended(Histogram.of(values), longest)
    fitting = [n for n in range(8, 10_017, 8) if (values > n).sum() <= int(0.01 * len(values))]
    assert advised["tokens"] == min(fitting[0], longest or fitting[0])
    remaining = np.minimum(values, advised["tokens"]).sum()
    assert advised["truncated"] == pytest.approx((values > advised["tokens"]).mean(), abs=1e-6)
    assert (
        advised["tokens_lost"] == pytest.approx(1 - remaining / max(values.sum(), 1), abs=1e-6)
        or not values.sum()
    )
    assert advised["padding"] == pytest.approx(1 - remaining / (advised["tokens"] * len(values)), abs=1e-6)


def test_lengths_recommended_of_nothing():
    assert lengths.recommended(NO_ROWS, 512) is None
