"""A column of strings as kernels read it: slices of one array of UTF-8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokkit.runtime import string_kernels
from tokkit.runtime.kernels import PADDING

if TYPE_CHECKING:
    import polars as pl


# Rows up to which a column is built from Python's strings.
_SMALL = 1 << 13


def padded(text: bytes) -> NDArray[np.uint8]:
    """(bytes + padding,) uint8, a copy of the text."""
    data = np.zeros(len(text) + PADDING, np.uint8)
    data[:-PADDING] = np.frombuffer(text, np.uint8)
    return data


@dataclass(frozen=True)
class Strings:
    """Row i is ``data[starts[i] : ends[i]]``; an empty string is a missing one.

    data          (bytes + padding,) uint8, UTF-8
    starts, ends  (rows,) int64
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of_series(cls, series: pl.Series) -> Strings:
        """The strings of a polars column; nulls are empty."""
        import polars as pl

        # filling where nothing is missing takes a while, which thousands of columns make long
        filled = series.fill_null("") if series.null_count() else series
        return cls.of_arrow(filled.to_arrow(compat_level=pl.CompatLevel.oldest()))

    @classmethod
    def of_arrow(cls, array: Any) -> Strings:
        """The strings of a `pyarrow.LargeStringArray` without nulls."""
        _, bounds, content = array.buffers()
        if content is None:
            return cls.of_list([""] * len(array))
        # a slice of a column shares its buffers and begins at `array.offset`
        offsets = np.frombuffer(bounds, np.int64, len(array) + 1, array.offset * 8)
        data = np.zeros(int(offsets[-1] - offsets[0]) + PADDING, np.uint8)
        data[:-PADDING] = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]]
        return cls(data, offsets[:-1] - offsets[0], offsets[1:] - offsets[0])

    @classmethod
    def of_list(cls, strings: list[str]) -> Strings:
        """Python's strings as a column."""
        return cls.of_bytes([string.encode() for string in strings])

    @classmethod
    def of_bytes(cls, strings: Sequence[bytes]) -> Strings:
        """Strings that are UTF-8 already, end to end."""
        offsets = np.zeros(len(strings) + 1, np.int64)
        np.cumsum([len(string) for string in strings], out=offsets[1:])
        # a bytearray, for an array of `bytes` is read-only, and kernels would be compiled for it once more
        data = np.frombuffer(bytearray().join([*strings, bytes(PADDING)]), np.uint8)
        return cls(data, offsets[:-1], offsets[1:])

    @classmethod
    def split(cls, text: bytes, end: int, keep_end: bool = False) -> Strings:
        r"""The strings that a byte ends, as `bytes.split`: with ``keep_end`` it belongs to the one before.

        >>> Strings.split(b"ab\nc", ord("\n"), keep_end=True).to_list()
        ['ab\n', 'c']
        """
        data = padded(text)
        ends = np.flatnonzero(data[: len(text)] == end)
        starts = np.concatenate(([0], ends + 1))
        return cls(data, starts, np.append(ends + keep_end, len(text)))

    @classmethod
    def joined(cls, first: Strings, second: Strings) -> Strings:
        """Both strings of each row as one, as `text_keys.join_pairs` writes them."""
        lengths = first.ends - first.starts
        ends = np.cumsum(lengths + 1 + second.ends - second.starts)
        data = np.zeros(int(ends[-1] if len(ends) else 0) + PADDING, np.uint8)
        starts = np.concatenate(([0], ends[:-1])).astype(np.int64)[: len(ends)]
        string_kernels.lay(first.data, first.starts, first.ends, starts, data)
        string_kernels.lay(second.data, second.starts, second.ends, starts + lengths + 1, data)
        return cls(data, starts, ends)

    def __len__(self) -> int:
        return len(self.starts)

    def __reduce__(self) -> tuple[Any, ...]:
        # pickled with the bytes of its rows alone, since many batches share those of a file
        lengths = self.ends - self.starts
        ends = np.cumsum(lengths)
        data = np.zeros(int(ends[-1] if len(ends) else 0) + PADDING, np.uint8)
        string_kernels.lay(self.data, self.starts, self.ends, ends - lengths, data)
        return Strings, (data, ends - lengths, ends)

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which rows are not missing, (rows,)."""
        present: NDArray[np.bool_] = self.ends > self.starts
        return present

    @property
    def size(self) -> int:
        """Bytes of all rows."""
        return int((self.ends - self.starts).sum())

    def head(self, rows: int) -> Strings:
        """The first rows."""
        return self.take(slice(rows))

    def take(self, rows: Any) -> Strings:
        """The rows of that slice, mask or those numbers."""
        return Strings(self.data, self.starts[rows], self.ends[rows])

    def to_list(self) -> list[str]:
        """The strings as Python has them."""
        joined = self.joined_by_nul()
        # NUL parts the strings, one C loop for all, unless a string holds it itself
        if np.count_nonzero(joined == 0) != len(self) or not len(self):  # one holds a NUL itself
            return [self.text(row) for row in range(len(self))]
        return str(joined[:-1].tobytes(), "utf-8").split("\0")

    def joined_by_nul(self) -> NDArray[np.uint8]:
        """The strings with a NUL after each, uint8."""
        lengths = self.ends - self.starts + 1
        ends = np.cumsum(lengths)
        joined = np.zeros(int(ends[-1]) if len(self) else 0, np.uint8)
        string_kernels.lay(self.data, self.starts, self.ends, ends - lengths, joined)
        return joined

    def series(self) -> pl.Series:
        """The strings as a polars column, null where one is missing."""
        import polars as pl

        if len(self) <= _SMALL:
            return pl.Series([text or None for text in self.to_list()], dtype=pl.String)
        import pyarrow as pa  # 30 MB, which a look at the first rows does without

        offsets = np.concatenate(([0], np.cumsum(self.ends - self.starts, dtype=np.int64)))
        data = np.empty(int(offsets[-1]), np.uint8)
        string_kernels.lay(self.data, self.starts, self.ends, offsets[:-1], data)
        present = np.packbits(self.present, bitorder="little")
        buffers = (pa.py_buffer(offsets), pa.py_buffer(data), pa.py_buffer(present))
        return pl.Series(pa.LargeStringArray.from_buffers(len(self), *buffers))

    def text(self, row: int) -> str:
        """One of the strings."""
        return str(self.data[self.starts[row] : self.ends[row]].tobytes(), "utf-8")
