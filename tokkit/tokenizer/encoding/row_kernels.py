"""Rows of text as the numbers of their distinct chunks, and back again as token ids.

the cat / the dog  ->  0 1 / 0 2  ->  ids of chunks 0, 1 / ids of chunks 0, 2
"""

from __future__ import annotations

import numpy as np

from tokkit.corpus.chunk_kernels import CROWDED, FINISHED, chunk_end
from tokkit.runtime.kernels import kernel, prefetch
from tokkit.runtime.table_kernels import AT_ONCE, BYTES, SLOTS, content_of, copy, first_slot, put

ASKED = -2
"""Tokens (as they stand in ``sizes``) of a chunk whose rows `tokenizers` encodes whole."""

(AT, ROW, CHUNKS, FRESH) = range(4)
"""How far `number_chunks` has come: in the text, in rows, in chunks, in chunks not met before."""

_U = np.uint64


@kernel
def number_chunks(data, end, cuts, slots, arena, held, numbers, row_ends, fresh, bounds, state):
    """Numbers the chunks of rows, each ended by a NUL, in the order they are met; gives why it stopped.

    data, end            the rows; ``state[AT]`` is where they start
    cuts                 (33,) bool, bytes before which text may be cut
    slots, arena, held   a table of byte strings (`table_kernels`), whose counts are their numbers + 1
    numbers, row_ends    filled with the chunks of all rows, and how many there are up to each row's end
    fresh, bounds        filled with the chunks not met before, ``fresh[bounds[i] : bounds[i + 1]]``
    """
    fullest = slots.size // 4 * 5 // 8 - AT_ONCE
    found = np.empty((AT_ONCE, 2), np.int64)
    contents = np.empty((AT_ONCE, 2), np.uint64)
    start, row, chunks, new = state[AT], state[ROW], state[CHUNKS], state[FRESH]
    while start < end:
        state[AT], state[ROW], state[CHUNKS], state[FRESH] = start, row, chunks, new
        number, size = 0, 0
        while number < AT_ONCE and start < end:
            stop = chunk_end(data, start, end, 0, cuts)
            if stop > start:
                low, high = content_of(data, start, stop - start)
                prefetch(slots, first_slot(low, high, slots.size))
                found[number, 0], found[number, 1] = start, stop - start
                contents[number, 0], contents[number, 1] = low, high
                size += stop - start + 8
                number += 1
            start = stop
            if data[stop] == 0:
                row_ends[row] = chunks + number
                row += 1
                start += 1
        if held[SLOTS] >= fullest or held[BYTES] + size > arena.size:
            return CROWDED
        for i in range(number):
            at, length = found[i, 0], found[i, 1]
            slot = put(contents[i, 0], contents[i, 1], data, at, length, 0, slots, arena, held)
            if slots[slot + 3] == 0:
                slots[slot + 3] = _U(held[SLOTS])
                copy(data, at, fresh, bounds[new], length)
                new += 1
                bounds[new] = bounds[new - 1] + length
            numbers[chunks] = np.int32(slots[slot + 3]) - 1
            chunks += 1
    state[AT], state[ROW], state[CHUNKS], state[FRESH] = start, row, chunks, new
    return FINISHED


@kernel
def measure_rows(numbers, row_ends, sizes, measured):
    """Adds up tokens and unknown tokens of each row's chunks; -2 tokens where `tokenizers` is to be asked.

    sizes     (chunks, 2) int32 of the distinct chunks
    measured  (rows, 2) int64, filled
    """
    at = 0
    for row in range(row_ends.size):
        tokens, unknown, asked = 0, 0, False
        while at < row_ends[row]:
            number = numbers[at]
            asked |= sizes[number, 0] == ASKED
            tokens += sizes[number, 0]
            unknown += sizes[number, 1]
            at += 1
        measured[row, 0], measured[row, 1] = ASKED if asked else tokens, unknown


@kernel
def gather_rows(numbers, row_ends, sizes, places, chunk_ids, offsets, asked, ids):
    """Writes the ids of each row's chunks to ``ids[offsets[row] : offsets[row + 1]]``.

    places     (chunks,) int64: where in ``chunk_ids`` the ids of each distinct chunk start
    asked      (rows,) bool: rows that are passed over
    """
    at = 0
    for row in range(row_ends.size):
        if asked[row]:
            at = row_ends[row]
            continue
        end = offsets[row]
        while at < row_ends[row]:
            number = numbers[at]
            place = places[number]
            for i in range(sizes[number, 0]):
                ids[end] = chunk_ids[place + i]
                end += 1
            at += 1


@kernel
def copy_parts(source, offsets, kept, target, at):
    """Copies the first ``kept[row]`` values of every row to ``target[at[row]]`` and on, and moves ``at``."""
    for row in range(kept.size):
        for i in range(kept[row]):
            target[at[row] + i] = source[offsets[row] + i]
        at[row] += kept[row]


@kernel
def write_parts(values, target, at):
    """Writes the same values at every row's place, and moves ``at``."""
    for row in range(at.size):
        for i in range(values.size):
            target[at[row] + i] = values[i]
        at[row] += values.size


@kernel
def repeat_parts(value, kept, target, at):
    """Writes a value ``kept[row]`` times at every row's place, and moves ``at``."""
    for row in range(kept.size):
        for i in range(kept[row]):
            target[at[row] + i] = value
        at[row] += kept[row]
