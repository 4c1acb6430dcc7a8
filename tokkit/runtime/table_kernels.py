"""A hash table of byte strings with counts, as arrays that kernels work on.

slots   (4 * capacity,) uint64, capacity a power of two. A slot is four words: content, content, where,
        count; ``where`` is length + (offset into the arena << 28), and 0 in an empty slot. Up to 16 bytes
        stand in the slot itself; of longer strings it holds two hashes, and the arena the bytes.
arena   (n,) uint8, every string from a multiple of 8 on
held    (2,) int64: slots in use, bytes of the arena in use

Strings are compared byte by byte, never by hash alone. Every array of bytes that is read must hold eight
bytes more than are asked for.
"""

from __future__ import annotations

import numpy as np

from tokkit.runtime.kernels import kernel, load8, prefetch

SLOTS, BYTES = 0, 1
"""Places in ``held``."""

AT_ONCE = 16
"""Strings whose slots are asked for at a time."""

INLINE = 16
LONGEST = (1 << 28) - 1
"""Bytes of the longest string a table takes."""

_U = np.uint64
_LENGTH = _U(LONGEST)
_SHIFT = _U(28)
_ALL = _U(0xFFFFFFFFFFFFFFFF)
_K1, _K2, _K3 = _U(0x9E3779B97F4A7C15), _U(0xC2B2AE3D27D4EB4F), _U(0xD6E8FEB86659FD93)


@kernel
def last_bytes(data, at, length):
    """1 to 8 bytes as a word, zeros above."""
    return load8(data, at) & (_ALL >> _U(64 - 8 * length))


@kernel
def content_of(data, at, length):
    """The two words that stand for a string: its bytes, or two hashes of them."""
    if length <= 8:
        return last_bytes(data, at, length), _U(0)
    if length <= INLINE:
        return load8(data, at), last_bytes(data, at + 8, length - 8)
    low, high = _U(length), _U(length) * _K2
    for i in range(0, length, 8):
        word = last_bytes(data, at + i, min(length - i, 8))
        low = (low ^ word) * _K1
        low ^= low >> _U(32)
        high = (high + word) * _K3
        high ^= high >> _U(29)
    return low, high


@kernel
def hashed(low, high):
    """Where to look first."""
    mixed = (low ^ (low >> _U(32))) * _K1
    mixed ^= (high ^ (high >> _U(29))) * _K2
    mixed ^= mixed >> _U(32)
    mixed *= _K3
    return mixed ^ (mixed >> _U(29))


@kernel
def first_slot(low, high, size):
    """Where in ``slots``, an array of that size, to look first."""
    return np.int64((hashed(low, high) & _U(size // 4 - 1)) * _U(4))


@kernel
def same(data, at, arena, offset, length):
    """Whether the bytes are those of the arena."""
    for i in range(0, length, 8):
        width = min(length - i, 8)
        if last_bytes(data, at + i, width) != last_bytes(arena, offset + i, width):
            return False
    return True


@kernel
def copy(data, at, target, offset, length):
    """Copies bytes one by one: a slice would count references, which costs more than short copies do."""
    for i in range(length):
        target[offset + i] = data[at + i]


@kernel
def put(low, high, data, at, length, count, slots, arena, held):
    """Adds ``count`` to the string ``data[at : at + length]``, whose content words are ``low`` and ``high``.

    Gives the place of its slot in ``slots``. The slot and its bytes must have room. (One call that makes the
    words too would be half as fast: what hands five arrays on is not inlined.)
    """
    mask = _U(slots.size // 4 - 1)
    place = hashed(low, high) & mask
    while True:
        slot = np.int64(place * _U(4))
        where = slots[slot + 2]
        if where == 0:
            break
        if slots[slot] == low and slots[slot + 1] == high and where & _LENGTH == _U(length):  # noqa: SIM102
            if length <= INLINE or same(data, at, arena, np.int64(where >> _SHIFT), length):
                slots[slot + 3] += _U(count)
                return slot
        place = (place + _U(1)) & mask
    offset = held[BYTES] if length > INLINE else 0
    if length > INLINE:
        copy(data, at, arena, offset, length)
        held[BYTES] += (length + 7) // 8 * 8
    slots[slot], slots[slot + 1] = low, high
    slots[slot + 2] = _U(length) | (_U(offset) << _SHIFT)
    slots[slot + 3] = _U(count)
    held[SLOTS] += 1
    return slot


@kernel
def contents_of(data, starts, ends, first, number, slots, contents):
    """Writes the content of ``number`` strings from ``first`` on, empty ones aside, and asks for their slots.

    Asked for before they are looked at: most of the time would go into waiting for memory.
    """
    for i in range(number):
        length = ends[first + i] - starts[first + i]
        if length:
            low, high = content_of(data, starts[first + i], length)
            prefetch(slots, first_slot(low, high, slots.size))
            contents[i, 0], contents[i, 1] = low, high


@kernel
def add_all(data, starts, ends, counts, slots, arena, held):
    """Adds the counts of the strings ``data[starts[i] : ends[i]]``, empty ones aside."""
    contents = np.empty((AT_ONCE, 2), np.uint64)
    for first in range(0, counts.size, AT_ONCE):
        number = min(AT_ONCE, counts.size - first)
        contents_of(data, starts, ends, first, number, slots, contents)
        for i in range(number):
            start, length = starts[first + i], ends[first + i] - starts[first + i]
            if length:
                low, high = contents[i, 0], contents[i, 1]
                put(low, high, data, start, length, counts[first + i], slots, arena, held)


@kernel
def absorb(other, other_arena, slots, arena, held):
    """Adds all strings of another table, whose words need not be made again."""
    for slot in range(0, other.size, 4):
        where = other[slot + 2]
        if where:
            offset, length = np.int64(where >> _SHIFT), np.int64(where & _LENGTH)
            put(
                other[slot], other[slot + 1], other_arena, offset, length, other[slot + 3], slots, arena, held
            )


@kernel
def rehash(old, slots):
    """Moves the slots of a table into a larger one; the arena stays as it is."""
    mask = _U(slots.size // 4 - 1)
    for slot in range(0, old.size, 4):
        if old[slot + 2]:
            place = hashed(old[slot], old[slot + 1]) & mask
            while slots[np.int64(place * _U(4)) + 2]:
                place = (place + _U(1)) & mask
            moved = np.int64(place * _U(4))
            for i in range(4):
                slots[moved + i] = old[slot + i]


@kernel
def export(slots, arena, first, data, offsets, counts):
    """Writes out the strings from the slot numbered ``first`` on while there is room.

    data (bytes,), offsets (n + 1,), counts (n,): each is filled as far as it goes. Gives the slot to go on
    with and the number of strings written.
    """
    inline = slots.view(np.uint8)
    written, end = 0, 0
    slot = first * 4
    while slot < slots.size:
        where = slots[slot + 2]
        if where:
            length = np.int64(where & _LENGTH)
            if written == counts.size or end + length > data.size:
                break
            if length <= INLINE:
                copy(inline, slot * 8, data, end, length)
            else:
                offset = np.int64(where >> _SHIFT)
                copy(arena, offset, data, end, length)
            end += length
            counts[written] = np.int64(slots[slot + 3])
            written += 1
            offsets[written] = end
        slot += 4
    return slot // 4, written
