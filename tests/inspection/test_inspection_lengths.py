"""Lengths and what a maximum length cuts off."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.inspection.statistics import lengths

LENGTHS = st.lists(st.integers(0, 10_000), min_size=1).map(lambda values: np.array(values, dtype=np.int64))


@given(LENGTHS)
def test_lengths_summary_is_what_polars_computes(values):
    column, found = pl.Series(values), lengths.summary(values)
    assert (found["total"], found["min"], found["max"]) == (column.sum(), column.min(), column.max())
    assert found["mean"] == pytest.approx(column.mean(), abs=1e-4)
    assert found["std"] == pytest.approx(column.std(ddof=0), abs=1e-4)
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        assert found[name] == pytest.approx(column.quantile(share, "linear"), abs=0.0051)


def test_lengths_summary_of_nothing():
    found = lengths.summary(np.array([], dtype=np.int64))
    assert found.pop("total") == 0
    assert set(found.values()) == {None}


@given(LENGTHS, st.none() | st.integers(1, 2000))
def test_lengths_truncated_are_longer_than_the_maximum(values, extra):
    found = lengths.truncated(values, extra)
    assert list(found) == [str(n) for n in sorted({32, 64, 128, 256, 512} | ({extra} if extra else set()))]
    for n, share in found.items():
        assert share == pytest.approx(
            sum(value > int(n) for value in values.tolist()) / len(values), abs=1e-6
        )


def test_lengths_of_texts_stand_in_their_order():
    texts = ["", "a b", " 가 나\u3000다 ", "😀"]
    assert lengths.characters(texts).tolist() == [0, 3, 7, 1]
    assert lengths.words(texts).tolist() == [0, 2, 3, 1]
    assert lengths.characters([]).tolist() == []


@given(LENGTHS, st.none() | st.integers(1, 600))
def test_lengths_recommended_is_the_shortest_that_cuts_one_row_in_a_hundred(values, longest):
    found = lengths.recommended(lengths.Histogram.of(values), longest)
    fitting = [n for n in range(8, 10_017, 8) if (values > n).sum() <= int(0.01 * len(values))]
    assert found["tokens"] == min(fitting[0], longest or fitting[0])
    kept = np.minimum(values, found["tokens"]).sum()
    assert found["truncated"] == pytest.approx((values > found["tokens"]).mean(), abs=1e-6)
    assert (
        found["tokens_lost"] == pytest.approx(1 - kept / max(values.sum(), 1), abs=1e-6) or not values.sum()
    )
    assert found["padding"] == pytest.approx(1 - kept / (found["tokens"] * len(values)), abs=1e-6)


def test_lengths_recommended_of_nothing():
    assert lengths.recommended(lengths.no_rows(), 512) is None
