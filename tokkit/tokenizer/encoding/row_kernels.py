# mypy: ignore-errors
"""Rows of text as the numbers of their distinct chunks, and back again as token ids.

the cat / the dog  ->  0 1 / 0 2  ->  ids of chunks 0, 1 / ids of chunks 0, 2
"""

from __future__ import annotations

import numpy as np

from tokkit.corpus.chunk_kernels import (
    AHEAD,
    FINISHED,
    HIGH,
    LENGTH,
    LOW,
    SLOT,
    START,
    TABLE_FULL,
    find_chunks,
    is_at_first_slot,
    look_up,
)
from tokkit.runtime.kernels import kernel
from tokkit.runtime.table_kernels import BYTES, SLOTS, copy, put

# In ``sizes``, in place of the tokens: rows with this chunk are encoded whole by `tokenizers`.
WHOLE = -2

# Ids that a packed chunk holds itself, and in place of their number: `pack_chunks`.
INLINE_IDS, LISTED, IN_WHOLE = 3, np.uint64(4), np.uint64(5)

# How far `number_chunks` is: rows, bytes of the next row, chunks, new chunks.
(ROW, DONE, CHUNKS, NEW) = range(4)

_U = np.uint64
_LARGEST = (1 << 20) - 1
_TAG, _ID, _POSITION = _U(60), _U(_LARGEST), _U((1 << 60) - 1)


@kernel
def number_chunks(
    data, starts, ends, cuts, ahead, slots, arena, usage, numbers, row_ends, new, bounds, state
):
    """Numbers the chunks of rows in the order they occur; returns why it stopped.

    data, starts, ends   the rows; in ``state``, zeros at first, is how far it came
    cuts, ahead          as in `chunk_kernels.find_chunks`
    slots, arena, usage  a table of byte strings (`table_kernels`), whose counts are their numbers + 1
    numbers, row_ends    filled with the chunks of all rows, and how many there are up to each row's end
    new, bounds          filled with the chunks that are new in the table, ``new[bounds[i] : bounds[i + 1]]``
    """
    # ``state`` is written before each batch: when the table is full, the caller grows it and the batch is
    # repeated; no chunk of it is in the table yet
    fullest = slots.size // 4 * 5 // 8 - AHEAD
    row, done, chunks, added = state[ROW], state[DONE], state[CHUNKS], state[NEW]
    while row < starts.size:
        state[ROW], state[DONE], state[CHUNKS], state[NEW] = row, done, chunks, added
        number, row, done = find_chunks(data, starts, ends, row, done, cuts, ahead, chunks, row_ends)
        size = look_up(data, slots, ahead, number)
        if usage[SLOTS] >= fullest or usage[BYTES] + size > arena.size:
            return TABLE_FULL
        for i in range(number):
            if is_at_first_slot(slots, ahead, i):
                numbers[chunks] = np.int32(slots[ahead[i, SLOT] + _U(3)]) - 1
                chunks += 1
                continue
            low, high = ahead[i, LOW], ahead[i, HIGH]
            at, length = np.int64(ahead[i, START]), np.int64(ahead[i, LENGTH])
            # a count of 0 only finds or makes the slot; 0 marks a new chunk, which gets the next number
            slot = put(low, high, data, at, length, 0, slots, arena, usage)
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
def pack_chunks(sizes, offsets, ids, packed, lists, before):
    """Packs the ids of every chunk into one word each, where they fit; returns how far ``lists`` is filled.

    sizes, offsets, ids  of the chunks (`ChunkIds`)
    packed               (chunks,) uint64, filled: tokens << 60 and up to three ids of 20 bits; or `LISTED`
                         and the position of a number in the list, which that many ids follow; or `IN_WHOLE`
    lists, before        (n,) int32, filled; the numbers in the list before these
    """
    used = 0
    for chunk in range(packed.size):
        tokens, at = sizes[chunk, 0], offsets[chunk]
        if tokens == WHOLE:
            packed[chunk] = IN_WHOLE << _TAG
            continue
        word, fits = _U(tokens) << _TAG, tokens <= INLINE_IDS
        for i in range(min(tokens, INLINE_IDS)):
            fits &= ids[at + i] <= _LARGEST
            word |= _U(ids[at + i]) << _U(20 * i)
        if not fits:
            word = LISTED << _TAG | _U(before + used)
            lists[used] = tokens
            for i in range(tokens):
                lists[used + 1 + i] = ids[at + i]
            used += 1 + tokens
        packed[chunk] = word
    return used


@kernel
def write_rows(numbers, row_ends, packed, lists, row, end, ids, lengths):
    """Writes the ids of the rows from ``row`` on to ``ids`` from ``end`` on, one after another.

    packed, lists  of the distinct chunks (`pack_chunks`)
    lengths        (rows,) int64, filled with the ids of each row; `WHOLE`, and none, where a chunk is
    Returns the row to go on with when ``ids`` is full, and where the ids of those before it end.
    """
    at = row_ends[row - 1] if row else 0
    while row < row_ends.size:
        start, whole = end, False
        while at < row_ends[row]:
            word = packed[numbers[at]]
            at += 1
            # so that most chunks need no branch on their number of ids, three are written always
            if end + INLINE_IDS > ids.size:
                return row, start
            tag = word >> _TAG
            if tag < LISTED:
                ids[end], ids[end + 1] = word & _ID, word >> _U(20) & _ID
                ids[end + 2] = word >> _U(40) & _ID
                end += np.int64(tag)
            elif tag == LISTED:
                listed = np.int64(word & _POSITION)
                tokens = lists[listed]
                if end + tokens + INLINE_IDS > ids.size:
                    return row, start
                for i in range(tokens):
                    ids[end + i] = lists[listed + 1 + i]
                end += tokens
            else:
                whole = True
        if whole:
            end = start
        lengths[row] = WHOLE if whole else end - start
        row += 1
    return row, end


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
