"""Every distinct string with its rows and labels, exact in bounded memory: what does not fit goes to files.

Sums are additive: a full table is written to files, each for a part of all strings by their hash, and what
the files say of a part is added up later, a part at a time.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.inspection.statistics import distinct_kernels as kernels
from tokkit.inspection.statistics.string_blocks import Block, blocks
from tokkit.inspection.statistics.totals import Duplicates
from tokkit.runtime.byte_table import PADDING, ByteTable, StringCounts, zeros
from tokkit.runtime.strings import Strings
from tokkit.runtime.table_kernels import BATCH, BYTES, LONGEST

BUDGET = 24 << 20  # bytes of a table beyond which it is written to files
PARTS, _PART_BITS = 64, 6
_AT_ONCE = 1 << 13  # rows

# Bytes that a table numbers with a dict: less time than compiling or loading the kernels takes.
PYTHON_BYTES = 2 << 20
_PYTHON_OVERHEAD = 64  # bytes that a row counts for besides its string: an entry of the dict takes as much


class DistinctStrings:
    """Rows per split and the label of each distinct string; empty strings are passed over.

    rows    (n, splits) int64, by the number of the string
    labels  (n, splits) int32: a number, `distinct_kernels.NONE` or `distinct_kernels.SEVERAL`

    Each thread has one of its own; `finished` adds up those of all.

    python_bytes   bytes of strings, over all calls, that a dict numbers before the kernels are used
    """

    def __init__(
        self,
        splits: int,
        folder: Path,
        budget: int = BUDGET,
        depth: int = 0,
        python_bytes: int = PYTHON_BYTES,
    ) -> None:
        self.splits, self.folder, self.budget, self.depth = splits, folder, budget, depth
        self.files: dict[int, Path] = {}
        self._python_bytes = python_bytes
        # Empty as soon as the kernels are used: its strings are in the table then, with the same numbers.
        self._numbers: dict[bytes, int] = {}
        self._empty()

    def __len__(self) -> int:
        return len(self._numbers) or len(self._table)

    @property
    def rows(self) -> NDArray[np.int64]:
        return self._rows[: len(self)]

    @property
    def labels(self) -> NDArray[np.int32]:
        return self._labels[: len(self)]

    def add(self, strings: Strings, split: int, labels: NDArray[np.int32] | None = None) -> None:
        """Adds a row of a split for each string; ``labels`` (rows,) are numbers, or `NONE`."""
        if labels is None:
            labels = np.full(len(strings), kernels.NONE, np.int32)
        for some, numbers in self._numbered(strings):
            present = numbers >= 0
            np.add.at(self._rows[:, split], numbers[present], 1)
            _join_labels(self._labels[:, split], numbers[present], labels[some][present])

    def numbers(self, strings: Strings) -> NDArray[np.int32]:
        """The number of each string, (rows,), from 0 in the order they came; -1 of an empty one.

        For a table that is never full: numbers begin anew when it is written to files.
        """
        return np.concatenate([np.empty(0, np.int32), *(some for _, some in self._numbered(strings))])

    def add_sums(self, strings: Strings, rows: NDArray[np.int64], labels: NDArray[np.int32]) -> None:
        """Adds what another table says of the strings."""
        for some, numbers in self._numbered(strings):
            for split in range(self.splits):
                np.add.at(self._rows[:, split], numbers, rows[some, split])
                _join_labels(self._labels[:, split], numbers, labels[some, split])

    def strings(self) -> tuple[Strings, NDArray[np.int32]]:
        """All strings, in no particular order, and the number of each."""
        if self._numbers:
            counts = StringCounts.of(list(self._numbers), [0] * len(self))
            return counts.strings, np.arange(len(self), dtype=np.int32)
        return next(self._in_parts(1))[1:]

    def spill(self) -> None:
        """Writes everything to the files of its parts, and is empty."""
        self._leave_dict()
        for part, strings, numbers in self._in_parts(PARTS):
            if len(numbers):
                lengths = (strings.ends - strings.starts).astype(np.int32)
                content = strings.data[strings.starts[0] : strings.ends[-1]]
                with self._file_of(part) as file:
                    Block(lengths, self._rows[numbers], self._labels[numbers], content).write(file)
        self._empty()

    def add_file(self, path: Path) -> None:
        """Add the content of a file that `spill` wrote."""
        with path.open("rb") as file:
            for block in blocks(file, self.splits):
                self.add_sums(block.strings(), block.rows, block.labels)

    def contents(self) -> dict[int, bytes]:
        """Everything by part, for `add_contents` in another process; this table is empty then."""
        self.spill()
        contents = {part: path.read_bytes() for part, path in self.files.items()}
        for path in self.files.values():
            path.unlink()
        self.files = {}
        return contents

    def add_contents(self, contents: Mapping[int, bytes], numbers: NDArray[np.int32]) -> None:
        """Add to the files the `contents` of another table, whose label i is ``numbers[i]`` here."""
        for part, content in contents.items():
            with self._file_of(part) as file:
                for block in blocks(io.BytesIO(content), self.splits):
                    labels = block.labels.copy()
                    labelled = labels >= 0
                    labels[labelled] = numbers[labels[labelled]]
                    replace(block, labels=labels).write(file)

    def _file_of(self, part: int) -> IO[bytes]:
        """The file of a part, to add to."""
        if part not in self.files:
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as new:
                self.files[part] = Path(new.name)
        return self.files[part].open("ab")

    def _empty(self) -> None:
        self._table = ByteTable()
        self._rows = zeros(0, np.int64).reshape(0, self.splits)
        self._labels = zeros(0, np.int32).reshape(0, self.splits)

    def _numbered(self, strings: Strings) -> Iterator[tuple[slice, NDArray[np.int32]]]:
        """Some rows at a time, and the number of the string of each, whose sums there is room for."""
        for first in range(0, len(strings), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            batch = strings.take(some)
            if (batch.ends - batch.starts).max(initial=0) > LONGEST:
                raise InputError(
                    f"a text of more than {LONGEST + 1} bytes cannot be compared with others",
                    hint="cut it into parts",
                )
            # Between batches only: a spill empties the table, and numbers of the batch would be invalid.
            if self._nbytes > self.budget:
                self.spill()
            size = batch.size + _PYTHON_OVERHEAD * len(batch)
            if size <= self._python_bytes:
                self._python_bytes -= size
                numbers = self._numbers_of_dict(batch)
            else:
                self._leave_dict()
                numbers = self._numbers_of_table(batch)
            if len(self) > len(self._rows):
                size = max(2 * len(self), self._table.limit)
                self._rows = _grown(self._rows, size, 0)
                self._labels = _grown(self._labels, size, kernels.NONE)
            yield some, numbers

    def _numbers_of_dict(self, strings: Strings) -> NDArray[np.int32]:
        data, known = strings.data.data, self._numbers
        bounds = zip(strings.starts.tolist(), strings.ends.tolist(), strict=True)
        return np.array(
            [known.setdefault(bytes(data[a:b]), len(known)) if b > a else -1 for a, b in bounds], np.int32
        )

    def _leave_dict(self) -> None:
        """Move all strings to the table, with the numbers they have."""
        known, self._numbers, self._python_bytes = list(self._numbers), {}, 0
        if known:
            self._numbers_of_table(StringCounts.of(known, [0] * len(known)).strings)

    def _numbers_of_table(self, strings: Strings) -> NDArray[np.int32]:
        table = self._table
        table.reserve(len(strings), strings.size)
        numbers = np.empty(len(strings), np.int32)
        columns = strings.data, strings.starts, strings.ends
        buffer = np.empty((BATCH, 2), np.uint64)
        kernels.number_all(*columns, table.slots, table.arena, table.usage, buffer, numbers)
        return numbers

    @property
    def _nbytes(self) -> int:
        """Bytes in use: what was made room for and not yet written to takes none."""
        # 8 bytes of rows and 4 of a label per split.
        sums = len(self) * self.splits * 12
        return self._table.slots.nbytes + int(self._table.usage[BYTES]) + sums

    def _in_parts(self, parts: int) -> Iterator[tuple[int, Strings, NDArray[np.int32]]]:
        # The first table takes the highest 6 bits of the hash; within its parts these are equal, so that a
        # table of a part takes the next 6.
        shift = 64 - _PART_BITS * (self.depth + 1)
        sizes = np.zeros((2, parts), np.int64)
        if parts == 1:
            sizes[:, 0] = len(self), self._table.size()
        else:
            kernels.sizes_by_part(self._table.slots, shift, parts, *sizes)
        ends = np.cumsum(sizes, axis=1)
        begins = ends - sizes
        data = zeros(int(ends[1, -1]) + PADDING, np.uint8)
        lengths, numbers = np.empty((2, len(self)), np.int32)
        slots, arena = self._table.slots, self._table.arena
        next_string, next_byte = begins.copy()
        inline = slots.view(np.uint8)
        kernels.write_parts(
            slots, inline, arena, shift, parts, next_string, next_byte, data, lengths, numbers
        )
        string_ends = np.cumsum(lengths, dtype=np.int64)
        everything = Strings(data, string_ends - lengths, string_ends)
        for part in range(parts):
            some = slice(int(begins[0, part]), int(ends[0, part]))
            yield part, everything.take(some), numbers[some]


def finished(tables: Sequence[DistinctStrings]) -> Iterator[DistinctStrings]:
    """The sums of all tables: one table where they fit, else a table a part, one at a time."""
    for part in parts_of(tables):
        yield from part.sums()


@dataclass(frozen=True)
class Part:
    """Tables, or the files of a part, that are to be added up."""

    tables: Sequence[DistinctStrings]
    files: Sequence[Path] = ()

    def sums(self) -> Iterator[DistinctStrings]:
        """Adds up, and gives the sums: several tables where even a part does not fit."""
        total, *others = self.tables
        if self.files:
            total, others = DistinctStrings(total.splits, total.folder, total.budget, total.depth + 1), []
        for other in others:
            strings, numbers = other.strings()
            total.add_sums(strings, other.rows[numbers], other.labels[numbers])
        for path in self.files:
            total.add_file(path)
            path.unlink()
        # What was added may have been too much for one table.
        yield from finished([total]) if total.files else [total]


def parts_of(tables: Sequence[DistinctStrings]) -> list[Part]:
    """What is to be added up, in parts that threads may take one by one."""
    if not any(table.files for table in tables):
        return [Part(tables)]
    # A string may be in the files of one table and in the memory of another: all have to be in files.
    for table in tables:
        table.spill()
    return [
        Part(tables[:1], [table.files[part] for table in tables if part in table.files])
        for part in range(PARTS)
        if any(part in table.files for table in tables)
    ]


def _grown(sums: NDArray[Any], size: int, value: int) -> NDArray[Any]:
    grown: NDArray[Any] = zeros(size * sums.shape[1], sums.dtype.type).reshape(size, sums.shape[1])
    grown[: len(sums)] = sums
    grown[len(sums) :] = value
    return grown


def _join_labels(labels: NDArray[np.int32], numbers: NDArray[np.int32], others: NDArray[np.int32]) -> None:
    """Join the label of each row, ``others`` (rows,), to that of its string in ``labels``, in place.

    What two labels of one string make is commutative and associative, so that the order of threads does not
    matter: (joy, NONE) is joy, (joy, anger) is SEVERAL, and (SEVERAL, joy) stays SEVERAL.
    """
    labelled = others != kernels.NONE
    numbers, others = numbers[labelled], others[labelled]
    first = labels[numbers] == kernels.NONE
    # of several rows of one new string, any may win here: the next line finds those that differ from it
    labels[numbers[first]] = others[first]
    labels[numbers[labels[numbers] != others]] = kernels.SEVERAL


def tally(table: DistinctStrings, duplicates: Duplicates) -> NDArray[np.int32]:
    """Add the figures of duplicates in a table to the sums; the label of each string in all splits, (n,)."""
    rows, labels = table.rows, table.labels
    duplicates.distinct[...] += np.count_nonzero(rows, axis=0)
    duplicates.conflicts[:-1] += np.count_nonzero(labels == kernels.SEVERAL, axis=0)
    # A text with one label in each split still conflicts if these labels differ.
    overall: NDArray[np.int32] = labels[:, 0].copy()
    for split in range(1, table.splits):
        other = labels[:, split]
        differing = (overall != other) & (overall != kernels.NONE) & (other != kernels.NONE)
        overall = np.where(differing, kernels.SEVERAL, np.where(overall == kernels.NONE, other, overall))
        for first in range(split):
            duplicates.shared[first, split] += rows[rows[:, first] > 0, split].sum()
    duplicates.conflicts[-1] += np.count_nonzero(overall == kernels.SEVERAL)
    return overall
