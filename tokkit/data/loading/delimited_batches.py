"""A delimited file as batches of columns, at reading speed and in little memory.

A kernel cuts whatever is plain; the first record, and every record that is odd, goes through the same code
as in `read_delimited`. The rows and the errors are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tokkit.data.loading.batches import SAMPLE, Batch
from tokkit.errors import InputError
from tokkit.runtime import field_kernels as kernels
from tokkit.runtime.byte_table import PADDING
from tokkit.runtime.strings import Strings
from tokkit.sources import streams
from tokkit.sources.bad_rows import BadRows
from tokkit.sources.delimited import Say, header_of, records_of, string_frame, wrong_width

if TYPE_CHECKING:
    import polars as pl

_LONGEST_WAITING = 1 << 24
"""Bytes of a record that wait for its end before Python's reader is given it."""

_SMALLEST_WINDOW, _LARGEST_WINDOW = 1 << 12, 1 << 30
"""Bytes that are cut at a time: few after an odd record, as another may follow, then more and more."""


class DelimitedFile:
    """Columns of a file; see `BatchedFile`.

    Raises `InputError` as `read_delimited` does: at once for what the first rows tell, else in `batches`.
    """

    nested: frozenset[str] = frozenset()
    known = False

    def __init__(self, path: Path, separator: str, names: Sequence[str], skip_bad: bool, say: Say) -> None:
        self.path = path
        self._separator = separator
        self.say = say
        self._bad = BadRows(path, skip_bad)
        lines = (line for batch in streams.lines(path) for line in batch)
        passing = BadRows(path, skip=True)  # `batches` meets them again, and tells
        self._header = header_of(path, records_of(path, lines, separator, passing), names, say)
        self.names = self._header.names
        columns, whole = self._first_columns(passing)
        if whole or skip_bad:
            self._header.check(path, separator, columns)
        self.sample: pl.DataFrame = string_frame(self.names, columns)

    def _first_columns(self, passing: BadRows) -> tuple[list[list[str | None]], bool]:
        """The first rows by column, and whether all of them could be read."""
        columns: list[list[str | None]] = [[] for _ in self.names]
        try:
            for line, row in islice(self._header.rows, SAMPLE):
                if len(row) != len(self.names):
                    wrong_width(line, row, self.names, self._separator, passing)
                    continue
                for column, value in zip(columns, row, strict=True):
                    column.append(value or None)
        except InputError:
            return columns, False
        return columns, not passing

    def batches(self, chosen: Collection[str] = ()) -> Iterator[Batch]:
        """All rows, a block of the file at a time; says at the end which rows were left out."""
        reader = _Reader(self.path)
        if self._header.is_line:
            next(self._odd(reader), None)
        self._window = _LARGEST_WINDOW
        while reader.fill():
            while (yield from self._cut(reader)):
                pass
        self._bad.tell(self.say)

    def _cut(self, reader: _Reader) -> Generator[Batch, None, bool]:
        """Some rows of what is waiting; whether there may be more in it."""
        text = reader.waiting(self._window)
        at_end = reader.at_end and len(text) == reader.size
        data = np.zeros(len(text) + PADDING, np.uint8)
        data[:-PADDING] = np.frombuffer(text, np.uint8)
        starts, ends = np.empty((2, text.count(b"\n") + 1, len(self.names)), np.int64)
        arrays = (ord(self._separator), self._separator != "\t", at_end)
        rows, at, why = kernels.cut_rows(data, len(text), *arrays, starts, ends)
        if rows:
            columns = zip(starts[:rows].T, ends[:rows].T, strict=True)
            yield Batch([Strings(data, start.copy(), end.copy()) for start, end in columns], at)
        more = len(text) < reader.size
        reader.take(at)
        self._window = min(2 * self._window, _LARGEST_WINDOW)
        if why == kernels.ODD or (at == 0 and len(text) > _LONGEST_WAITING) or (at_end and at < len(text)):
            self._window = _SMALLEST_WINDOW
            for line, record in islice(self._odd(reader), 1):
                if len(record) == len(self.names):
                    yield Batch([Strings.of_list([field]) for field in record], 0)
                else:
                    wrong_width(line, record, self.names, self._separator, self._bad)
            return reader.size > 0
        return more

    def _odd(self, reader: _Reader) -> Iterator[tuple[int, list[str]]]:
        """The records that follow, read by Python."""
        before = reader.lines_taken
        return records_of(self.path, reader.lines(), self._separator, self._bad, before)


class _Reader:
    """The bytes of a text file that are still to be cut."""

    def __init__(self, path: Path) -> None:
        self._blocks = (text for text, _ in streams.text_blocks(path))
        self._next = next(self._blocks, None)
        self._text, self._at = b"", 0
        self.lines_taken = 0

    @property
    def at_end(self) -> bool:
        """Whether what is waiting is all there is."""
        return self._next is None

    def fill(self) -> bool:
        """Takes another block; whether anything is waiting."""
        if self._next is not None:
            self._text = self._text[self._at :] + self._next
            self._at = 0
            self._next = next(self._blocks, None)
        return self._at < len(self._text)

    @property
    def size(self) -> int:
        """Bytes that are waiting."""
        return len(self._text) - self._at

    def waiting(self, most: int) -> bytes:
        return self._text[self._at : self._at + most]

    def take(self, size: int) -> None:
        """So many bytes are done with."""
        self.lines_taken += self._text.count(b"\n", self._at, self._at + size)
        self._at += size

    def lines(self) -> Iterator[str]:
        """The lines that follow, each taken when it is asked for."""
        while True:
            end = self._text.find(b"\n", self._at) + 1
            if not end and self._next is not None:
                self.fill()
                continue
            line = self._text[self._at : end or len(self._text)]
            if not line:
                return
            self.take(len(line))
            yield line.decode()
