# mypy: ignore-errors
"""A priority queue: a heap whose nodes have four children, 4 i + 1 to 4 i + 4.

queue  (n, 3) int64: count, key, entry; highest count first, then the smallest key, then the older entry

Four children instead of two: a heap of half the depth, and the children compared at each level are adjacent
in memory.
"""

from __future__ import annotations

from tokkit.runtime.kernels import helper


@helper
def push(queue, size, count, key, entry):
    """Adds an item to a queue of ``size`` items."""
    hole = size  # moves up until its parent goes first
    while hole:
        parent = (hole - 1) >> 2
        if not goes_first(count, key, entry, queue[parent, 0], queue[parent, 1], queue[parent, 2]):
            break
        move(queue, parent, hole)
        hole = parent
    queue[hole, 0], queue[hole, 1], queue[hole, 2] = count, key, entry


@helper
def replace_first(queue, size, count, key, entry):
    """Replaces the first item of a queue of ``size`` items."""
    hole = 0  # moves down until it goes before all of its children
    while True:
        best = 4 * hole + 1
        if best >= size:
            break
        # the last parent may have fewer than four children
        for child in range(best + 1, min(best + 4, size)):
            count_of_best, key_of_best, entry_of_best = queue[best, 0], queue[best, 1], queue[best, 2]
            if goes_first(
                queue[child, 0], queue[child, 1], queue[child, 2], count_of_best, key_of_best, entry_of_best
            ):
                best = child
        if not goes_first(queue[best, 0], queue[best, 1], queue[best, 2], count, key, entry):
            break
        move(queue, best, hole)
        hole = best
    queue[hole, 0], queue[hole, 1], queue[hole, 2] = count, key, entry


@helper
def goes_first(count, key, entry, other_count, other_key, other_entry):
    """Highest count first; equal counts by the smaller pair; of one pair the older entry."""
    if count != other_count:
        return count > other_count
    return key < other_key or (key == other_key and entry < other_entry)


@helper
def move(queue, source, target):
    """Copies one item of the queue."""
    for column in range(3):
        queue[target, column] = queue[source, column]
