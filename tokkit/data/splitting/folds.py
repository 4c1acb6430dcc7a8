"""Folds for cross-validation: every row is in one validation split, and in train in all other folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokkit.data.dataset import TRAIN, VALIDATION
from tokkit.data.splitting.spread import spread
from tokkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def fold_numbers(
    units: NDArray[np.int64],
    classes: NDArray[np.int64],
    folds: int,
    draws: NDArray[np.float64] | None,
    rng: np.random.Generator,
    progress: Progress,
) -> NDArray[np.int64]:
    """The fold that each row is validated in, (rows,), from 0.

    units, classes   as `spread` takes them; stratified, units not parted
    draws            (rows,) from 0 to below 1, the same within a unit: these decide, where given
    """
    import numpy as np

    if draws is not None:
        return (draws * folds).astype(np.int64)
    rows = len(units)
    wanted = [rows // folds + (fold < rows % folds) for fold in range(folds)]
    return spread(units, classes, wanted, rng, progress)


def as_splits(rows: NDArray[np.int64], numbers: NDArray[np.int64], folds: int) -> dict[str, list[int]]:
    """``{"fold-1/train": rows, "fold-1/validation": rows, ...}`` of the rows and the fold of each."""
    found = {}
    for fold in range(folds):
        validated = numbers == fold
        found[f"fold-{fold + 1}/{TRAIN}"] = rows[~validated].tolist()
        found[f"fold-{fold + 1}/{VALIDATION}"] = rows[validated].tolist()
    return found
