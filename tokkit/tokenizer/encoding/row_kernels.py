# mypy: ignore-errors
"""Rows of text as the numbers of their distinct chunks, and back again as token ids.

the cat / the dog  ->  0 1 / 0 2  ->  ids of chunks 0, 1 / ids of chunks 0, 2
"""

from __future__ import annotations

import numpy as np

from tokkit.corpus.chunk_kernels import FINISHED, TABLE_FULL, chunk_end
from tokkit.runtime.kernels import kernel, prefetch
from tokkit.runtime.table_kernels import BATCH, BYTES, SLOTS, content_of, copy, first_slot, put

# In ``sizes``, in place of the tokens: rows with this chunk are encoded whole by `tokenizers`.
WHOLE = -2

# How far `number_chunks` is: rows, bytes of the next row, chunks, new chunks.
(ROW, DONE, CHUNKS, NEW) = range(4)

_U = np.uint64


@kernel
def number_chunks(data, starts, ends, cuts, slots, arena, usage, numbers, row_ends, new, bounds, state):
    """Numbers the chunks of rows in the order they occur; returns why it stopped.

    data, starts, ends   the rows; in ``state``, zeros at first, is how far it came
    cuts                 (33,) bool, bytes before which text may be cut
    slots, arena, usage  a table of byte strings (`table_kernels`), whose counts are their numbers + 1
    numbers, row_ends    filled with the chunks of all rows, and how many there are up to each row's end
    new, bounds          filled with the chunks that are new in the table, ``new[bounds[i] : bounds[i + 1]]``
    """
    # ``state`` is written before each batch: when the table is full, the caller grows it and the batch is
    # repeated; no chunk of it is in the table yet
    fullest = slots.size // 4 * 5 // 8 - BATCH
    batch = np.empty((BATCH, 2), np.int64)
    contents = np.empty((BATCH, 2), np.uint64)
    row, done, chunks, added = state[ROW], state[DONE], state[CHUNKS], state[NEW]
    while row < starts.size:
        state[ROW], state[DONE], state[CHUNKS], state[NEW] = row, done, chunks, added
        number, size = 0, 0
        while number < BATCH and row < starts.size:
            start = starts[row] + done
            if start == ends[row]:
                row_ends[row] = chunks + number
                row, done = row + 1, 0
                continue
            length = chunk_end(data, start, ends[row], cuts) - start
            low, high = content_of(data, start, length)
            prefetch(slots, first_slot(low, high, slots.size))
            batch[number, 0], batch[number, 1] = start, length
            contents[number, 0], contents[number, 1] = low, high
            size += length + 8
            number += 1
            done += length
        if usage[SLOTS] >= fullest or usage[BYTES] + size > arena.size:
            return TABLE_FULL
        for i in range(number):
            at, length = batch[i, 0], batch[i, 1]
            # a count of 0 only finds or makes the slot; 0 marks a new chunk, which gets the next number
            slot = put(contents[i, 0], contents[i, 1], data, at, length, 0, slots, arena, usage)
            if slots[slot + 3] == 0:
                slots[slot + 3] = _U(usage[SLOTS])
                # end to end for the encoder: a chunk that occurs again in these rows is encoded once
                copy(data, at, new, bounds[added], length)
                added += 1
                bounds[added] = bounds[added - 1] + length
            numbers[chunks] = np.int32(slots[slot + 3]) - 1
            chunks += 1
    state[ROW], state[DONE], state[CHUNKS], state[NEW] = row, done, chunks, added
    return FINISHED


@kernel
def measure_rows(numbers, row_ends, sizes, measured):
    """Adds up tokens and unknown tokens of each row's chunks; `WHOLE` where a chunk is.

    sizes     (chunks, 2) int32 of the distinct chunks
    measured  (rows, 2) int64, filled
    """
    at = 0
    for row in range(row_ends.size):
        tokens, unknown, whole = 0, 0, False
        while at < row_ends[row]:
            number = numbers[at]
            # an added token may take white space of the next chunk, so the row is not the sum of its chunks
            whole |= sizes[number, 0] == WHOLE
            tokens += sizes[number, 0]
            unknown += sizes[number, 1]
            at += 1
        measured[row, 0], measured[row, 1] = WHOLE if whole else tokens, unknown


@kernel
def gather_rows(numbers, row_ends, sizes, offsets, chunk_ids, row_offsets, whole, ids):
    """Writes the ids of each row's chunks to ``ids[row_offsets[row] : row_offsets[row + 1]]``.

    offsets    (chunks,) int64: where in ``chunk_ids`` the ids of each distinct chunk start
    whole      (rows,) bool: rows that are skipped
    """
    at = 0
    for row in range(row_ends.size):
        if whole[row]:
            # the caller fills in the ids of these rows, but their chunks still have to be stepped over
            at = row_ends[row]
            continue
        end = row_offsets[row]
        while at < row_ends[row]:
            number = numbers[at]
            offset = offsets[number]
            for i in range(sizes[number, 0]):
                ids[end] = chunk_ids[offset + i]
                end += 1
            at += 1


@kernel
def copy_parts(source, offsets, lengths, target, at):
    """Copies ``lengths[row]`` values of every row to ``target[at[row]]`` and on, and moves ``at``."""
    for row in range(lengths.size):
        for i in range(lengths[row]):
            target[at[row] + i] = source[offsets[row] + i]
        at[row] += lengths[row]


@kernel
def write_parts(values, target, at):
    """Writes the same values at ``at[row]`` of every row, and moves ``at``."""
    for row in range(at.size):
        for i in range(values.size):
            target[at[row] + i] = values[i]
        at[row] += values.size
