# mypy: ignore-errors
"""Kernels of what is remembered of every distinct string: how many rows hold it, and with which labels.

Strings stand in a `ByteTable`; the count of its slot is the number of the string, from 1 in the order they
came. Beside it, by that number less 1:

rows    (n, splits) int64, how many rows of each split hold the string
labels  (n, splits) int32, the label they carry: `NONE`, a number, or `SEVERAL`
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import kernel
from tokkit.runtime.table_kernels import BATCH, INLINE, LONGEST, SLOTS, contents_of, copy, hashed, put

NONE, SEVERAL = -1, -2

_U = np.uint64
_LENGTH = _U(LONGEST)
_SHIFT = _U(28)


@kernel
def number_all(data, starts, ends, slots, arena, usage, contents, numbers):
    """The number of every string, (rows,) int32, from 0; -1 of an empty one. New strings get new numbers.

    contents  (BATCH, 2) uint64, a buffer: to compile `np.empty` in a kernel takes 0.1 s
    """
    for first in range(0, starts.size, BATCH):
        number = min(BATCH, starts.size - first)
        contents_of(data, starts, ends, first, number, slots, contents)
        for i in range(number):
            start, length = starts[first + i], ends[first + i] - starts[first + i]
            numbers[first + i] = -1
            if length:
                slot = put(contents[i, 0], contents[i, 1], data, start, length, 0, slots, arena, usage)
                # Numbers in slots begin at 1: 0 is a slot that `put` has just filled.
                if slots[slot + 3] == 0:
                    slots[slot + 3] = _U(usage[SLOTS])
                numbers[first + i] = np.int32(slots[slot + 3]) - 1


@kernel
def sizes_by_part(slots, shift, parts, strings, sizes):
    """How many strings, and bytes of them, fall into each part by their hash: both (parts,) int64, zeros."""
    for slot in range(0, slots.size, 4):
        where = slots[slot + 2]
        if where:
            # `parts` is a power of two, so that the mask takes the lowest bits of the shifted hash.
            part = (hashed(slots[slot], slots[slot + 1]) >> _U(shift)) & _U(parts - 1)
            strings[part] += 1
            sizes[part] += np.int64(where & _LENGTH)


@kernel
def write_parts(slots, inline, arena, shift, parts, next_string, next_byte, data, lengths, numbers):
    """Writes out all strings, those of a part together: ``next_...`` holds where each part begins.

    data     (bytes,) uint8; lengths, numbers (n,) int32: bytes of each string, and its number from 0
    """
    for slot in range(0, slots.size, 4):
        where = slots[slot + 2]
        if where:
            part = (hashed(slots[slot], slots[slot + 1]) >> _U(shift)) & _U(parts - 1)
            # `where` packs two numbers: the length in its low 28 bits, the offset in the arena above them.
            # Short strings are in the slot itself and have no offset.
            length = np.int64(where & _LENGTH)
            if length <= INLINE:
                copy(inline, slot * 8, data, next_byte[part], length)
            else:
                copy(arena, np.int64(where >> _SHIFT), data, next_byte[part], length)
            lengths[next_string[part]] = length
            numbers[next_string[part]] = np.int32(slots[slot + 3]) - 1
            next_string[part] += 1
            next_byte[part] += length
