"""Lengths as a histogram per label: exact means, quantiles and truncated shares of any number of rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tokkit.inspection.statistics.lengths import Histogram

_BITS = 40
_LENGTH = (1 << _BITS) - 1
_MOST_WAITING = 1 << 17  # lengths that wait before they are counted


class LabelledLengths:
    """Counts rows by label and length; additive, small whatever the number of rows."""

    def __init__(self) -> None:
        self._keys = np.empty(0, np.int64)
        self._rows = np.empty(0, np.int64)
        self._waiting: list[NDArray[np.int64]] = []

    @classmethod
    def of_lists(cls, keys: Sequence[int], rows: Sequence[int]) -> LabelledLengths:
        """What `as_lists` gave."""
        lengths = cls()
        lengths._keys, lengths._rows = np.array(keys, np.int64), np.array(rows, np.int64)
        return lengths

    def as_lists(self) -> tuple[list[int], list[int]]:
        """Labels and lengths in one number each, sorted, and their rows; for `of_lists`."""
        self._count()
        return self._keys.tolist(), self._rows.tolist()

    def add(self, lengths: NDArray[np.int64], labels: NDArray[np.int32]) -> None:
        """Adds rows; labels (rows,) are numbers from -1, which is no label."""
        # Label and length in one key, so that one sort counts both: label 2, length 7 is 3 * 2^40 + 7.
        self._waiting.append((labels.astype(np.int64) + 1) << _BITS | lengths)
        if sum(map(len, self._waiting)) >= _MOST_WAITING:
            self._count()

    def absorb(self, other: LabelledLengths) -> None:
        """Adds all rows of another histogram."""
        other._count()
        self._merge(other._keys, other._rows)

    def renumber(self, numbers: NDArray[np.int32]) -> None:
        """Give the labels other numbers: label i becomes ``numbers[i]``."""
        self._count()
        # the last element is that of no label, whose index is -1
        labels = np.append(numbers, -1)[(self._keys >> _BITS) - 1].astype(np.int64)
        self._keys, self._rows = _sums((labels + 1) << _BITS | self._keys & _LENGTH, self._rows)

    def all(self) -> Histogram:
        """The lengths of all rows."""
        self._count()
        return Histogram(*_sums(self._keys & _LENGTH, self._rows))

    def by_label(self, wanted: Collection[int]) -> dict[int, Histogram]:
        """Number of each label that is wanted -> lengths of its rows."""
        self._count()
        labels = (self._keys >> _BITS) - 1
        # No label is -2, so that the first and the last index are bounds too.
        bounds = np.flatnonzero(np.diff(labels, prepend=-2, append=-2))
        return {
            label: Histogram(self._keys[start:end] & _LENGTH, self._rows[start:end])
            for label, (start, end) in zip(
                labels[bounds[:-1]].tolist(), pairwise(bounds.tolist()), strict=True
            )
            if label in wanted
        }

    def of_others(self, wanted: Collection[int]) -> Histogram:
        """The lengths of all rows with another label than those wanted."""
        self._count()
        labels = (self._keys >> _BITS) - 1
        others = (labels >= 0) & ~np.isin(labels, list(wanted))
        return Histogram(*_sums(self._keys[others] & _LENGTH, self._rows[others]))

    def _count(self) -> None:
        if self._waiting:
            self._merge(*np.unique(np.concatenate(self._waiting), return_counts=True))
            self._waiting = []

    def _merge(self, keys: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        self._keys, self._rows = _sums(np.concatenate((self._keys, keys)), np.concatenate((self._rows, rows)))


def _sums(keys: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct keys, sorted, and the rows of each."""
    distinct, index = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(distinct), np.int64)
    # `sums[index] += rows` adds only the last of several rows with the same index.
    np.add.at(sums, index, rows)
    return distinct, sums
