"""Lengths of texts in characters, words and tokens, and what a maximum length would cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_LENGTHS = (32, 64, 128, 256, 512)  # in tokens, whose truncated share is reported
CUT = 0.01  # share of the rows that a recommended maximum length may cut off
_STEP = 8  # maximum lengths are multiples of it: what processors like
_QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True)
class Histogram:
    """How many rows have each length: ``lengths`` sorted and distinct, ``rows`` above 0, both (n,) int64."""

    lengths: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, lengths: NDArray[np.int64]) -> Histogram:
        """The histogram of (rows,) lengths."""
        return cls(*np.unique(lengths, return_counts=True))

    @classmethod
    def joined(cls, parts: Sequence[Histogram]) -> Histogram:
        """The histogram of the rows of all parts."""
        if len(parts) == 1:
            return parts[0]
        distinct, index = np.unique(np.concatenate([part.lengths for part in parts]), return_inverse=True)
        rows = np.bincount(index, np.concatenate([part.rows for part in parts])).astype(np.int64)
        return cls(distinct, rows)

    @property
    def total(self) -> int:
        """Rows."""
        return int(self.rows.sum())

    def at(self, share: float) -> float:
        """The length that this share of the rows does not exceed, interpolated as `numpy.quantile` does."""
        # Lengths 3 (2 rows) and 7 (1 row): at(0.75) is row 1.5, halfway between row 1 (3) and row 2 (7): 5.
        position = share * (self.total - 1)
        below = int(position)
        ends = np.cumsum(self.rows)
        low, high = self.lengths[np.searchsorted(ends, [below, min(below + 1, self.total - 1)], "right")]
        return float(low + (high - low) * (position - below))

    def longer_than(self, length: int) -> int:
        """Rows that are longer."""
        return int(self.rows[self.lengths > length].sum())


def characters(texts: Sequence[str]) -> NDArray[np.int64]:
    """Unicode code points of each text, (rows,)."""
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def words(texts: Sequence[str]) -> NDArray[np.int64]:
    """Words of each text, (rows,): what white space separates."""
    return np.fromiter((len(text.split()) for text in texts), dtype=np.int64, count=len(texts))


def summary(histogram: Histogram) -> dict[str, Any]:
    """``{total, mean, std, min, p50, p90, p95, p99, max}`` of lengths; quantiles interpolated.

    ``std`` is that of the population. All but the total are None where there are no rows.
    """
    values, rows, n = histogram.lengths, histogram.rows, histogram.total
    if not n:
        return {"total": 0, **dict.fromkeys(("mean", "std", "min", *_QUANTILES, "max"))}
    total = int((values * rows).sum())
    # Not the mean square less the squared mean: that difference of two large numbers loses digits.
    deviations = values - total / n
    return {
        "total": total,
        "mean": round(total / n, 4),
        "std": round(float(((deviations**2 * rows).sum() / n) ** 0.5), 4),
        "min": int(values[0]),
        **{name: round(histogram.at(share), 2) for name, share in _QUANTILES.items()},
        "max": int(values[-1]),
    }


def truncated(
    histogram: Histogram, extra: int | None, max_lengths: Sequence[int] = MAX_LENGTHS
) -> dict[str, float]:
    """Share of rows longer than each maximum length, ``extra`` (the tokenizer's own) among them."""
    limits = sorted({*max_lengths, *((extra,) if extra else ())})
    return {str(n): round(histogram.longer_than(n) / max(histogram.total, 1), 6) for n in limits}


def recommended(histogram: Histogram, longest: int | None) -> dict[str, Any] | None:
    """The smallest multiple of 8 tokens that cuts at most `CUT` of the rows, ``longest`` at most.

    ``{tokens, truncated, tokens_lost, padding}``: shares of the rows cut, of all tokens cut off, and of
    padding where every row is padded to that length. None without rows.
    """
    if not histogram.total:
        return None
    allowed = int(CUT * histogram.total)
    longer = np.cumsum(histogram.rows[::-1])[::-1] - histogram.rows
    enough = int(histogram.lengths[np.flatnonzero(longer <= allowed)[0]])
    # Rounded up to a multiple: 33 becomes 40.
    tokens = max(-(-enough // _STEP) * _STEP, _STEP)
    tokens = tokens if longest is None else min(tokens, longest)
    total = int((histogram.lengths * histogram.rows).sum())
    remaining = int((np.minimum(histogram.lengths, tokens) * histogram.rows).sum())
    return {
        "tokens": tokens,
        "truncated": round(histogram.longer_than(tokens) / histogram.total, 6),
        "tokens_lost": round((total - remaining) / max(total, 1), 6),
        "padding": round(1 - remaining / (tokens * histogram.total), 6),
    }
