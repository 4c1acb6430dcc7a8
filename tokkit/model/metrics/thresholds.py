"""The share from which on a class is predicted, chosen so that its F1 is best.

Chosen on validation rows, applied to others: on the rows it was chosen on, any threshold flatters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def best_threshold(shares: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[float, float] | None:
    """The threshold with the best F1, and that F1; None where there is no positive row.

    shares    (rows,) the class's probability
    positive  (rows,) whether the row is of the class

    It lies midway between the shares it parts, so that rounding does not move a row across it; of equally
    good ones it is the highest.

    >>> best_threshold(np.array([0.1, 0.3, 0.4, 0.9]), np.array([False, True, False, True]))
    (0.2, 0.8)
    """
    import numpy as np

    if not positive.any():
        return None
    order = np.argsort(-shares, kind="stable")
    ordered = shares[order]
    f1 = 2 * np.cumsum(positive[order]) / (np.arange(1, len(order) + 1) + positive.sum())
    f1[:-1][ordered[:-1] == ordered[1:]] = -1  # rows of the same share are predicted together
    best = int(f1.argmax())
    following = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + following) / 2), float(f1[best])


def tune(
    shares: NDArray[np.float64], truth: NDArray[np.bool_], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """``{label: {threshold, f1, f1_at_half}}`` for each class that has rows; both are (rows, classes)."""
    tuned = {}
    for i, label in enumerate(labels):
        if (found := best_threshold(shares[:, i], truth[:, i])) is not None:
            half = shares[:, i] >= 0.5
            f1_at_half = 2 * (half & truth[:, i]).sum() / (half.sum() + truth[:, i].sum())
            told = {"threshold": found[0], "f1": found[1], "f1_at_half": f1_at_half}
            tuned[label] = {name: round(float(value), 6) for name, value in told.items()}
    return tuned


def tune_binary(
    shares: NDArray[np.float64], targets: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """The same for two classes that exclude each other: for the rarer one (of equals the second)."""
    rarer = int((targets == 1).sum() <= (targets == 0).sum())
    return tune(shares[:, [rarer]], (targets == rarer)[:, None], [labels[rarer]])


def shifted(
    logits: NDArray[np.float32], labels: Sequence[str], thresholds: Mapping[str, Any]
) -> NDArray[np.float32]:
    """Logits (rows, classes) whose plain decision is that of the thresholds: each class's less its
    threshold's log-odds. Good for decisions; their probabilities mean nothing."""
    import numpy as np

    offsets = np.zeros(len(labels), dtype=np.float32)
    for i, label in enumerate(labels):
        if label in thresholds:
            share = min(max(float(thresholds[label]["threshold"]), _LEAST), 1 - _LEAST)
            offsets[i] = np.log(share / (1 - share))
    return logits - offsets


_LEAST = 1e-9
