"""A random sample of rows: those with the smallest hashed row numbers, whichever thread read them."""

from __future__ import annotations

from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from tokkit.inspection.suggestion.cut_words import mixed
from tokkit.runtime.strings import Strings

# Rows of a split: a share of them is within 1.4 per cent of that of all rows, 19 times of 20.
SIZE = 5000
_LONGEST = 500  # bytes of a text that are stored


class RowSample:
    """The beginnings of texts of at most ``size`` rows of a split, each with the number of its label."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._sampled: list[tuple[int, str, int]] = []
        self._largest = np.uint64(2**64 - 1)

    def add(self, numbers: NDArray[np.int64], texts: Strings, labels: NDArray[np.int32]) -> None:
        """Draws among these rows too; ``numbers`` (rows,) are theirs within the split."""
        # By row number alone: the sample is the same for any number of threads and any size of batches.
        hashes = mixed(numbers.astype(np.uint64))
        for row in np.flatnonzero(hashes <= self._largest).tolist():
            start = texts.starts[row]
            content = texts.data[start : min(texts.ends[row], start + _LONGEST)].tobytes()
            # Bytes are cut, and the last character may be incomplete: it is ignored.
            self._sampled.append((int(hashes[row]), content.decode("utf-8", "ignore"), int(labels[row])))
        # Sorted once per `size` new rows, not once per batch.
        if len(self._sampled) > 2 * self._size:
            self._cut()

    def absorb(self, other: RowSample) -> None:
        """Merge the sample of another thread into this one."""
        self._sampled += other._sampled
        self._cut()

    def renumber(self, numbers: NDArray[np.int32]) -> None:
        """Give the labels other numbers: label i becomes ``numbers[i]``."""
        known = np.append(numbers, -1)
        self._sampled = [(hashed, text, int(known[label])) for hashed, text, label in self._sampled]

    def rows(self) -> list[tuple[str, int]]:
        """Text and label number of each sampled row, in the order of the hashed row numbers."""
        self._cut()
        return [(text, label) for _, text, label in self._sampled]

    def _cut(self) -> None:
        self._sampled = sorted(self._sampled, key=itemgetter(0))[: self._size]
        if len(self._sampled) == self._size:
            self._largest = np.uint64(self._sampled[-1][0])
