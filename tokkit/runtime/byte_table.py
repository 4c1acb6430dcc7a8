"""A table of byte strings and their counts: text goes in through kernels, columns come out."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.runtime import table_kernels as kernels

PADDING = 16
"""Bytes that follow the text in every array that a kernel reads."""

_SMALLEST = 1 << 12
_FULLEST = 5 / 8
_AT_ONCE = 1 << 13
"""Strings that room is made for at a time: most are there already."""


@dataclass(frozen=True)
class Pieces:
    """Strings with counts, as columns.

    data     (bytes + padding,) uint8, the strings end to end as UTF-8
    offsets  (n + 1,) int64, string i is ``data[offsets[i] : offsets[i + 1]]``
    counts   (n,) int64
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.counts)

    def strings(self) -> list[bytes]:
        """The strings as Python has them, for few."""
        data, bounds = self.data.tobytes(), self.offsets.tolist()
        return [data[start:end] for start, end in pairwise(bounds)]


def pieces_of(strings: Sequence[bytes], counts: Sequence[int]) -> Pieces:
    """Python's strings as columns."""
    offsets = np.zeros(len(strings) + 1, np.int64)
    np.cumsum([len(string) for string in strings], out=offsets[1:])
    data = np.zeros(int(offsets[-1]) + PADDING, np.uint8)
    data[: int(offsets[-1])] = np.frombuffer(b"".join(strings), np.uint8)
    return Pieces(data, offsets, np.array(counts, np.int64))


def zeros(size: int, dtype: type) -> NDArray[Any]:
    """An array of zeros whose memory goes back to the system the moment it is dropped.

    What the allocator of the C library gives back stays with the process, up to 32 MB each time.
    """
    return np.frombuffer(mmap.mmap(-1, max(1, size * np.dtype(dtype).itemsize)), dtype, size)


class ByteTable:
    """Counts of distinct byte strings; grows as it fills.

    Kernels add to ``slots``, ``arena`` and ``held`` (see `table_kernels`) as long as `room` says that they
    may; each thread has a table of its own.
    """

    def __init__(self) -> None:
        self.slots = zeros(4 * _SMALLEST, np.uint64)
        self.arena = zeros(8 * _SMALLEST, np.uint8)
        self.held = np.zeros(2, np.int64)

    def __len__(self) -> int:
        return int(self.held[kernels.SLOTS])

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes."""
        return self.slots.nbytes + self.arena.nbytes

    @property
    def limit(self) -> int:
        """Strings it may hold before it has to grow."""
        return int(len(self.slots) // 4 * _FULLEST)

    def make_room(self, strings: int, size: int) -> None:
        """Grows until that many further strings, of that many bytes in all, fit."""
        needed = len(self) + strings
        if needed > self.limit:
            capacity = len(self.slots) // 4
            while needed > capacity * _FULLEST:
                capacity *= 2
            old, self.slots = self.slots, zeros(4 * capacity, np.uint64)
            kernels.rehash(old, self.slots)
        used = int(self.held[kernels.BYTES])
        # 16 bytes are held in the slot, longer strings to multiples of 8; kernels look a few strings ahead
        rounded = size + size // 2 + 8 * kernels.AT_ONCE + PADDING
        if used + rounded > len(self.arena):
            arena = zeros(max(2 * len(self.arena), used + rounded), np.uint8)
            arena[:used] = self.arena[:used]
            self.arena = arena

    def add_all(self, strings: Sequence[bytes], counts: Sequence[int]) -> None:
        """Adds to the counts of strings; an empty string is passed over."""
        self.add(pieces_of(strings, counts))

    def add(self, pieces: Pieces) -> None:
        """Adds the counts of every piece."""
        self.add_slices(pieces.data, pieces.offsets[:-1], pieces.offsets[1:], pieces.counts)

    def add_slices(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> None:
        """Adds the counts of the strings ``data[start:end]``; ``data`` is padded."""
        for first in range(0, len(counts), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            self.make_room(len(counts[some]), int((ends[some] - starts[some]).sum()))
            kernels.add_all(data, starts[some], ends[some], counts[some], self.slots, self.arena, self.held)

    def absorb(self, other: ByteTable) -> None:
        """Adds every count of another table."""
        if len(other) > len(self):
            self.slots, other.slots = other.slots, self.slots
            self.arena, other.arena = other.arena, self.arena
            self.held, other.held = other.held, self.held
        self.make_room(len(other), int(other.held[kernels.BYTES]))
        kernels.absorb(other.slots, other.arena, self.slots, self.arena, self.held)

    def clear(self) -> None:
        """Forgets everything and keeps the memory, but for what a few very long strings took."""
        if self.arena.nbytes > self.slots.nbytes:
            self.arena = zeros(self.slots.nbytes, np.uint8)
        self.slots[:] = 0
        self.held[:] = 0

    def total(self) -> int:
        """Sum of all counts."""
        return int(self.slots[3::4].sum())

    def size(self) -> int:
        """Bytes of all strings."""
        return int((self.slots[2::4] & np.uint64(kernels.LONGEST)).sum())

    def pieces(self) -> Pieces:
        """Everything in it, in no particular order."""
        size = self.size()
        data = np.zeros(size + PADDING, np.uint8)
        offsets = np.zeros(len(self) + 1, np.int64)
        counts = np.empty(len(self), np.int64)
        kernels.export(self.slots, self.arena, 0, data, offsets, counts)
        return Pieces(data, offsets, counts)

    def batches(self, strings: int = 1 << 14, size: int = 1 << 19) -> Iterator[Pieces]:
        """Everything in it, that many strings and bytes at a time (a longer string stands alone)."""
        first, capacity = 0, len(self.slots) // 4
        while first < capacity:
            data = np.zeros(size + PADDING, np.uint8)
            offsets = np.zeros(strings + 1, np.int64)
            counts = np.empty(strings, np.int64)
            first, written = kernels.export(self.slots, self.arena, first, data[:-PADDING], offsets, counts)
            if written:
                yield Pieces(data, offsets[: written + 1], counts[:written])
            elif first < capacity:
                size = 2 * size
