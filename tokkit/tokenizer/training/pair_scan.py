"""A scan of the words for pairs that are not recorded yet: which are frequent, and the words that hold them.

1. sums by hash   which show most pairs to be rarer than the level; left out where no level is known yet
2. counts         of the other pairs
3. lists          the words of each pair that the caller chose

The words are scanned in as many parts as there are threads; the result is the same for any number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.runtime import threads
from tokkit.tokenizer.training import pair_kernels

# Cells that the counts of pairs are summed in by hash, for each part: 4 MB.
_SUMS = 1 << 20

_NO_SUMS = np.zeros(1, np.uint32)
_NO_PAIRS = np.zeros((1, 4), np.int64)


class _Part:
    """A share of the words, and what was found in them (`pair_kernels` describes the arrays)."""

    def __init__(self, start: int, end: int, sums: int) -> None:
        self.start, self.end, self.at = start, end, start
        self.sums = np.zeros(sums, np.uint32)
        self.counted = np.zeros((1 << 14, 4), np.int64)
        self.used = 0


class PairScan:
    """One scan; `step` until it is false, then `frequent` and `list_words`, and `step` again.

    records, spans, pairs   as `merge_kernels` describes them
    longest                 characters of the longest token, where ``spans`` are there
    bounds                  (parts + 1,) where in ``records`` each part begins, and the last one ends
    level                   pairs that are rarer may be left out; 0 or 1: none are
    """

    def __init__(
        self,
        records: NDArray[np.uint32],
        spans: NDArray[Any],
        longest: int,
        bounds: Sequence[int],
        pairs: NDArray[np.int64],
        level: int,
    ) -> None:
        self._words = {"records": records, "spans": spans, "longest": longest}
        self._pairs, self._level = pairs, level
        self._parts = [_Part(start, end, _SUMS if level > 1 else 1) for start, end in pairwise(bounds)]
        self._sums = self._parts[0].sums
        self._lists = np.zeros(0, np.uint32)
        self._chosen = np.zeros((1, 2), np.int64)
        # (parts, n, 2): where in the lists the words of each chosen pair start and end
        self._positions = np.zeros((len(self._parts), 0, 2), np.int64)
        self._pass: Callable[[_Part, int], None] = self._sum if level > 1 else self._count

    def step(self, budget: int) -> bool:
        """Scan about ``budget`` cells of each part; False at the end of the counts, and of the lists."""
        parts = [part for part in self._parts if part.at < part.end]
        others = [threads.later(partial(self._pass, part, budget)) for part in parts[1:]]
        for part in parts[:1]:
            self._pass(part, budget)
        for wait in others:
            wait()
        if any(part.at < part.end for part in self._parts):
            return True
        for part in self._parts:
            part.at = part.start
        if self._pass == self._sum:
            for part in self._parts[1:]:
                pair_kernels.add_sums(part.sums, self._sums)
                part.sums = _NO_SUMS
            self._pass = self._count
            return True
        return False

    def frequent(self, level_of: Callable[[int], int]) -> NDArray[np.int64]:
        """(n, 3) keys, counts and occurrences of the pairs that reach the level.

        level_of  that level, from the count of all pairs found
        """
        first, *others = self._parts
        # The tables of all parts become one; those of the others still tell their own occurrences.
        for part in others:
            first.counted = with_space(first.counted, first.used + part.used)
            first.used = pair_kernels.add_rows(part.counted, first.counted, first.used)
        table = first.counted[np.flatnonzero(first.counted[:, 0])]
        frequent = table[table[:, 1] >= level_of(int(table[:, 1].sum()))]
        frequent[:, 0] -= 1
        return frequent[:, :3]

    def list_words(self, frequent: NDArray[np.int64], start: int, lists: NDArray[np.uint32]) -> None:
        """Prepare the last pass: the words of those pairs go to ``lists``, from ``start`` on."""
        keys, occurrences = frequent[:, 0], frequent[:, 2]
        of_others = [pair_kernels.occurrences(keys, part.counted) for part in self._parts[1:]]
        by_part = np.stack([occurrences - sum(of_others), *of_others], axis=1)
        ends = start + np.cumsum(by_part).reshape(by_part.shape)
        self._positions = np.repeat((ends - by_part).T[:, :, None], 2, axis=2)
        self._lists = lists
        self._chosen = with_space(np.zeros((1 << 10, 2), np.int64), len(keys))
        pair_kernels.number(keys, self._chosen)
        # Neither the tables nor the sums are read again; a slice of them would keep their memory.
        for part in self._parts:
            part.counted, part.sums = _NO_PAIRS, _NO_SUMS
        self._sums = _NO_SUMS
        self._pass = self._list

    def listed(self) -> NDArray[np.int64]:
        """(n, 2) where in the lists the words of each pair start, and how many they are."""
        return pair_kernels.close_gaps(self._positions, self._lists)

    def _sum(self, part: _Part, budget: int) -> None:
        part.at = pair_kernels.sum_by_hash(self._words["records"], part.at, part.end, budget, part.sums)

    def _count(self, part: _Part, budget: int) -> None:
        before = part.at
        part.at, part.used = pair_kernels.count_pairs(
            **self._words,
            at=before,
            end=part.end,
            budget=budget,
            pairs=self._pairs,
            sums=self._sums,
            level=self._level,
            counted=part.counted,
            used=part.used,
        )
        if part.at < min(before + budget, part.end):
            part.counted = with_space(part.counted, len(part.counted))

    def _list(self, part: _Part, budget: int) -> None:
        part.at = pair_kernels.list_words(
            **self._words,
            at=part.at,
            end=part.end,
            budget=budget,
            chosen=self._chosen,
            positions=self._positions[self._parts.index(part)],
            lists=self._lists,
        )


def with_space(table: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """A hash table that is at most half full with that many rows: the same one, or a larger copy."""
    capacity = len(table)
    while 2 * rows > capacity:
        capacity *= 2
    if capacity == len(table):
        return table
    larger = np.zeros((capacity, table.shape[1]), np.int64)
    pair_kernels.rehash(table, larger)
    return larger
