"""Samplers: which rows an epoch trains on, and in which order.

An order is a function of the seed and the number of the epoch alone, so a resumed training needs no state of
it. A new sampler is an entry of `SAMPLERS` and its name among the choices of `FinetuneOptions.sampler`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.model.tasks.task import RowTargets

SAMPLERS: Mapping[str, float] = {"plain": 1.0, "sqrt": 0.5, "balanced": 0.0}
"""Share of a class in an epoch: its number of rows to this power; the default first."""


def classes_of(sampler: str, targets: Any) -> NDArray[np.int64] | None:
    """(rows,) class of every row; None for ``plain``, which needs none.

    Raises `UsageError` where rows do not have one class each.
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
    """(rows,) shuffled row numbers of an epoch; where classes are balanced, rows may repeat or be absent."""
    # A generator of its own: the order must not depend on what else draws random numbers.
    rng = np.random.default_rng((seed, epoch))
    if classes is None:
        return rng.permutation(rows)
    sampled = []
    for number, quota in enumerate(quotas(np.bincount(classes), SAMPLERS[sampler])):
        members = np.flatnonzero(classes == number)
        # Whole permutations one after another: no row comes a second time before all have come once.
        rounds = -(-quota // len(members)) if quota else 0
        repeated = np.concatenate([members[:0], *(rng.permutation(members) for _ in range(rounds))])
        sampled.append(repeated[:quota])
    # Shuffled across classes, or steps would have one class each.
    return rng.permutation(np.concatenate(sampled))


def quotas(counts: NDArray[np.int64], power: float) -> NDArray[np.int64]:
    """(classes,) rows of each class in an epoch of ``counts.sum()`` rows, rounded by largest remainder.

    >>> quotas(np.array([90, 10]), power=0.5)
    array([75, 25])
    """
    # 0 to the power of 0 is 1: a class without rows must get no quota.
    weights = np.where(counts > 0, counts.astype(np.float64) ** power, 0.0)
    exact = weights / weights.sum() * counts.sum()
    # The quotas add up exactly, so an epoch has as many steps with every sampler.
    whole = np.floor(exact).astype(np.int64)
    largest = np.argsort(whole - exact, kind="stable")[: counts.sum() - whole.sum()]
    whole[largest] += 1
    return whole
