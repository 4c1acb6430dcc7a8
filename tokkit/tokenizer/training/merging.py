"""From words in initial tokens to a vocabulary and merges: the merge loop of `merge_kernels`, driven.

The result is the reference trainer's to the last id. Its counts are 64-bit, it can be stopped between two
steps, and it does not depend on the order of the words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import Progress
from tokkit.runtime import threads
from tokkit.runtime.byte_table import zeros
from tokkit.tokenizer.training import merge_kernels as kernels
from tokkit.tokenizer.training import merge_state, pair_kernels, string_kernels

_STEP = 500_000
"""Words a step visits, or cells it scans: well below a tenth of a second."""

_RARER = 8
"""How far the level falls at a time, and how far below the average merge it starts."""


@dataclass(frozen=True)
class Merged:
    """tokens in the order of their ids; merges (n, 3) int32, in the order in which they were made: left and
    right token, and the token they give."""

    tokens: Sequence[str]
    merges: NDArray[np.int32]


def merge_words(
    records: Callable[[], NDArray[np.uint32]],
    initial: Sequence[str],
    *,
    prefix: str,
    size: int,
    lowest: int,
    longest: int | None,
    progress: Progress,
) -> Merged:
    """Merges pairs until there are ``size`` tokens, or no pair stands ``lowest`` times.

    records  makes the words in initial tokens (`symbol_kernels.write_records`); they are overwritten
    longest  characters of the longest token, where that is limited
    """

    def merging(exact: bool) -> _Merging:
        return _Merging(records(), initial, prefix, size, lowest, longest, exact)

    try:
        return _merged(lambda: merging(False), progress)
    except _NotExact as stopped:
        return _merged(lambda: merging(True), progress, stopped.merges_made)


class _NotExact(Exception):
    """A token is made a second time, and what was recorded does not tell the reference's counts and queue."""

    def __init__(self, merges_made: int) -> None:
        super().__init__(merges_made)
        self.merges_made = merges_made


def _merged(make: Callable[[], _Merging], progress: Progress, told: int = 0) -> Merged:
    """Runs what ``make`` gives in a thread that can be stopped; ``told`` merges were told of already."""

    def work(tasks: threads.Tasks[None]) -> _Merging:
        merging = make()
        done = told
        while not tasks.stopped and merging.step():
            if merging.merges_made > done:
                tasks.done(merging.merges_made - done)
                done = merging.merges_made
        return merging

    nothing_to_share: threads.Tasks[None] = threads.Tasks(iter(()))
    return threads.run(work, nothing_to_share, 1, progress)[0].result()


class _Merging:
    """The arrays of a run of the merge loop (described in `merge_kernels`), which grow as it asks."""

    def __init__(
        self,
        records: NDArray[np.uint32],
        initial: Sequence[str],
        prefix: str,
        size: int,
        lowest: int,
        longest: int | None,
        exact: bool,
    ) -> None:
        self.size, self.lowest, self.exact = size, max(lowest, 1), exact
        self.longest = longest or 0
        self.level = 1 if exact else 0
        self.records = records
        self.spans = np.ones(
            len(records) if longest else 0, np.uint16 if self.longest < 1 << 15 else np.uint32
        )
        self.prefix = np.frombuffer(prefix.encode(), np.uint8).copy()
        tokens = max(size, len(initial)) + 1
        self.state = np.zeros(merge_state.STATE, np.int64)
        self.pairs = np.zeros((2, 1 << 14), np.int64)
        self.queue = np.zeros((1 << 12, 3), np.int64)
        self.entries = np.zeros((1 << 12, 2), np.int64)
        self.lists = zeros(0, np.uint32)
        self.dense = np.zeros((tokens, 4), np.int64)
        self.touched = np.zeros(tokens, np.int64)
        self.events = np.empty((2, 1 << 16), np.uint32)
        self.merges = np.zeros((1 << 12, 3), np.int32)
        self._write_tokens(initial, tokens)
        self._characters: dict[int, int] = {}
        self._measured = 0
        self._scanning: _Scan | None = _Scan(self)

    @property
    def merges_made(self) -> int:
        return int(self.state[merge_state.MERGES])

    def step(self) -> bool:
        """A bounded piece of work; False when all is merged."""
        if self._scanning is not None:
            if not self._scanning.step():
                self._scanning = None
            return True
        reason = kernels.merge(
            *(self.records, self.spans, self.longest, self.pairs, self.queue, self.entries, self.lists),
            *(self.dense, self.touched, self.events, self.merges, self.text, self.bounds, self.by_text),
            *(self.prefix, self.state, self.size, self.lowest, self.level, self.exact, _STEP),
        )
        if reason == merge_state.FINISHED:
            return False
        if reason == merge_state.LOWER:
            self._scanning = _Scan(self)
        elif reason == merge_state.REUSES:
            self._check_reuse()
        elif reason != merge_state.PAUSED:
            self._grow(reason)
        return True

    def result(self) -> Merged:
        count = int(self.state[merge_state.TOKENS])
        text, bounds = self.text.tobytes(), self.bounds[: count + 1].tolist()
        tokens = [text[start:end].decode() for start, end in pairwise(bounds)]
        return Merged(tokens, self.merges[: self.merges_made])

    def _write_tokens(self, initial: Sequence[str], tokens: int) -> None:
        encoded = [token.encode() for token in initial]
        self.text = np.zeros(sum(map(len, encoded)) + 16 * tokens, np.uint8)
        self.bounds = np.zeros(tokens + 1, np.int64)
        self.by_text = np.zeros(1 << (2 * tokens).bit_length(), np.int32)
        for token in encoded:
            end = int(self.state[merge_state.TEXT]) + len(token)
            self.text[end - len(token) : end] = np.frombuffer(token, np.uint8)
            string_kernels.add_text(end, self.text, self.bounds, self.by_text, self.state)

    def _grow(self, reason: int) -> None:
        if reason == merge_state.MORE_EVENTS:
            events = np.empty((2, 2 * self.events.shape[1]), np.uint32)
            events[:, : self.events.shape[1]] = self.events
            self.events = events
        elif reason == merge_state.MORE_LISTS:
            self.make_list_room(int(self.state[merge_state.EVENTS]))
        elif reason == merge_state.MORE_ENTRIES:
            self.make_entry_room(2 * int(self.state[merge_state.TOUCHED]))
        elif reason == merge_state.MORE_PAIRS:
            self.make_pair_room(4 * int(self.state[merge_state.TOUCHED]))
        else:
            self.merges = _doubled(self.merges)
            self.text = _doubled(self.text)

    def make_list_room(self, number: int) -> None:
        """Room for that many more words in lists; what no entry needs any longer is dropped."""
        queued = int(self.state[merge_state.QUEUED])
        live = int(self.entries[self.queue[:queued, 2], 1].sum())
        lists = zeros(live + number + max(live // 2, number, 1 << 16), np.uint32)
        self.state[merge_state.LISTED] = kernels.repack(self.queue, queued, self.entries, self.lists, lists)
        self.lists = lists

    def make_entry_room(self, number: int) -> None:
        """Room for that many more entries."""
        while self.state[merge_state.ENTRIES] + number > len(self.entries):
            self.queue, self.entries = _doubled(self.queue), _doubled(self.entries)

    def make_pair_room(self, number: int) -> None:
        """Room for that many more recorded pairs."""
        capacity = self.pairs.shape[1]
        while 2 * (self.state[merge_state.PAIRS] + number) > capacity:
            capacity *= 2
        if capacity > self.pairs.shape[1]:
            pairs = np.zeros((2, capacity), np.int64)
            pair_kernels.rehash(self.pairs, pairs)
            self.pairs = pairs

    def _check_reuse(self) -> None:
        """Whether all pairs of a token that is to be made a second time are recorded, if there are any.

        The reference would add to their counts, and queue them beside what is queued of them already. And
        a token of now more and now fewer characters (``##`` + ``##a`` is ``##a``) is in pairs that may be
        merged at one place and are too long at another, which the reference counts with falls alone.
        """
        if self.longest and not self._has_one_length():
            raise _NotExact(self.merges_made)
        if pair_kernels.holds_unrecorded(
            self.records, self.spans, self.longest, self.state[merge_state.TOKEN], self.pairs
        ):
            raise _NotExact(self.merges_made)

    def _has_one_length(self) -> bool:
        """Whether the token that is to be made again had as many characters as it will have now."""
        known = self._characters
        for left, right, token in self.merges[self._measured : self.merges_made].tolist():
            known.setdefault(token, known.get(left, 1) + known.get(right, 1))
        self._measured = self.merges_made
        left, right = divmod(int(self.state[merge_state.ALLOWED]) - 1, 1 << 32)
        return known.get(int(self.state[merge_state.TOKEN])) == known.get(left, 1) + known.get(right, 1)


class _Scan:
    """Counts the pairs that are not recorded, lowers the level, and queues those that reach it."""

    def __init__(self, merging: _Merging) -> None:
        self._merging = merging
        self._at = 0
        self._used = 0
        self._found = np.zeros((3, 1 << 14), np.int64)
        self._chosen: NDArray[np.int64] | None = None

    def step(self) -> bool:
        """A bounded piece of work; False when all is done."""
        run = self._merging
        if self._chosen is None:
            before = self._at
            self._at, self._used = pair_kernels.scan(
                *(run.records, run.spans, run.longest, before, _STEP, run.pairs, self._found, self._used)
            )
            if self._at == len(run.records):
                self._choose()
            elif self._at < before + _STEP:
                found = np.zeros((3, 2 * self._found.shape[1]), np.int64)
                pair_kernels.rehash(self._found, found)
                self._found = found
            return True
        self._at = pair_kernels.enlist(
            *(run.records, run.spans, run.longest, self._at, _STEP),
            *(self._found, self._chosen, run.entries, run.lists),
        )
        return self._at < len(run.records)

    def _choose(self) -> None:
        """Queues the pairs that are frequent enough, with room for their words."""
        run = self._merging
        places = np.flatnonzero(self._found[0])
        counts = self._found[1, places]
        if not run.exact:
            run.level = _next_level(run, int(counts.sum()))
        places = places[counts >= run.level]
        counts, occurrences = self._found[1:, places]
        run.make_entry_room(len(places))
        run.make_pair_room(len(places))
        run.make_list_room(int(occurrences.sum()))
        first = int(run.state[merge_state.ENTRIES])
        ends = int(run.state[merge_state.LISTED]) + np.cumsum(occurrences)
        run.entries[first : first + len(places), 0] = ends - occurrences
        if len(places):
            run.state[merge_state.LISTED] = ends[-1]
        kernels.enqueue(self._found[0, places] - 1, counts, first, run.pairs, run.queue, run.state)
        run.state[merge_state.ENTRIES] += len(places)
        self._chosen = np.zeros(self._found.shape[1], np.int64)
        self._chosen[places] = first + 1 + np.arange(len(places))
        self._at = 0


def _next_level(run: _Merging, pairs: int) -> int:
    if run.level:
        return max(run.lowest, run.level // _RARER)
    merges = max(1, run.size - int(run.state[merge_state.TOKENS]))
    return max(run.lowest, pairs // (merges * _RARER))


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((array, np.zeros_like(array)))
