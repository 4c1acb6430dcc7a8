"""How well a model's confidence fits its accuracy, and the temperature that corrects it (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

BINS = 15
_LOG_T = 3.0
"""Temperatures from e^-3 to e^3 are tried."""


def confidences(
    shares: NDArray[np.float64], truth: NDArray[np.bool_], exclusive: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How confident each decision is, and whether it is correct, both (decisions,).

    shares, truth  (rows, classes)
    exclusive      whether a row has one label: its decision is the likeliest class; else every class of every
                   row is a decision of its own, that it applies or that it does not
    """
    if not exclusive:
        return np.maximum(shares, 1 - shares).ravel(), ((shares >= 0.5) == truth).ravel()
    return shares.max(axis=1), truth[np.arange(len(truth)), shares.argmax(axis=1)]


def reliability(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = BINS
) -> list[dict[str, Any]]:
    """Decisions by confidence, in bins of equal width: ``{from, to, rows, confidence, accuracy}``.

    confidence  (decisions,) from 0 to 1
    correct     (decisions,)

    Confidence and accuracy are means over the bin; empty bins are left out.
    """
    number = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    rows = np.bincount(number, minlength=bins)
    confident = np.bincount(number, weights=confidence, minlength=bins)
    accurate = np.bincount(number, weights=correct, minlength=bins)
    return [
        {
            "from": round(b / bins, 6),
            "to": round((b + 1) / bins, 6),
            "rows": int(rows[b]),
            "confidence": round(float(confident[b] / rows[b]), 6),
            "accuracy": round(float(accurate[b] / rows[b]), 6),
        }
        for b in np.flatnonzero(rows)
    ]


def calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error, from 0 to 1: the gap between confidence and accuracy of each bin, weighted
    by its rows."""
    found = reliability(confidence, correct, bins)
    rows = sum(each["rows"] for each in found)
    return float(sum(each["rows"] * abs(each["accuracy"] - each["confidence"]) for each in found) / rows)


def fit_temperature(logits: NDArray[np.float32], mean_loss: Callable[[NDArray[np.float32]], float]) -> float:
    """The temperature that minimizes the loss of the logits divided by it; the decisions do not change."""

    def loss_at(log_t: float) -> float:
        return mean_loss(logits / np.float32(np.exp(log_t)))

    # The loss is convex in 1 / T: a bounded search finds its one minimum.
    found = minimize_scalar(loss_at, bounds=(-_LOG_T, _LOG_T), method="bounded")
    # Where every row is correct the loss only falls as T goes to 0: these rows determine no temperature.
    return 1.0 if loss_at(-_LOG_T) <= found.fun else float(np.exp(found.x))
