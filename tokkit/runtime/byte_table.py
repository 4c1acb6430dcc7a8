"""Counts of distinct byte strings in a hash table: text goes in through kernels, columns come out."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.runtime import table_kernels as kernels
from tokkit.runtime.kernels import PADDING
from tokkit.runtime.strings import Strings

_SMALLEST = 1 << 12
_HAS_PRIVATE = hasattr(mmap, "MAP_PRIVATE")  # not on Windows
_HUGE: int | None = getattr(mmap, "MADV_HUGEPAGE", None)  # only on Linux
# From here on, the unused end of the last huge page (2 MB) is a small share.
_LARGE = 16 << 20
_MAX_LOAD = 5 / 8
# Strings that space is reserved for at a time: most of them are in the table already, so space for all
# would be far too much.
_BATCH = 1 << 13


@dataclass(frozen=True)
class StringCounts:
    """Strings, end to end in one array of UTF-8, and the count of each, (n,) int64."""

    strings: Strings
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, strings: Sequence[bytes], counts: Sequence[int]) -> StringCounts:
        """Python's strings as columns."""
        return cls(Strings.of_bytes(strings), np.array(counts, np.int64))

    def __len__(self) -> int:
        return len(self.counts)

    def to_bytes(self, rows: Any = slice(None)) -> list[bytes]:
        """The strings (of some rows) as Python has them."""
        data = self.strings.data.tobytes()
        bounds = zip(self.strings.starts[rows].tolist(), self.strings.ends[rows].tolist(), strict=True)
        return [data[start:end] for start, end in bounds]


def zeros(size: int, dtype: type) -> NDArray[Any]:
    """An array of zeros whose memory returns to the system as soon as it is dropped.

    The allocator of the C library would keep freed arrays of up to 32 MB in the process. Large arrays are in
    huge pages where the system has them: random accesses to small ones mostly miss the address cache (TLB).
    """
    length = max(1, size * np.dtype(dtype).itemsize)
    if not _HAS_PRIVATE:
        return np.frombuffer(mmap.mmap(-1, length), dtype, size)
    # Memory that is shared with child processes, the default, has no huge pages.
    memory = mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if _HUGE is not None and length >= _LARGE:
        with suppress(OSError):  # a kernel without them
            memory.madvise(_HUGE)
    return np.frombuffer(memory, dtype, size)


class ByteTable:
    """Counts of distinct byte strings; grows as it fills.

    Kernels add to ``slots``, ``arena`` and ``usage`` (see `table_kernels`) as long as `reserve` has made
    space for it. Not locked: each thread fills a table of its own.
    """

    def __init__(self) -> None:
        self.slots = zeros(kernels.WORDS * _SMALLEST, np.uint64)
        self.arena = zeros(8 * _SMALLEST, np.uint8)
        self.usage = np.zeros(2, np.int64)

    def __len__(self) -> int:
        return int(self.usage[kernels.SLOTS])

    @property
    def capacity(self) -> int:
        """Slots, used and empty."""
        return len(self.slots) // kernels.WORDS

    @property
    def limit(self) -> int:
        """Strings that fit before the table has to grow."""
        return int(self.capacity * _MAX_LOAD)

    @property
    def nbytes(self) -> int:
        """Memory that the table takes, in bytes."""
        return self.slots.nbytes + self.arena.nbytes

    def reserve(self, strings: int, size: int) -> None:
        """Grow until ``strings`` more strings, of ``size`` bytes in all, fit."""
        needed = len(self) + strings
        if needed > self.limit:
            capacity = self.capacity
            # doubling: the capacity is a power of two, so that a mask replaces the division by it
            while needed > capacity * _MAX_LOAD:
                capacity *= 2
            old, self.slots = self.slots, zeros(kernels.WORDS * capacity, np.uint64)
            kernels.rehash(old, self.slots)
        used = int(self.usage[kernels.BYTES])
        # up to 16 bytes are in the slot; longer strings take a multiple of 8, at most half as much again;
        # kernels look up to BATCH strings ahead before they check again
        rounded = size + size // 2 + 8 * kernels.BATCH + PADDING
        if used + rounded > len(self.arena):
            arena = zeros(max(2 * len(self.arena), used + rounded), np.uint8)
            arena[:used] = self.arena[:used]
            self.arena = arena

    def add(self, added: StringCounts) -> None:
        """Add to the counts of strings; empty ones are skipped."""
        self.add_rows(added.strings, added.counts)

    def add_rows(self, strings: Strings, counts: NDArray[np.int64]) -> None:
        """The same for strings that may lie anywhere in their array."""
        for first in range(0, len(counts), _BATCH):
            batch = strings.take(slice(first, first + _BATCH))
            self.reserve(len(batch), batch.size)
            some = counts[first : first + _BATCH]
            kernels.add_all(batch.data, batch.starts, batch.ends, some, self.slots, self.arena, self.usage)

    def absorb(self, other: ByteTable) -> None:
        """Add all counts of another table, which is left in an undefined state."""
        if len(other) > len(self):  # the smaller one is added to the larger
            self.slots, other.slots = other.slots, self.slots
            self.arena, other.arena = other.arena, self.arena
            self.usage, other.usage = other.usage, self.usage
        self.reserve(len(other), int(other.usage[kernels.BYTES]))
        kernels.absorb(other.slots, other.arena, self.slots, self.arena, self.usage)

    def clear(self) -> None:
        """Remove all strings and keep the memory, except what a few very long strings took."""
        if self.arena.nbytes > self.slots.nbytes:
            self.arena = zeros(self.slots.nbytes, np.uint8)
        self.slots[:] = 0
        self.usage[:] = 0

    def total(self) -> int:
        """Sum of all counts."""
        return int(self.slots[3 :: kernels.WORDS].sum())

    def size(self) -> int:
        """Bytes of all strings."""
        return int((self.slots[2 :: kernels.WORDS] & np.uint64(kernels.LONGEST)).sum())

    def columns(self) -> StringCounts:
        """All strings with their counts, in no particular order."""
        data = zeros(self.size() + PADDING, np.uint8)
        offsets = zeros(len(self) + 1, np.int64)
        counts = zeros(len(self), np.int64)
        kernels.export(self.slots, self.arena, 0, data, offsets, counts)
        return StringCounts(Strings(data, offsets[:-1], offsets[1:]), counts)

    def batches(self, strings: int = 1 << 14, size: int = 1 << 19) -> Iterator[StringCounts]:
        """All of it, at most ``strings`` strings and ``size`` bytes at a time; longer ones come alone."""
        first = 0
        while first < self.capacity:
            data = np.zeros(size + PADDING, np.uint8)
            offsets = np.zeros(strings + 1, np.int64)
            counts = np.empty(strings, np.int64)
            first, written = kernels.export(self.slots, self.arena, first, data[:-PADDING], offsets, counts)
            if written:
                yield StringCounts(
                    Strings(data, offsets[:written], offsets[1 : written + 1]), counts[:written]
                )
            elif first < self.capacity:
                size = 2 * size
