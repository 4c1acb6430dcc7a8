"""Which rows an epoch trains on, and in which order: a function of the seed and the epoch's number alone.

Nothing of it has to be kept for a training to go on after a kill.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tokkit.errors import UsageError
from tokkit.model.tasks.task import RowTargets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLERS: Mapping[str, float] = {"plain": 1.0, "sqrt": 0.5, "balanced": 0.0}
"""The power of a class's rows that its share of an epoch goes by; the default first."""


def classes_of(sampler: str, targets: Any) -> NDArray[np.int64] | None:
    """(rows,) the class of every row; None where ``plain`` asks for none.

    Raises `UsageError` where rows are not of one class each.
    """
    if sampler == "plain":
        return None
    values = targets.values if isinstance(targets, RowTargets) else None
    if values is None or values.ndim != 1 or values.dtype.kind != "i":
        raise UsageError(f"--sampler {sampler}: it balances rows that have one label each", "--sampler plain")
    classes: NDArray[np.int64] = values
    return classes


def order(
    sampler: str, classes: NDArray[np.int64] | None, rows: int, seed: int, epoch: int
) -> NDArray[np.int64]:
    """The rows of an epoch, as many as there are, shuffled.

    Where classes are balanced, a class's rows are drawn in turn, so that none comes a second time before
    all have come once.
    """
    import numpy as np

    rng = np.random.default_rng((seed, epoch))
    if classes is None:
        return rng.permutation(rows)
    drawn = []
    for number, quota in enumerate(quotas(np.bincount(classes), SAMPLERS[sampler])):
        members = np.flatnonzero(classes == number)
        rounds = -(-quota // len(members)) if quota else 0
        drawn.append(
            np.concatenate([members[:0], *(rng.permutation(members) for _ in range(rounds))])[:quota]
        )
    return rng.permutation(np.concatenate(drawn))


def quotas(counts: NDArray[np.int64], power: float) -> NDArray[np.int64]:
    """Rows of each class in an epoch of as many rows as there are, by the largest remainders.

    >>> quotas(np.array([90, 10]), power=0.5)
    array([75, 25])
    """
    import numpy as np

    weights = np.where(counts > 0, counts.astype(np.float64) ** power, 0.0)
    exact = weights / weights.sum() * counts.sum()
    whole = np.floor(exact).astype(np.int64)
    largest = np.argsort(whole - exact, kind="stable")[: counts.sum() - whole.sum()]
    whole[largest] += 1
    return whole
