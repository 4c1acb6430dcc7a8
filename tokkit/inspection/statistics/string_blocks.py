"""Distinct strings in files: blocks that follow each other, each read alone.

A block is the number n of strings and their bytes (int64), lengths, rows, labels, and the bytes end to end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tokkit.runtime.byte_table import PADDING
from tokkit.runtime.strings import Strings


@dataclass(frozen=True)
class Block:
    """Some strings and what a table says of them.

    lengths  (n,) int32, in bytes
    rows     (n, splits) int64
    labels   (n, splits) int32
    data     (bytes,) uint8
    """

    lengths: NDArray[np.int32]
    rows: NDArray[np.int64]
    labels: NDArray[np.int32]
    data: NDArray[np.uint8]

    def write(self, file: IO[bytes]) -> None:
        size = np.array([len(self.lengths), len(self.data)], np.int64)
        for array in (size, self.lengths, self.rows, self.labels, self.data):
            file.write(array.tobytes())

    def strings(self) -> Strings:
        ends = np.cumsum(self.lengths, dtype=np.int64)
        data = np.zeros(len(self.data) + PADDING, np.uint8)
        data[:-PADDING] = self.data
        return Strings(data, ends - self.lengths, ends)


def blocks(file: IO[bytes], splits: int) -> Iterator[Block]:
    """The blocks of a file, one at a time."""
    while header := file.read(16):
        n, size = np.frombuffer(header, np.int64).tolist()
        yield Block(
            lengths=_read(file, n, np.int32),
            rows=_read(file, n * splits, np.int64).reshape(n, splits),
            labels=_read(file, n * splits, np.int32).reshape(n, splits),
            data=_read(file, size, np.uint8),
        )


def _read(file: IO[bytes], n: int, dtype: type) -> NDArray[Any]:
    return np.frombuffer(file.read(n * np.dtype(dtype).itemsize), dtype)
