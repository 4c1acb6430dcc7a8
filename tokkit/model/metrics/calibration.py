"""What is fitted on validation rows: decision thresholds, and the temperature that calibrates the confidence.

A threshold is the probability from which on a class is predicted, chosen so that its F1 is best. A
temperature corrects how well the confidence fits the accuracy (Guo et al. 2017). Both are fitted on
validation rows and applied to others: on the rows they are fitted on, any of them flatters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15
# Temperatures from e^-3 to e^3 are tried.
_LOG_T = 3.0


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
    filled = reliability(confidence, correct, bins)
    gaps = sum(b["rows"] * abs(b["accuracy"] - b["confidence"]) for b in filled)
    return float(gaps / sum(b["rows"] for b in filled))


def fit_temperature(logits: NDArray[np.float32], mean_loss: Callable[[NDArray[np.float32]], float]) -> float:
    """The temperature that minimizes the loss of the logits divided by it; the decisions do not change."""

    def loss_at(log_t: float) -> float:
        return mean_loss(logits / np.float32(np.exp(log_t)))

    # Half a second, which predictions do without.
    from scipy.optimize import minimize_scalar

    # The loss is convex in 1 / T: a bounded search finds its one minimum.
    minimum = minimize_scalar(loss_at, bounds=(-_LOG_T, _LOG_T), method="bounded")
    # Where every row is correct the loss only falls as T goes to 0: these rows determine no temperature.
    return 1.0 if loss_at(-_LOG_T) <= minimum.fun else float(np.exp(minimum.x))


# Thresholds nearer to 0 or 1 than this count as this far away: log-odds must be finite.
_LEAST = 1e-9


def best_threshold(shares: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[float, float] | None:
    """The threshold with the best F1, and that F1; None where there is no positive row.

    shares    (rows,) the class's probability
    positive  (rows,) whether the row is of the class

    The threshold is midway between the two probabilities it separates, so that rounding moves no row across
    it; of equally good ones it is the highest.

    >>> best_threshold(np.array([0.1, 0.3, 0.4, 0.9]), np.array([False, True, False, True]))
    (0.2, 0.8)
    """
    if not positive.any():
        return None
    order = np.argsort(-shares, kind="stable")
    ordered = shares[order]
    f1 = 2 * np.cumsum(positive[order]) / (np.arange(1, len(order) + 1) + positive.sum())
    # Rows of equal probability are predicted together: only the last of them is a possible cut.
    f1[:-1][ordered[:-1] == ordered[1:]] = -1
    best = int(f1.argmax())
    following = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + following) / 2), float(f1[best])


def tune(
    shares: NDArray[np.float64], truth: NDArray[np.bool_], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """``{label: {threshold, f1, f1_at_half}}`` for each class that has rows.

    shares, truth  (rows, classes)
    """
    tuned = {}
    for i, label in enumerate(labels):
        if (best := best_threshold(shares[:, i], truth[:, i])) is not None:
            half = shares[:, i] >= 0.5
            f1_at_half = 2 * (half & truth[:, i]).sum() / (half.sum() + truth[:, i].sum())
            figures = {"threshold": best[0], "f1": best[1], "f1_at_half": f1_at_half}
            tuned[label] = {name: round(float(value), 6) for name, value in figures.items()}
    return tuned


def tune_binary(
    shares: NDArray[np.float64], targets: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """`tune` for two classes that exclude each other: of the rarer one, of equals the second."""
    rarer = int((targets == 1).sum() <= (targets == 0).sum())
    return tune(shares[:, [rarer]], (targets == rarer)[:, None], [labels[rarer]])


def shifted(
    logits: NDArray[np.float32], labels: Sequence[str], thresholds: Mapping[str, Any]
) -> NDArray[np.float32]:
    """Logits (rows, classes) whose plain decision is that of the thresholds.

    Their probabilities mean nothing. Each class's logit less the log-odds of its threshold: a sigmoid is at
    least T where the logit is at least log(T / (1 - T)). Of two exclusive classes it is the same, for the
    softmax is a sigmoid of their difference.
    """
    # A class without a threshold is predicted from one half on, whose log-odds are 0.
    shares = [float(thresholds[label]["threshold"]) if label in thresholds else 0.5 for label in labels]
    clipped = np.clip(shares, _LEAST, 1 - _LEAST)
    return logits - np.log(clipped / (1 - clipped)).astype(np.float32)
