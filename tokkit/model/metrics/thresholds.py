"""Decision thresholds: the probability from which on a class is predicted, chosen so that its F1 is best.

They are tuned on validation rows and applied to others: on the rows they are tuned on, any threshold
flatters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST = 1e-9
"""Thresholds nearer to 0 or 1 than this count as this far away: log-odds must be finite."""


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
        if (found := best_threshold(shares[:, i], truth[:, i])) is not None:
            half = shares[:, i] >= 0.5
            f1_at_half = 2 * (half & truth[:, i]).sum() / (half.sum() + truth[:, i].sum())
            figures = {"threshold": found[0], "f1": found[1], "f1_at_half": f1_at_half}
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
    offsets = np.zeros(len(labels), dtype=np.float32)
    for i, label in enumerate(labels):
        if label in thresholds:
            # A threshold of 0 or 1 has infinite log-odds.
            share = min(max(float(thresholds[label]["threshold"]), _LEAST), 1 - _LEAST)
            offsets[i] = np.log(share / (1 - share))
    return logits - offsets
