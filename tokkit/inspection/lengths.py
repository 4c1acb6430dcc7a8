"""Lengths of texts in characters, words and tokens, and what a maximum length would cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_LENGTHS = (32, 64, 128, 256, 512)
"""Maximum lengths, in tokens, whose truncated share is told."""

_QUANTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}


def characters(texts: Sequence[str]) -> NDArray[np.int64]:
    """Unicode code points of each text, (rows,)."""
    import numpy as np

    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def words(texts: Sequence[str]) -> NDArray[np.int64]:
    """Words of each text, (rows,): what white space separates."""
    import numpy as np

    return np.fromiter((len(text.split()) for text in texts), dtype=np.int64, count=len(texts))


def summary(lengths: NDArray[np.int64]) -> dict[str, Any]:
    """``{total, mean, std, min, p50, p90, p95, p99, max}`` of (rows,) lengths; quantiles interpolated.

    ``std`` is that of the population. All but the total are None where there are no rows.
    """
    import numpy as np

    if not len(lengths):
        return {"total": 0, **dict.fromkeys(("mean", "std", "min", *_QUANTILES, "max"))}
    quantiles = np.percentile(lengths, list(_QUANTILES.values()))
    return {
        "total": int(lengths.sum()),
        "mean": round(float(lengths.mean()), 4),
        "std": round(float(lengths.std()), 4),
        "min": int(lengths.min()),
        **{name: round(float(value), 2) for name, value in zip(_QUANTILES, quantiles, strict=True)},
        "max": int(lengths.max()),
    }


def truncated(lengths: NDArray[np.int64], extra: int | None = None) -> dict[str, float]:
    """Share of rows longer than each maximum length, ``extra`` (the tokenizer's own) among them."""
    longest = sorted({*MAX_LENGTHS, *((extra,) if extra else ())})
    rows = max(len(lengths), 1)
    return {str(n): round(float((lengths > n).sum()) / rows, 6) for n in longest}
