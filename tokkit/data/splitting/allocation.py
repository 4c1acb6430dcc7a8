"""Stratified allocation: the part (split or fold) that each group of rows goes to, every class by its share.

`allocate_quotas` meets exact numbers of rows per class, for groups that are copies of a text: nearly all are
single rows, and one that does not fit is skipped. `allocate_shares` is for groups of any size and for folds:
large groups first, each to the part it fits best, then single rows fill up what is missing. It works as
scikit-learn's `StratifiedGroupKFold` does, but for parts of any size, and measures the misfit in chi-square:
a part that is a tenth the size of another may be off by a tenth of the rows.

Both take ``groups`` (rows,) int64, the first row of each row's group, and ``classes`` (rows,) int64 from 0.
They return the part of each row, (rows,) int64.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import Progress, stage, stop_if_cancelled

# Groups between two checks for Ctrl-C, about 20 ms.
_CANCEL_EVERY = 4096

# (class, rows) for each class in one group.
GroupClasses = list[tuple[int, int]]


def allocate_quotas(
    groups: NDArray[np.int64], classes: NDArray[np.int64], wanted: Sequence[int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Part 1, 2, ... for the rows of each part in ``wanted``, part 0 for the rest.

    wanted   rows of part 1, 2, ...: fewer where a group does not fit or part 0 would lose a class

    A group counts for the class of its first row. A class keeps one group in part 0, and is in every part if
    it has as many groups as there are parts.
    """
    firsts, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    class_of_group = classes[firsts]
    members = _indices_by_class(class_of_group)
    class_rows = [int(sizes[indices].sum()) for indices in members]
    available = [len(indices) - 1 for indices in members]
    quotas: list[list[int]] = []
    for part, rows in enumerate(wanted):
        # a class that can give a group to this part and to all later ones is in this part
        parts_left = sum(rows > 0 for rows in wanted[part:])
        quotas.append(_class_quotas(class_rows, available, rows, enough=parts_left))
        available = [most - quota for most, quota in zip(available, quotas[part], strict=True)]
    part_of_group = np.zeros(len(firsts), np.int64)
    for number, indices in enumerate(members):
        # one permutation per class, in order of class: the seed decides every row
        remaining = indices[rng.permutation(len(indices))]
        for part in range(len(wanted)):
            chosen = _fitting(sizes[remaining].tolist(), quotas[part][number])
            part_of_group[remaining[chosen]] = part + 1
            remaining = np.delete(remaining, chosen)
    return part_of_group[group]


def _class_quotas(class_rows: Sequence[int], available: Sequence[int], wanted: int, enough: int) -> list[int]:
    """Rows that each class gives to a part of ``wanted`` rows: its share, rounded by largest remainders.

    available   the most rows each class can give, so that part 0 keeps a group of it
    enough      groups from which on a class too small to give a row gives one nevertheless, in place of a
                row of the class that gives most

    >>> _class_quotas([60, 30, 10], [59, 29, 9], wanted=11, enough=3)
    [7, 3, 1]
    """
    total = sum(class_rows)
    exact = [wanted * rows / total for rows in class_rows]
    # where it need not, a part takes no row that a class has left for a later one
    at_most = [most - enough + 1 if most >= enough else most for most in available]
    if sum(at_most) < wanted:
        at_most = list(available)
    quotas = [min(int(share), most) for share, most in zip(exact, at_most, strict=True)]
    while sum(quotas) < wanted:
        unfilled = [i for i in range(len(class_rows)) if quotas[i] < at_most[i]]
        if not unfilled:
            break
        # the classes furthest below their exact share get a row each, until all rows are given
        unfilled.sort(key=lambda i: quotas[i] - exact[i])
        for i in unfilled[: wanted - sum(quotas)]:
            quotas[i] += 1
    # the class that gives most comes first; of as many, the first class
    largest = [(-quota, i) for i, quota in enumerate(quotas)]
    heapq.heapify(largest)
    for i, most in enumerate(available):
        if wanted and quotas[i] == 0 and most >= enough and quotas[largest[0][1]] > 1:
            giving = largest[0][1]
            quotas[i], quotas[giving] = 1, quotas[giving] - 1
            heapq.heapreplace(largest, (-quotas[giving], giving))
    return quotas


def _indices_by_class(classes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The indices of each class that is there, ascending; by one sort, as classes may be many."""
    order = np.argsort(classes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(classes[order])) + 1)


def _fitting(sizes: Sequence[int], rows: int) -> list[int]:
    """Indices of the groups that fill ``rows`` rows in order, skipping those too large; never all of them."""
    chosen: list[int] = []
    for index, size in enumerate(sizes):
        if rows == 0:
            break
        if size <= rows and (len(chosen) < index or index + 1 < len(sizes)):
            chosen.append(index)
            rows -= size
    return chosen


def allocate_shares(
    groups: NDArray[np.int64],
    classes: NDArray[np.int64],
    wanted: Sequence[float],
    rng: np.random.Generator,
    progress: Progress,
    *,
    complete_part: int | None = None,
) -> NDArray[np.int64]:
    """Part 0, 1, ... of each row; single rows meet the share of their class to less than one row.

    wanted          rows of each part, which add up to all rows
    complete_part   the part that is to hold every class, if any
    """
    firsts, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    share = np.asarray(wanted, float) / len(groups)
    targets = np.outer(share, np.bincount(classes).astype(float))  # (parts, classes) rows
    part_of_group = np.full(len(firsts), -1)

    # shuffled, then sorted stably by size: groups of one size are in random order
    large = np.flatnonzero(sizes > 1)
    large = large[rng.permutation(len(large))]
    large = large[np.argsort(-sizes[large], kind="stable")]
    singles = int((sizes == 1).sum())
    with stage(progress, "allocating groups", len(large), "groups"):
        contents = _class_rows(group, classes, large)
        part_of_group[large] = _best_parts(contents, targets, singles, complete_part, progress)

    part_of_row = part_of_group[group]
    allocated = part_of_row >= 0
    filled = np.zeros_like(targets)
    np.add.at(filled, (part_of_row[allocated], classes[allocated]), 1)
    carry = np.zeros(len(wanted))
    single_rows = np.flatnonzero(~allocated)
    for of_class in _indices_by_class(classes[single_rows]) if len(single_rows) else ():
        rows = single_rows[of_class]
        number = classes[rows[0]]
        quota = _single_quotas(len(rows), targets[:, number] - filled[:, number], carry)
        if complete_part is not None and not filled[complete_part, number] + quota[complete_part]:
            largest = int(quota.argmax())
            quota[largest] -= 1
            quota[complete_part] += 1
            carry[largest] += 1
            carry[complete_part] -= 1
        # the quota says how many rows each part gets, the permutation which
        part_of_row[rows[rng.permutation(len(rows))]] = np.repeat(np.arange(len(wanted)), quota)
    return part_of_row


def _class_rows(
    group: NDArray[np.int64], classes: NDArray[np.int64], chosen: NDArray[np.int64]
) -> list[GroupClasses]:
    """The classes of each chosen group, with the rows of each."""
    position = np.full(int(group.max()) + 1, -1)
    position[chosen] = np.arange(len(chosen))
    inside = position[group] >= 0
    # one key for each pair (group, class), so that one `unique` counts them all
    n_classes = int(classes.max()) + 1
    keys, counts = np.unique(position[group[inside]] * n_classes + classes[inside], return_counts=True)
    class_rows: list[GroupClasses] = [[] for _ in chosen]
    for key, rows in zip(keys.tolist(), counts.tolist(), strict=True):
        class_rows[key // n_classes].append((key % n_classes, rows))
    return class_rows


def _best_parts(
    contents: Sequence[GroupClasses],
    targets: NDArray[np.float64],
    singles: int,
    complete_part: int | None,
    progress: Progress,
) -> list[int]:
    """The part of each group: where the sum of (rows - target)^2 / target grows least, or falls most.

    The last groups go to parts that are still empty, and the first one of a class to ``complete_part``.
    """
    # lists, not arrays: a group has few classes, and indexing NumPy scalars is ten times slower
    wanted: list[list[float]] = targets.tolist()
    part_rows = targets.sum(axis=1).tolist()
    filled = [[0.0] * targets.shape[1] for _ in wanted]
    filled_rows = [0] * len(wanted)
    chosen: list[int] = []
    for number, group in enumerate(contents):
        if number % _CANCEL_EVERY == 0:
            stop_if_cancelled(progress)
            progress.advance(min(_CANCEL_EVERY, len(contents) - number))
        parts: Sequence[int] = range(len(wanted))
        empty = [part for part in parts if not filled_rows[part]]
        if len(empty) >= len(contents) - number + singles:
            parts = empty
        if complete_part is not None and any(not filled[complete_part][c] for c, _ in group):
            parts = (complete_part,)

        # equal growth: the part that is filled least
        best, least = parts[0], (math.inf, math.inf)
        for part in parts:
            has, want, growth = filled[part], wanted[part], 0.0
            for c, rows in group:
                growth += rows * (2 * (has[c] - want[c]) + rows) / want[c]
            if growth <= least[0] and (growth, filled_rows[part] / part_rows[part]) < least:
                best, least = part, (growth, filled_rows[part] / part_rows[part])
        for c, rows in group:
            filled[best][c] += rows
            filled_rows[best] += rows
        chosen.append(best)
    return chosen


def _single_quotas(rows: int, missing: NDArray[np.float64], carry: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many of ``rows`` single rows go to each part, (parts,), in proportion to what it is missing.

    carry   (parts,) rows that rounding of earlier classes still owes each part; updated in place
    """
    missing = np.maximum(missing, 0)
    exact = rows * missing / missing.sum()
    # 1e-9: 2.9999999 is 3 with rounding errors
    quota = np.floor(exact + 1e-9).astype(np.int64)
    owed = np.round(exact - quota + carry, 6)
    unfilled = np.flatnonzero(missing > 0)
    for part in unfilled[np.argsort(-owed[unfilled], kind="stable")][: rows - quota.sum()]:
        quota[part] += 1
    carry += exact - quota
    return quota
