"""Cutting text into chunks and counting them, eight bytes at a step.

A chunk ends where an item ends, and before a byte of white space that the cutting rule names, unless the
character before is white space (or a control) too: a run of white space is never cut. It stays with the
word that follows.
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import kernel, load8, prefetch, trailing_zeros
from tokkit.runtime.table_kernels import AT_ONCE, BYTES, LONGEST, SLOTS, content_of, first_slot, put

FINISHED, CROWDED, TOO_LONG = 0, 1, 2
"""All is counted; the table must grow first; the next chunk is longer than a table takes."""

BEFORE = 8
"""Bytes that must stand before the text, so that the characters before it can be looked at."""

_U = np.uint64
_LOW, _HIGH = _U(0x2121212121212121), _U(0x8080808080808080)
_SPACE = 0x20


@kernel
def white_before(data, at):
    """Whether the character that ends before ``at`` is Unicode white space, or a control."""
    last = data[at - 1]
    if last < 0x80:
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


@kernel
def next_white(data, at, end):
    """Place of the next byte that is a space or below, from ``at`` on; ``end`` where there is none."""
    while at < end:
        word = load8(data, at)
        found = (word - _LOW) & ~word & _HIGH
        if found:
            at += np.int64(trailing_zeros(found) >> _U(3))
            return min(at, end)
        at += 8
    return end


@kernel
def chunk_end(data, start, end, separator, cuts):
    """Where the chunk that starts at ``start`` ends."""
    if data[start] == separator:
        return start if separator == 0 else start + 1
    at = next_white(data, start + 1, end)
    while at < end:
        byte = data[at]
        if byte == 0 and separator == 0:
            return at
        if cuts[byte] and not white_before(data, at):
            return at
        at += 1
        if byte == separator:
            return at
        at = next_white(data, at, end)
    return end


@kernel
def count_chunks(data, start, end, separator, cuts, slots, arena, held):
    """Counts the chunks of ``data[start:end]``; gives why it stopped, and where.

    separator  the byte that ends an item: a newline, which belongs to it; 0, which does not; -1 for none
    cuts       (33,) bool, bytes before which text may be cut

    Chunks are found a few at a time and their slots asked for before they are counted: most of the time
    would go into waiting for memory.
    """
    fullest = slots.size // 4 * 5 // 8 - AT_ONCE
    bounds = np.empty((AT_ONCE, 2), np.int64)
    contents = np.empty((AT_ONCE, 2), np.uint64)
    while start < end:
        first, number = start, 0
        while number < AT_ONCE and start < end:
            stop = chunk_end(data, start, end, separator, cuts)
            if stop - start > LONGEST:
                return TOO_LONG, first
            if stop > start:
                low, high = content_of(data, start, stop - start)
                prefetch(slots, first_slot(low, high, slots.size))
                bounds[number, 0], bounds[number, 1] = start, stop - start
                contents[number, 0], contents[number, 1] = low, high
                number += 1
            start = stop + 1 if separator == 0 and stop < end and data[stop] == 0 else stop
        if held[SLOTS] >= fullest or held[BYTES] + start - first + 8 * number > arena.size:
            return CROWDED, first
        for i in range(number):
            low, high = contents[i, 0], contents[i, 1]
            put(low, high, data, bounds[i, 0], bounds[i, 1], 1, slots, arena, held)
    return FINISHED, end
