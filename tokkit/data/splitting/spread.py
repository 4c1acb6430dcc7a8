"""Spreading units of rows over splits or folds, every class by its share, as well as the units allow.

Large units first, each to where it fits best; single rows then fill up what is missing. As scikit-learn's
`StratifiedGroupKFold` does, but for parts of any size, and measured in chi-square: a part that is a tenth of
another may be off by a tenth of the rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokkit.progress import Progress, stage, stop_if_cancelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOOK_EVERY = 4096
"""Units between two looks at Ctrl-C, some 20 ms."""


def spread(
    units: NDArray[np.int64],
    classes: NDArray[np.int64],
    wanted: Sequence[int],
    rng: np.random.Generator,
    progress: Progress,
    *,
    keep_in: int | None = None,
) -> NDArray[np.int64]:
    """The part that each row goes to, (rows,), from 0; the rows of a unit go to the same.

    units     (rows,) first row of the unit of each row
    classes   (rows,) class numbers from 0
    wanted    rows of each part, in all as many as there are
    keep_in   the part that shall hold every class, if any

    Single rows meet the shares of their class to less than a row; their order is drawn.
    """
    import numpy as np

    firsts, unit, sizes = np.unique(units, return_inverse=True, return_counts=True)
    per_class = np.bincount(classes).astype(float)
    share = np.asarray(wanted, float) / len(units)
    targets = np.outer(share, per_class)
    part_of_unit = np.full(len(firsts), -1)

    large = np.flatnonzero(sizes > 1)
    large = large[rng.permutation(len(large))]
    large = large[np.argsort(-sizes[large], kind="stable")]
    singles = int((sizes == 1).sum())
    with stage(progress, "spreading groups", len(large), "groups"):
        part_of_unit[large] = _place(_contents(unit, classes, large), targets, singles, keep_in, progress)

    part_of_row = part_of_unit[unit]
    placed = part_of_row >= 0
    held = np.zeros_like(targets)
    np.add.at(held, (part_of_row[placed], classes[placed]), 1)
    carry = np.zeros(len(wanted))
    for each in np.unique(classes[~placed]):
        rows = np.flatnonzero(~placed & (classes == each))
        quota = _fill(len(rows), targets[:, each] - held[:, each], carry)
        if keep_in is not None and not held[keep_in, each] + quota[keep_in]:
            largest = int(quota.argmax())
            quota[largest] -= 1
            quota[keep_in] += 1
            carry[largest] += 1
            carry[keep_in] -= 1
        part_of_row[rows[rng.permutation(len(rows))]] = np.repeat(np.arange(len(wanted)), quota)
    return part_of_row


Contents = list[tuple[int, int]]
"""(class, rows) of what a unit holds."""


def _contents(
    unit: NDArray[np.int64], classes: NDArray[np.int64], chosen: NDArray[np.int64]
) -> list[Contents]:
    """What each of the chosen units holds."""
    import numpy as np

    position = np.full(int(unit.max()) + 1, -1)
    position[chosen] = np.arange(len(chosen))
    inside = position[unit] >= 0
    n_classes = int(classes.max()) + 1
    keys, counts = np.unique(position[unit[inside]] * n_classes + classes[inside], return_counts=True)
    found: list[Contents] = [[] for _ in chosen]
    for key, n in zip(keys.tolist(), counts.tolist(), strict=True):
        found[key // n_classes].append((key % n_classes, n))
    return found


def _place(
    contents: Sequence[Contents],
    targets: NDArray[np.float64],
    singles: int,
    keep_in: int | None,
    progress: Progress,
) -> list[int]:
    """The part of each unit: where the sum of (rows - target)^2 / target grows least, or falls most.

    The last units go to parts that are still empty, and the first of a class to the part that shall hold all.
    """
    wanted: list[list[float]] = targets.tolist()
    rows = targets.sum(axis=1).tolist()
    held = [[0.0] * targets.shape[1] for _ in wanted]
    filled = [0] * len(wanted)
    chosen: list[int] = []
    for number, unit in enumerate(contents):
        if number % _LOOK_EVERY == 0:
            stop_if_cancelled(progress)
            progress.advance(min(_LOOK_EVERY, len(contents) - number))
        parts: Sequence[int] = range(len(wanted))
        empty = [part for part in parts if not filled[part]]
        if len(empty) >= len(contents) - number + singles:
            parts = empty
        if keep_in is not None and any(not held[keep_in][c] for c, _ in unit):
            parts = (keep_in,)

        best, least = parts[0], (math.inf, math.inf)
        for part in parts:
            has, want, growth = held[part], wanted[part], 0.0
            for c, n in unit:
                growth += n * (2 * (has[c] - want[c]) + n) / want[c]
            if growth <= least[0] and (growth, filled[part] / rows[part]) < least:
                best, least = part, (growth, filled[part] / rows[part])
        for c, n in unit:
            held[best][c] += n
            filled[best] += n
        chosen.append(best)
    return chosen


def _fill(rows: int, lacking: NDArray[np.float64], carry: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of ``rows`` single rows go to each part, in proportion to what it lacks.

    carry   what earlier classes, rounded, still owe each part; the rounding of this one is added
    """
    import numpy as np

    lacking = np.maximum(lacking, 0)
    exact = rows * lacking / lacking.sum()
    quota = np.floor(exact + 1e-9).astype(np.int64)
    owed = np.round(exact - quota + carry, 6)
    open_parts = np.flatnonzero(lacking > 0)
    for part in open_parts[np.argsort(-owed[open_parts], kind="stable")][: rows - quota.sum()]:
        quota[part] += 1
    carry += exact - quota
    return quota
