"""How far a model's confidence can be believed, and the temperature that mends it (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BINS = 15
_LOG_T = 3.0
"""Temperatures from e^-3 to e^3 are tried."""


def confidences(
    shares: NDArray[np.float64], truth: NDArray[np.bool_], exclusive: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What a model was how sure of, and whether it was so: of classes that exclude each other the likeliest
    of each row, else of every class of every row whether it applies, or not.

    shares, truth  (rows, classes)
    """
    import numpy as np

    if not exclusive:
        return np.maximum(shares, 1 - shares).ravel(), ((shares >= 0.5) == truth).ravel()
    return shares.max(axis=1), truth[np.arange(len(truth)), shares.argmax(axis=1)]


def reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS
) -> list[dict[str, Any]]:
    """The rows by confidence, in bins of equal width: ``{from, to, rows, confidence, accuracy}``, means of
    the bin; bins without rows are left out.

    confidence  (rows,) from 0 to 1
    right       (rows,) whether what it was confident of is true
    """
    import numpy as np

    number = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    rows = np.bincount(number, minlength=bins)
    sure = np.bincount(number, weights=confidence, minlength=bins)
    true = np.bincount(number, weights=right, minlength=bins)
    return [
        {
            "from": round(b / bins, 6),
            "to": round((b + 1) / bins, 6),
            "rows": int(rows[b]),
            "confidence": round(float(sure[b] / rows[b]), 6),
            "accuracy": round(float(true[b] / rows[b]), 6),
        }
        for b in np.flatnonzero(rows)
    ]


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error, from 0 to 1: the gap between confidence and accuracy of each bin, weighted
    by its rows."""
    found = reliability(confidence, right, bins)
    rows = sum(each["rows"] for each in found)
    return float(sum(each["rows"] * abs(each["accuracy"] - each["confidence"]) for each in found) / rows)


def fit_temperature(logits: NDArray[np.float32], mean_loss: Callable[[NDArray[np.float32]], float]) -> float:
    """The temperature that, dividing the logits, minimizes their loss; the decisions stay as they are.

    The loss is convex in 1/T, so there is one minimum. Where every row is right the loss falls without end
    as T does, and these rows determine none: 1.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    def loss_at(log_t: float) -> float:
        return mean_loss(logits / np.float32(np.exp(log_t)))

    found = minimize_scalar(loss_at, bounds=(-_LOG_T, _LOG_T), method="bounded")
    return 1.0 if loss_at(-_LOG_T) <= found.fun else float(np.exp(found.x))
