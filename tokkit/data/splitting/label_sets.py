"""Stratified allocation of rows with several labels: the part (split or fold) of each group of rows.

Iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011): the label with the fewest rows left comes
first, and each of its rows goes to the part that lacks most of that label. Frequent labels, and rows without
any, even out what is left.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import Progress, stage, stop_if_cancelled

# Groups between two checks for Ctrl-C.
_CANCEL_EVERY = 4096


def allocate_label_sets(
    groups: NDArray[np.int64],
    label_sets: Sequence[Sequence[int]],
    wanted: Sequence[int],
    rng: np.random.Generator,
    progress: Progress,
    *,
    complete_part: int | None = None,
) -> NDArray[np.int64]:
    """Part 0, 1, ... of each row, (rows,); the sizes are met exactly where groups are single rows.

    groups      (rows,) the first row of each row's group, which stays in one part
    label_sets  labels of each row, numbers from 0
    wanted      rows of each part, which add up to all rows

    complete_part   the part that is to hold every label, if any

    A label with as many groups as there are parts is in each of them.
    """
    firsts, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    rows_of_group: list[dict[int, int]] = [{} for _ in firsts]
    for row, labels in enumerate(label_sets):
        of_group = rows_of_group[group[row]]
        for label in labels:
            of_group[label] = of_group.get(label, 0) + 1
    members: dict[int, list[int]] = {}
    # large groups first, groups of one size at random: the seed decides every row
    order = rng.permutation(len(firsts))
    order = order[np.argsort(-sizes[order], kind="stable")]
    for number in order.tolist():
        for label in rows_of_group[number]:
            members.setdefault(label, []).append(number)
    missing = _missing_of_labels(members, rows_of_group, wanted, complete_part)
    part_of_group = [-1] * len(firsts)
    room = [float(rows) for rows in wanted]
    left = {label: len(of_label) for label, of_label in members.items()}
    rarest = [(n, label) for label, n in left.items()]
    heapq.heapify(rarest)

    def assign(number: int, part: int) -> None:
        part_of_group[number] = part
        room[part] -= int(sizes[number])
        for label, rows in rows_of_group[number].items():
            missing[label][part] -= rows
            left[label] -= 1
            heapq.heappush(rarest, (left[label], label))

    with stage(progress, "allocating rows", len(firsts), "groups"):
        done = 0
        while rarest:
            n, label = heapq.heappop(rarest)
            # an older count of the label: the current one is elsewhere in the heap
            if n != left[label] or not n:
                continue
            left[label] = 0
            for number in members[label]:
                if part_of_group[number] < 0:
                    left[label] += 1  # `assign` takes one
                    assign(number, _best_part(missing[label], room, int(sizes[number])))
                    done += 1
                    if done % _CANCEL_EVERY == 0:
                        stop_if_cancelled(progress)
                        progress.advance(_CANCEL_EVERY)
        for number in order.tolist():
            if part_of_group[number] < 0:
                assign(number, _best_part(room, room, int(sizes[number])))
    return np.asarray(part_of_group, np.int64)[group]


def _missing_of_labels(
    members: dict[int, list[int]],
    rows_of_group: Sequence[dict[int, int]],
    wanted: Sequence[int],
    complete_part: int | None,
) -> dict[int, list[float]]:
    """Label -> rows of it that each part is to have: its share, but one at least where there are enough."""
    used = [part for part, rows in enumerate(wanted) if rows]
    missing: dict[int, list[float]] = {}
    for label, of_label in members.items():
        rows = sum(rows_of_group[number][label] for number in of_label)
        shares = [rows * part / sum(wanted) for part in wanted]
        if len(of_label) >= len(used):
            largest = max(used, key=lambda part: shares[part])
            for part in used:
                shares[largest] -= max(0.0, 1 - shares[part])
                shares[part] = max(1.0, shares[part])
        elif complete_part is not None:
            # too few for all: what is not learned cannot be scored
            shares = [float(rows) if part == complete_part else 0.0 for part in range(len(wanted))]
        missing[label] = shares
    return missing


def _best_part(missing: Sequence[float], room: Sequence[float], size: int) -> int:
    """The part with room that lacks most, of those the one with most room; where none has, the roomiest."""
    fits = [part for part in range(len(room)) if room[part] >= size]
    if not fits:
        return max(range(len(room)), key=lambda part: room[part])
    return max(fits, key=lambda part: (missing[part], room[part]))
