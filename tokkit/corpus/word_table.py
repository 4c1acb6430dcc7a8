"""Counts of distinct words in bounded memory: a full table is written to the disk, as a run of `parts`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit import files
from tokkit.runtime.byte_table import ByteTable, StringCounts
from tokkit.runtime.kernels import PADDING
from tokkit.runtime.strings import Strings

# bytes of a table of words by default, and at least: smaller runs would be too many
MEMORY, LEAST_MEMORY = 2 << 30, 16 << 20


class WordTable:
    """A `ByteTable` that takes at most ``memory`` bytes, about; not locked.

    Runs are in a temporary folder, which `close` removes.
    """

    def __init__(self, memory: int | None = None) -> None:
        self._most = max(LEAST_MEMORY, memory or MEMORY)
        self._table = ByteTable()
        self._folder: Path | None = None
        self._stack = ExitStack()
        self._runs: list[Path] = []

    def __len__(self) -> int:
        """Distinct words that are in memory."""
        return len(self._table)

    def add(self, added: StringCounts) -> None:
        """Add to the counts of words."""
        self.add_rows(added.strings, added.counts)

    def add_rows(self, strings: Strings, counts: NDArray[np.int64]) -> None:
        """The same for words that may lie anywhere in their array."""
        self._table.add_rows(strings, counts)
        # growing doubles the table, and for a moment the old one is there too
        if 2 * self._table.nbytes > self._most:
            self._spill()
            self._table.clear()

    def columns(self) -> StringCounts:
        """All words with their counts, in no particular order. Raises OSError."""
        if not self._runs:
            return self._table.columns()
        self._spill()
        self._table = ByteTable()
        return _joined(list(self._sums()))

    def close(self) -> None:
        """Remove what is on the disk."""
        self._stack.close()

    def _spill(self) -> None:
        from tokkit.corpus import parts  # pyarrow, which a table that fits does without

        self._folder = self._folder or self._stack.enter_context(files.temporary_folder("words"))
        self._runs.append(self._folder / f"{len(self._runs):05}.parquet")
        parts.write_run(self._runs[-1], self._table.columns(), lambda: False)

    def _sums(self) -> Iterator[StringCounts]:
        """The words of one partition after the other: each has all occurrences of its words."""
        from tokkit.corpus import parts

        for partition in range(parts.PARTITIONS):
            table = ByteTable()
            for run in self._runs:
                for batch in parts.batches(run, [partition]):
                    table.add(batch)
            yield table.columns()


def _joined(columns: list[StringCounts]) -> StringCounts:
    sizes = [int(some.strings.size) for some in columns]
    before = np.cumsum([0, *sizes])
    data = np.zeros(int(before[-1]) + PADDING, np.uint8)
    for some, start, size in zip(columns, before, sizes, strict=False):
        data[start : start + size] = some.strings.data[:size]
    starts = np.concatenate(
        [some.strings.starts + start for some, start in zip(columns, before, strict=False)]
    )
    ends = np.concatenate([some.strings.ends + start for some, start in zip(columns, before, strict=False)])
    return StringCounts(Strings(data, starts, ends), np.concatenate([some.counts for some in columns]))
