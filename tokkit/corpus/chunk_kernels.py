# mypy: ignore-errors
r"""Cutting text into chunks and counting them, eight bytes at a step.

A chunk ends where its text ends, and before a byte of white space that the cutting rule names, unless the
character before is white space (or a control) too: a run of white space is never cut. It belongs to the
chunk that follows.

    "the cat  sat\n"  ->  "the", " cat", "  sat", "\n"        cut before any white space
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import helper, kernel, load8, prefetch, trailing_zeros
from tokkit.runtime.table_kernels import BATCH, BYTES, LONGEST, SLOTS, content_of, first_slot, put

FINISHED, TABLE_FULL, TOO_LONG = 0, 1, 2
# Why counting stopped: all is counted, the table has to grow, the next chunk is too long for a table.

_U = np.uint64
_LOW, _HIGH = _U(0x2121212121212121), _U(0x8080808080808080)
_SPACE = 0x20


@kernel
def white_before(data, at):
    """Whether the character that ends before ``at`` is Unicode white space, or a control."""
    # looks back from the end of the character; a byte before its first one decides nothing, and an index of
    # -1 gives the last byte of the padding
    last = data[at - 1]
    if last < 0x80:
        # controls count as white space: BERT's cleaning deletes some of them and joins their neighbors
        return last <= _SPACE
    second, third = data[at - 2], data[at - 3]
    if second == 0xC2:  # U+0085, U+00A0
        return last == 0x85 or last == 0xA0
    if third == 0xE2 and second == 0x80:  # U+2000 to U+200A, U+2028, U+2029, U+202F
        return last <= 0x8A or last == 0xA8 or last == 0xA9 or last == 0xAF
    if third == 0xE2 and second == 0x81:  # U+205F
        return last == 0x9F
    if third == 0xE3 and second == 0x80:  # U+3000
        return last == 0x80
    return third == 0xE1 and second == 0x9A and last == 0x80  # U+1680


@helper
def next_white(data, at, end):
    """Index of the next byte up to 0x20, from ``at`` on; ``end`` where there is none."""
    while at < end:
        word = load8(data, at)
        # subtracting 0x21 from each byte borrows into its top bit where the byte is below; a borrow may also
        # set bits above the first match, but the lowest one set is always a match
        white = (word - _LOW) & ~word & _HIGH
        if white:
            at += np.int64(trailing_zeros(white) >> _U(3))
            return min(at, end)
        at += 8
    return end


@kernel
def chunk_end(data, start, end, cuts):
    """Where the chunk that starts at ``start`` ends, in a text that ends at ``end``."""
    at = next_white(data, start + 1, end)
    while at < end:
        if cuts[data[at]] and not white_before(data, at):
            return at
        at = next_white(data, at + 1, end)
    return end


@kernel
def count_chunks(data, starts, ends, row, done, cuts, slots, arena, usage):
    """Counts the chunks of texts; returns why it stopped, and where: the text, and its bytes counted so far.

    row, done  where to start
    cuts       (33,) bool, the bytes before which text may be cut
    """
    # A batch of chunks is found, and their slots prefetched, before the first one is counted. The batch is
    # counted as a whole or not at all, so the caller can grow the table and go on from where it stopped.
    # a slot is four words, and a table takes 5/8 of its slots (`byte_table._MAX_LOAD`)
    fullest = slots.size // 4 * 5 // 8 - BATCH
    bounds = np.empty((BATCH, 2), np.int64)
    contents = np.empty((BATCH, 2), np.uint64)
    while row < starts.size:
        first_row, first_done, number, size = row, done, 0, 0
        while number < BATCH and row < starts.size:
            start = starts[row] + done
            if start == ends[row]:
                row, done = row + 1, 0
                continue
            length = chunk_end(data, start, ends[row], cuts) - start
            if length > LONGEST:
                return TOO_LONG, first_row, first_done
            low, high = content_of(data, start, length)
            prefetch(slots, first_slot(low, high, slots.size))
            bounds[number, 0], bounds[number, 1] = start, length
            contents[number, 0], contents[number, 1] = low, high
            number += 1
            # 8 bytes more for each string, since strings in the arena start at multiples of 8
            size += length + 8
            done += length
        if usage[SLOTS] >= fullest or usage[BYTES] + size > arena.size:
            return TABLE_FULL, first_row, first_done
        for i in range(number):
            low, high = contents[i, 0], contents[i, 1]
            put(low, high, data, bounds[i, 0], bounds[i, 1], 1, slots, arena, usage)
    return FINISHED, row, 0
