"""Splitting by quotas: every class gives each split its share of rows, met exactly where copies allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tokkit.data.dataset import TEST, VALIDATION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PARTS = (VALIDATION, TEST)
"""What is drawn from train, in this order."""


def parts(
    units: NDArray[np.int64], classes: NDArray[np.int64], wanted: Mapping[str, int], rng: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """The rows of validation and test, ascending; all others are train's.

    units     (rows,) first row of the unit of each row; a unit goes into one part
    classes   (rows,) class numbers, in which order the classes are drawn
    wanted    rows of each part

    A unit counts for the class of its first row. A class keeps one unit for train, and where it has as many
    units as there are parts, or more, it is in every part.
    """
    import numpy as np

    firsts, unit, sizes = np.unique(units, return_inverse=True, return_counts=True)
    class_of = classes[firsts]
    members = [np.flatnonzero(class_of == each) for each in np.unique(class_of)]
    rows = [int(sizes[each].sum()) for each in members]
    free = [len(each) - 1 for each in members]
    quotas: dict[str, list[int]] = {}
    for name, spare in zip(PARTS, (3, 2), strict=True):
        quotas[name] = _apportion(rows, free, wanted[name], spare)
        free = [most - quota for most, quota in zip(free, quotas[name], strict=True)]
    part_of_unit = np.full(len(firsts), -1)
    for number, each in enumerate(members):
        left = each[rng.permutation(len(each))]
        for part, name in enumerate(PARTS):
            taken = _draw(sizes[left].tolist(), quotas[name][number])
            part_of_unit[left[taken]] = part
            left = np.delete(left, taken)
    part_of_row = part_of_unit[unit]
    return {name: np.flatnonzero(part_of_row == part) for part, name in enumerate(PARTS)}


def _apportion(rows: Sequence[int], free: Sequence[int], wanted: int, spare: int) -> list[int]:
    """Rows that each class gives of ``wanted`` in all: its share, rounded by the largest remainders.

    rows   rows of each class
    free   most rows it can give, so that a unit of it stays in train

    A class too small to give a row, but with ``spare`` units to give, gives one in place of one of the class
    that gives most: four units or more are in all three splits.
    """
    exact = [wanted * n / sum(rows) for n in rows]
    quotas = [min(int(share), most) for share, most in zip(exact, free, strict=True)]
    while sum(quotas) < wanted:
        open_classes = [i for i in range(len(rows)) if quotas[i] < free[i]]
        if not open_classes:
            break
        open_classes.sort(key=lambda i: quotas[i] - exact[i])
        for i in open_classes[: wanted - sum(quotas)]:
            quotas[i] += 1
    for i, most in enumerate(free):
        largest = max(range(len(quotas)), key=lambda i: quotas[i])
        if wanted and quotas[i] == 0 and most >= spare and quotas[largest] > 1:
            quotas[i], quotas[largest] = 1, quotas[largest] - 1
    return quotas


def _draw(sizes: Sequence[int], room: int) -> list[int]:
    """Places of the units that fill ``room`` rows, one after another; too large a unit is passed over.

    Never all of them.
    """
    taken: list[int] = []
    for place, size in enumerate(sizes):
        if room == 0:
            break
        if size <= room and (len(taken) < place or place + 1 < len(sizes)):
            taken.append(place)
            room -= size
    return taken
