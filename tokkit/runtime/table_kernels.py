# mypy: ignore-errors
"""A hash table of byte strings with counts, as arrays that kernels work on.

slots   (WORDS * capacity,) uint64, capacity a power of two. A slot is four words:

            content, content, where, count        where = length | offset into the arena << 28

        ``where`` is 0 in an empty slot. A string of up to 16 bytes is its own content, zeros behind it; of a
        longer one the content is two hashes, and its bytes are in the arena. So most strings of natural
        text are compared, counted and copied within one half cache line.
arena   (n,) uint8, every string starting at a multiple of 8
usage   (2,) int64: slots in use, bytes of the arena in use

Probing is linear. Strings are compared byte by byte, never by hash alone. Every array of bytes that is read
has `kernels.PADDING` bytes behind the text, for they are read eight at a time.
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import helper, kernel, load8, prefetch

WORDS = 4  # of a slot

SLOTS, BYTES = 0, 1  # cells of ``usage``

# Strings whose slots are prefetched before the first of them is looked at. A table of a large corpus does not
# fit into the caches: with one lookup after another, most of the time would be spent waiting for memory;
# sixteen requests at a time overlap.
BATCH = 16

INLINE = 16
LONGEST = (1 << 28) - 1  # bytes of the longest string a table takes

_U = np.uint64
_LENGTH = _U(LONGEST)
_SHIFT = _U(28)
_ALL = _U(0xFFFFFFFFFFFFFFFF)
_K1, _K2, _K3 = _U(0x9E3779B97F4A7C15), _U(0xC2B2AE3D27D4EB4F), _U(0xD6E8FEB86659FD93)


@helper
def last_bytes(data, at, length):
    """1 to 8 bytes as a word, zeros above."""
    return load8(data, at) & (_ALL >> _U(64 - 8 * length))


@helper
def hashes_of(data, at, length):
    """Two hashes of a string."""
    low, high = _U(length), _U(length) * _K2
    # two hashes of different steps: strings that collide in one hardly ever collide in the other
    for i in range(0, length, 8):
        word = last_bytes(data, at + i, min(length - i, 8))
        low = (low ^ word) * _K1
        low ^= low >> _U(32)
        high = (high + word) * _K3
        high ^= high >> _U(29)
    return low, high


@helper
def content_of(data, at, length):
    """The two content words of a string: its bytes, or two hashes of them."""
    if length <= 8:
        return last_bytes(data, at, length), _U(0)
    if length <= INLINE:
        return load8(data, at), last_bytes(data, at + 8, length - 8)
    return hashes_of(data, at, length)


@helper
def hashed(low, high):
    """The two content words mixed to one, of which the low bits choose a slot."""
    # short strings are their own content, whose low bytes are alike in most words: all bits have to mix
    mixed = (low ^ (low >> _U(32))) * _K1
    mixed ^= (high ^ (high >> _U(29))) * _K2
    mixed ^= mixed >> _U(32)
    mixed *= _K3
    return mixed ^ (mixed >> _U(29))


@helper
def first_slot(low, high, size):
    """Index into ``slots``, an array of that size, where probing starts."""
    return np.int64((hashed(low, high) & _U(size // WORDS - 1)) * _U(4))


@helper
def same(data, at, arena, offset, length):
    """Whether the bytes are those of the arena."""
    for i in range(0, length, 8):
        width = min(length - i, 8)
        if last_bytes(data, at + i, width) != last_bytes(arena, offset + i, width):
            return False
    return True


@helper
def copy(data, at, target, offset, length):
    """Copies bytes one by one."""
    # a slice would count references, which takes longer than copying a short string
    for i in range(length):
        target[offset + i] = data[at + i]


@helper
def put(low, high, data, at, length, count, slots, arena, usage):
    """Adds ``count`` to the string ``data[at : at + length]``, whose content words are ``low`` and ``high``.

    Returns the index of its slot in ``slots``. The slot and its bytes must have space.
    """
    # The caller computes the content words: a function that did both would pass five arrays on, which LLVM
    # does not inline, and counting would take twice as long.
    mask = _U(slots.size // WORDS - 1)
    index = hashed(low, high) & mask
    while True:  # ends: a table is never full
        slot = np.int64(index * _U(4))
        where = slots[slot + 2]
        if where == 0:
            break
        if slots[slot] == low and slots[slot + 1] == high and where & _LENGTH == _U(length):  # noqa: SIM102
            if length <= INLINE or same(data, at, arena, np.int64(where >> _SHIFT), length):
                slots[slot + 3] += _U(count)
                return slot
        index = (index + _U(1)) & mask
    # the length alone makes `where` differ from 0, since no string is empty
    offset = usage[BYTES] if length > INLINE else 0
    if length > INLINE:
        copy(data, at, arena, offset, length)
        usage[BYTES] += (length + 7) // 8 * 8
    slots[slot], slots[slot + 1] = low, high
    slots[slot + 2] = _U(length) | (_U(offset) << _SHIFT)
    slots[slot + 3] = _U(count)
    usage[SLOTS] += 1
    return slot


@helper
def contents_of(data, starts, ends, first, number, slots, contents):
    """Writes the contents of ``number`` non-empty strings from ``first`` on, and prefetches their slots."""
    for i in range(number):
        length = ends[first + i] - starts[first + i]
        if length:
            low, high = content_of(data, starts[first + i], length)
            prefetch(slots, first_slot(low, high, slots.size))
            contents[i, 0], contents[i, 1] = low, high


@kernel
def add_all(data, starts, ends, counts, slots, arena, usage):
    """Adds the counts of the strings ``data[starts[i] : ends[i]]``; empty ones are skipped."""
    contents = np.empty((BATCH, 2), np.uint64)
    for first in range(0, counts.size, BATCH):
        number = min(BATCH, counts.size - first)
        contents_of(data, starts, ends, first, number, slots, contents)
        for i in range(number):
            start, length = starts[first + i], ends[first + i] - starts[first + i]
            if length:
                low, high = contents[i, 0], contents[i, 1]
                put(low, high, data, start, length, counts[first + i], slots, arena, usage)


@kernel
def absorb(other, other_arena, slots, arena, usage):
    """Adds all strings of another table, whose content words are there already."""
    for slot in range(0, other.size, WORDS):
        # the same hash in both tables, so a slot's content words are valid in the other one too
        where = other[slot + 2]
        if where:
            offset, length = np.int64(where >> _SHIFT), np.int64(where & _LENGTH)
            low, high, count = other[slot], other[slot + 1], other[slot + 3]
            put(low, high, other_arena, offset, length, count, slots, arena, usage)


@kernel
def rehash(old, slots):
    """Moves the slots of a table into a larger one; the arena stays as it is."""
    mask = _U(slots.size // WORDS - 1)
    for slot in range(0, old.size, WORDS):
        if old[slot + 2]:
            index = hashed(old[slot], old[slot + 1]) & mask
            while slots[np.int64(index * _U(4)) + 2]:
                index = (index + _U(1)) & mask
            moved = np.int64(index * _U(4))
            for i in range(WORDS):
                slots[moved + i] = old[slot + i]


@kernel
def export(slots, arena, first, data, offsets, counts):
    """Writes out the strings from the slot numbered ``first`` on while there is room.

    data (bytes,), offsets (n + 1,), counts (n,): each is filled as far as it reaches. Returns the slot to
    continue with and the number of strings written.
    """
    # a short string is copied from the slot itself: on little-endian machines its words are its bytes
    inline = slots.view(np.uint8)
    written, end = 0, 0
    slot = first * WORDS
    while slot < slots.size:
        where = slots[slot + 2]
        if where:
            length = np.int64(where & _LENGTH)
            if written == counts.size or end + length > data.size:
                break
            if length <= INLINE:
                copy(inline, slot * 8, data, end, length)
            else:
                copy(arena, np.int64(where >> _SHIFT), data, end, length)
            end += length
            counts[written] = np.int64(slots[slot + 3])
            written += 1
            offsets[written] = end
        slot += WORDS
    return slot // WORDS, written
