# mypy: ignore-errors
r"""Cutting text into chunks and counting them, 64 bytes at a step.

A chunk ends where its text ends, and before a byte of white space that the cutting rule names, unless the
character before is white space (or a control) too: a run of white space is never cut. It belongs to the
chunk that follows.

    "the cat  sat\n"  ->  "the", " cat", "  sat", "\n"        cut before any white space
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import bytes_between, helper, kernel, load8, prefetch, trailing_zeros
from tokkit.runtime.table_kernels import BYTES, INLINE, LONGEST, SLOTS, first_slot, hashes_of, put

FINISHED, TABLE_FULL, TOO_LONG = 0, 1, 2
# Why counting stopped: all is counted, the table has to grow, the next chunk is too long for a table.

# Chunks that are found, and their slots prefetched, before the first of them is counted. 64 bytes are cut at
# 32 places at most, and a row ends with a chunk of its own.
AHEAD = 128
_ROOM = AHEAD - 33

# What is known of a chunk found: its first byte, bytes, contents (`table_kernels`) and where probing starts.
START, LENGTH, LOW, HIGH, SLOT = range(5)
COLUMNS = 5

_U = np.uint64
_ONE, _ALL = _U(1), _U(0xFFFFFFFFFFFFFFFF)
_LENGTH = _U(LONGEST)
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
def cut_bits(data, at, cuts, white, lead):
    """Where the 64 bytes from ``at`` on are cut: bit i is set where a chunk ends before ``data[at + i]``.

    white, lead  what the 64 bytes before left: whether the last is white, and bits of `doubtful` places
    Returns the bits, and both for the 64 bytes that follow.
    """
    whites = bytes_between(data, at, 0, _SPACE)
    cutting = bytes_between(data, at, cuts[0], cuts[0]) | bytes_between(data, at, cuts[1], cuts[1])
    cutting |= bytes_between(data, at, cuts[2], cuts[2]) | bytes_between(data, at, cuts[3], cuts[3])
    bits = cutting & ~(whites << _ONE | white)
    # white space beyond ASCII starts with these bytes: rare before a cut, so the loop hardly ever runs
    of_two, of_three = bytes_between(data, at, 0xC2, 0xC2), bytes_between(data, at, 0xE1, 0xE3)
    doubtful = bits & (of_two << _U(2) | of_three << _U(3) | lead)
    while doubtful:
        if white_before(data, at + np.int64(trailing_zeros(doubtful))):
            bits &= ~(doubtful & (~doubtful + _ONE))
        doubtful &= doubtful - _ONE
    return bits, whites >> _U(63), of_two >> _U(62) | of_three >> _U(61)


@kernel
def find_chunks(data, starts, ends, row, done, cuts, ahead, before, row_ends):
    """Writes the first byte and the length of the next chunks to ``ahead``, (AHEAD, COLUMNS) uint64.

    row, done         where to start: the text, and how many of its bytes are cut already
    cuts              (4,) uint8, the bytes before which text may be cut
    before, row_ends  chunks before these, and (rows,) int64, filled with those up to each row's end; or None
    Returns the number of chunks, and where to go on.
    """
    number = 0
    while number <= _ROOM and row < starts.size:
        start, end = starts[row] + done, ends[row]
        at, white, lead = start, _ONE, _U(0)  # as if it were white before: nothing ends where a chunk starts
        while at < end and number <= _ROOM:
            bits, white, lead = cut_bits(data, at, cuts, white, lead)
            if end - at < 64:
                bits &= _ALL >> _U(64 - (end - at))
            while bits:
                stop = at + np.int64(trailing_zeros(bits))
                bits &= bits - _ONE
                ahead[number, START], ahead[number, LENGTH] = start, stop - start
                number += 1
                start = stop
            at += 64
        done = start - starts[row]
        if at >= end:
            if start < end:
                ahead[number, START], ahead[number, LENGTH] = start, end - start
                number += 1
            if row_ends is not None:
                row_ends[row] = before + number
            row, done = row + 1, 0
    return number, row, done


@helper
def look_up(data, slots, ahead, number):
    """Fills in the other columns of the chunks ahead, and prefetches their slots.

    Returns the bytes they may need in the arena; -1 where one is too long for a table.
    """
    size = 0
    for i in range(number):
        start, length = np.int64(ahead[i, START]), np.int64(ahead[i, LENGTH])
        if length <= INLINE:
            # without a branch on the length, which no processor predicts; two shifts, for one by 64 is none
            first, second = _U(4 * min(length, 8)), _U(4 * (max(length, 8) - 8))
            low = load8(data, start) & ~(_ALL << first << first)
            high = load8(data, start + 8) & ~(_ALL << second << second)
        else:
            if length > LONGEST:
                return -1
            low, high = hashes_of(data, start, length)
            size += length + 8
        slot = first_slot(low, high, slots.size)
        prefetch(slots, slot)
        ahead[i, LOW], ahead[i, HIGH], ahead[i, SLOT] = low, high, slot
    return size


@helper
def is_at_first_slot(slots, ahead, i):
    """Whether a chunk of up to `INLINE` bytes is in the slot where probing starts, as nearly all are."""
    slot = ahead[i, SLOT]
    length = ahead[i, LENGTH]
    differ = (slots[slot] ^ ahead[i, LOW]) | (slots[slot + _ONE] ^ ahead[i, HIGH])
    differ |= (slots[slot + _U(2)] & _LENGTH) ^ length
    return differ == _U(0) and length <= _U(INLINE)


@kernel
def count_chunks(data, starts, ends, row, done, cuts, ahead, slots, arena, usage):
    """Counts the chunks of texts; returns why it stopped, and where: the text, and its bytes counted so far.

    row, done, cuts, ahead  as in `find_chunks`
    """
    # What was found is counted as a whole or not at all, so the caller can grow the table and go on there.
    # a slot is four words, and a table takes 5/8 of its slots (`byte_table._MAX_LOAD`)
    fullest = slots.size // 4 * 5 // 8 - AHEAD
    while row < starts.size:
        number, next_row, next_done = find_chunks(data, starts, ends, row, done, cuts, ahead, 0, None)
        size = look_up(data, slots, ahead, number)
        if size < 0:
            return TOO_LONG, row, done
        if usage[SLOTS] >= fullest or usage[BYTES] + size > arena.size:
            return TABLE_FULL, row, done
        for i in range(number):
            if is_at_first_slot(slots, ahead, i):
                slots[ahead[i, SLOT] + _U(3)] += _ONE
            else:
                low, high = ahead[i, LOW], ahead[i, HIGH]
                start, length = np.int64(ahead[i, START]), np.int64(ahead[i, LENGTH])
                put(low, high, data, start, length, 1, slots, arena, usage)
        row, done = next_row, next_done
    return FINISHED, row, 0
