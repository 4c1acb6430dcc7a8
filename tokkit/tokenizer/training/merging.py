"""Words and merges by kernels: `lexicon.Lexicon` for corpora of any size.

The result is the reference trainer's to the last id. It does not depend on the order of the words, and it can
be stopped between two steps of less than a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus.cutting import byte_of_character
from tokkit.corpus.reference_words import PlainWords
from tokkit.corpus.words import WordColumns, table_of
from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress
from tokkit.runtime import threads
from tokkit.runtime.byte_table import zeros
from tokkit.tokenizer.training import merge_kernels as kernels
from tokkit.tokenizer.training import pair_kernels, symbol_kernels
from tokkit.tokenizer.training.lexicon import Lexicon, MergedVocabulary, MergeOptions, Words
from tokkit.tokenizer.training.pair_scan import PairScan, with_space

_CODE_POINTS = 0x110000
# Cells of the records: the lists of words hold 32-bit offsets.
_LARGEST = 1 << 32

# Words that a step visits, or cells that it scans: well below a tenth of a second.
_STEP = 500_000

# Distinct words from which threads scan them together, and the originals are set aside.
_SHARED = 100_000

# By how much the level falls at a time, and how far below the average merge it starts.
_DIVISOR = 8


class KernelLexicon(Lexicon):
    """Words as columns.

    A *point* is a code point, or a byte where the words are bytes (`symbol_kernels`).
    """

    def __init__(self, words: WordColumns, threads: int = 1) -> None:
        self._words, self._threads = words, threads
        self._points = 256 if words.raw else _CODE_POINTS
        # the words of a byte-level tokenizer are bytes, their characters ByteLevel's
        self._names = (
            {byte: character for character, byte in byte_of_character().items()} if words.raw else {}
        )
        totals = np.zeros(self._points, np.int64)
        self._length = symbol_kernels.count_points(*self._columns, words.words.counts, words.raw, totals)
        points = np.flatnonzero(totals).tolist()
        self._point_of = {self._names.get(point) or chr(point): point for point in points}
        self.counts: Mapping[str, int] = {
            character: int(totals[point]) for character, point in self._point_of.items()
        }

    @classmethod
    def of(cls, words: Words, progress: Progress = SILENT, thread_count: int = 1) -> KernelLexicon:
        """Built in a thread, so that Ctrl-C need not wait for kernels and their compilation."""

        def build() -> KernelLexicon:
            if isinstance(words, PlainWords):
                return cls(WordColumns.of_table(table_of(words.counts), False, words.bytes), thread_count)
            assert isinstance(words, WordColumns)
            return cls(words, thread_count)

        return threads.aside(build, progress)

    @property
    def _columns(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
        strings = self._words.words.strings
        return strings.data, strings.starts, strings.ends

    def marked_characters(self) -> list[tuple[int, str]]:
        """A kernel finds the smallest word of each kind and point, which needs no sorted words."""
        words = np.zeros((symbol_kernels.KINDS, self._points), np.int64)
        positions = np.zeros((symbol_kernels.KINDS, self._points), np.int32)
        ranks = np.arange(256, dtype=np.int32)
        for byte, character in self._names.items():
            ranks[byte] = ord(character)
        data, starts, ends = self._columns
        symbol_kernels.first_words(data, starts, ends, self._words.raw, ranks, words, positions)
        met = []
        for character, point in self._point_of.items():
            for kind in range(symbol_kernels.KINDS):
                if word := int(words[kind, point]):
                    order = ranks[data[starts[word - 1] : ends[word - 1]]].tolist()
                    met.append((order, int(positions[kind, point]), kind, character))
        return [(kind, character) for _, _, kind, character in sorted(met)]

    def merge(self, initial: Sequence[str], options: MergeOptions, progress: Progress) -> MergedVocabulary:
        def merging(exact: bool) -> _Merging:
            return _Merging(*self.records(initial, options), initial, options, exact)

        try:
            # Recording only frequent pairs saves most of the memory and time. Where two merges give one
            # string, it may not be exact; such a corpus, which is rare, is merged again with all pairs.
            return _run(lambda: merging(False), progress)
        except _NotExact as stopped:
            return _run(lambda: merging(True), progress, stopped.merges_made)

    def records(
        self, tokens: Sequence[str], options: MergeOptions
    ) -> tuple[NDArray[np.uint32], Sequence[int]]:
        """Every word of two symbols or more in initial tokens, and where each thread's share of them begins.

        As `symbol_kernels.write_records` describes them.
        Characters without a token vanish, and their neighbors become adjacent.
        """
        ids = {token: number for number, token in enumerate(tokens)}
        table = np.zeros((symbol_kernels.KINDS, self._points), np.int32)
        for character, point in self._point_of.items():
            if character in ids:
                for kind in range(symbol_kernels.KINDS):
                    table[kind, point] = ids.get(options.marked(kind, character), -1) + 1
        size = self._length + symbol_kernels.HEADER * (len(self._words) + 1)
        if size >= _LARGEST:
            raise InputError(
                f"the distinct words have {self._length:,} characters in all, more than can be merged",
                hint="train on a sample of the corpus, or split words further (--pre-tokenizer)",
            )
        records = zeros(size, np.uint32)
        parts = self._threads if len(self._words) > _SHARED else 1
        bounds = np.zeros(parts + 1, np.int64)
        symbol_kernels.write_records(
            *self._columns, self._words.words.counts, self._words.raw, table, records, bounds
        )
        if len(self._words) > _SHARED:
            self._words.set_aside()
        return records[: bounds[-1]], bounds.tolist()


class _NotExact(Exception):
    """A token is made a second time, and what was recorded does not give the reference's counts and queue."""

    def __init__(self, merges_made: int) -> None:
        super().__init__(merges_made)
        self.merges_made = merges_made


def _run(start: Callable[[], _Merging], progress: Progress, reported: int = 0) -> MergedVocabulary:
    """Run a merging in a thread that can be stopped; ``reported`` merges were reported before."""

    def work(tasks: threads.Tasks[None]) -> _Merging:
        merging = start()
        done = reported
        while not tasks.stopped and merging.step():
            if merging.merges_made > done:
                tasks.done(merging.merges_made - done)
                done = merging.merges_made
        return merging

    nothing: threads.Tasks[None] = threads.Tasks(iter(()))
    return threads.run(work, nothing, 1, progress)[0].result()


class _Merging:
    """The arrays of one run of the merge loop (described in `merge_kernels`), which grow as it demands.

    exact  whether all pairs are recorded, not only those that reach a level
    """

    def __init__(
        self,
        records: NDArray[np.uint32],
        bounds: Sequence[int],
        initial: Sequence[str],
        options: MergeOptions,
        exact: bool,
    ) -> None:
        self.size, self.lowest, self.exact = options.vocab_size, max(options.min_frequency, 1), exact
        self.longest = options.longest or 0
        self.level = 1 if exact else 0
        self.records, self.bounds_of_parts = records, bounds
        self.initial = len(initial)
        # 16 bits suffice for a sum of two spans up to ``longest``
        self.spans: NDArray[Any] = np.ones(
            len(records) if self.longest else 0, np.uint16 if self.longest < 1 << 15 else np.uint32
        )
        self.prefix = np.frombuffer(bytearray(options.prefix.encode()), np.uint8)
        # reserved tokens and alphabet may be more than the vocabulary's size, and ids index these arrays
        tokens = max(self.size, len(initial)) + 1
        self.state = np.zeros(kernels.STATE, np.int64)
        self.pairs = np.zeros((1 << 14, 2), np.int64)
        self.queue = np.zeros((1 << 12, 3), np.int64)
        self.entries = np.zeros((1 << 12, 2), np.int64)
        self.lists = zeros(0, np.uint32)
        self.dense = zeros(tokens * kernels.COLUMNS, np.int64).reshape(tokens, kernels.COLUMNS)
        self.touched = np.zeros(tokens, np.int64)
        self.events = np.empty((2, 1 << 16), np.uint32)
        self.merges = np.zeros((1 << 12, 3), np.int32)
        self._write_tokens(initial, tokens)
        self._characters: dict[int, int] = {}
        self._measured = 0
        self._scan: PairScan | None = None
        self._start_scan()

    @property
    def merges_made(self) -> int:
        return int(self.state[kernels.MERGES])

    def step(self) -> bool:
        """A bounded amount of work; False when all is merged."""
        if self._scan is not None:
            if not self._scan.step(_STEP):
                self._end_of_pass(self._scan)
            return True
        arrays = kernels.Arrays(*(getattr(self, name) for name in kernels.Arrays._fields))
        reason = kernels.merge(
            arrays, self.longest, self.size, self.lowest, self.level, self.exact, budget=_STEP
        )
        if reason == kernels.FINISHED:
            return False
        if reason == kernels.LOWER:
            self._start_scan()
        # checked once per merge: the kernel remembers the pair in ``ALLOWED`` and then carries on
        elif reason == kernels.REUSES:
            self._check_reuse()
        elif reason != kernels.PAUSED:
            self._grow(reason)
        return True

    def result(self) -> MergedVocabulary:
        # no longer read: what follows needs less memory than they do
        self.records, self.lists = self.records[:0].copy(), zeros(0, np.uint32)
        count = int(self.state[kernels.TOKENS])
        text, bounds = self.text.tobytes(), self.bounds[: count + 1].tolist()
        tokens = [text[start:end].decode() for start, end in pairwise(bounds)]
        merges = [(left, right, token) for left, right, token in self.merges[: self.merges_made].tolist()]
        return MergedVocabulary(tokens, self.initial, merges)

    def _start_scan(self) -> None:
        """Look for pairs that are not recorded and reach a lower level."""
        # In exact mode, the first scan records all pairs, and no other one follows.
        self._next = _next_level(self, 0) if self.level and not self.exact else self.level
        self._first_entry: int | None = None
        self._scan = PairScan(
            self.records, self.spans, self.longest, self.bounds_of_parts, self.pairs, self._next
        )

    def _end_of_pass(self, scan: PairScan) -> None:
        """Queue the frequent pairs, with space for their words; once these are listed, the scan is done."""
        if self._first_entry is not None:
            listed = scan.listed()
            self.entries[self._first_entry : self._first_entry + len(listed)] = listed
            self._scan = None
            return
        frequent = scan.frequent(self._lower)
        self.reserve_entries(len(frequent))
        self.reserve_pairs(len(frequent))
        self.reserve_lists(int(frequent[:, 2].sum()))
        first = self._first_entry = int(self.state[kernels.ENTRIES])
        # only now is the length of every list known, so that they lie end to end
        scan.list_words(frequent, int(self.state[kernels.LISTED]), self.lists)
        self.state[kernels.LISTED] += frequent[:, 2].sum()
        kernels.enqueue(frequent[:, 0], frequent[:, 1], first, self.pairs, self.queue, self.state)
        self.state[kernels.ENTRIES] += len(frequent)

    def _lower(self, pairs: int) -> int:
        """The new level; the first one depends on the count of all pairs."""
        self.level = self._next or _next_level(self, pairs)
        return self.level

    def _write_tokens(self, initial: Sequence[str], tokens: int) -> None:
        encoded = [token.encode() for token in initial]
        self.text = np.zeros(sum(map(len, encoded)) + 16 * tokens, np.uint8)
        self.bounds = np.zeros(tokens + 1, np.int64)
        # never grows: at most half full with the largest number of tokens
        self.by_text = np.zeros(1 << (2 * tokens).bit_length(), np.int32)
        for token in encoded:
            end = int(self.state[kernels.TEXT]) + len(token)
            self.text[end - len(token) : end] = np.frombuffer(token, np.uint8)
            kernels.add_text(end, self.text, self.bounds, self.by_text, self.state)

    def _grow(self, reason: int) -> None:
        # the words of an unfinished merge are visited already, so its events have to be copied
        if reason == kernels.MORE_EVENTS:
            events = np.empty((2, 2 * self.events.shape[1]), np.uint32)
            events[:, : self.events.shape[1]] = self.events
            self.events = events
        elif reason == kernels.MORE_LISTS:
            self.reserve_lists(int(self.state[kernels.EVENTS]))
        elif reason == kernels.MORE_ENTRIES:
            self.reserve_entries(2 * int(self.state[kernels.TOUCHED]))
        elif reason == kernels.MORE_PAIRS:
            self.reserve_pairs(4 * int(self.state[kernels.TOUCHED]))
        else:
            self.merges = _doubled(self.merges)
            self.text = _doubled(self.text)

    def reserve_lists(self, number: int) -> None:
        """Space for that many more words in lists; those of entries that have left the queue are dropped."""
        # lists of merged entries are never read again; if they were kept, every merge would take more memory
        queued = self.queue[: int(self.state[kernels.QUEUED]), 2]
        order = queued[np.argsort(self.entries[queued, 0], kind="stable")]
        live = int(self.entries[order, 1].sum())
        # in place where at least an eighth stays free; else in a new array with half as much again, of which
        # only what is used takes memory
        needed = live + number
        fits = needed + max(needed // 8, 1 << 16) <= len(self.lists)
        lists = self.lists if fits else zeros(needed + max(needed // 2, 1 << 16), np.uint32)
        self.state[kernels.LISTED] = kernels.repack(order, self.entries, self.lists, lists)
        self.lists = lists

    def reserve_entries(self, number: int) -> None:
        """Space for that many more entries."""
        while self.state[kernels.ENTRIES] + number > len(self.entries):
            self.queue, self.entries = _doubled(self.queue), _doubled(self.entries)

    def reserve_pairs(self, number: int) -> None:
        """Space for that many more recorded pairs."""
        self.pairs = with_space(self.pairs, int(self.state[kernels.PAIRS]) + number)

    def _check_reuse(self) -> None:
        """Raises `_NotExact` where a token is to be made a second time and not all of its pairs are recorded.

        The reference would add to their counts, and queue them in addition to their entries of the first
        time. And a token of now more and now fewer characters (``##`` + ``##a`` is ``##a``) is in pairs that
        may be merged in one word and are too long in another, of which the reference counts only the falls.
        """
        if self.longest and not self._has_one_length():
            raise _NotExact(self.merges_made)
        if pair_kernels.holds_unrecorded(
            self.records, self.spans, self.longest, self.state[kernels.TOKEN], self.pairs
        ):
            raise _NotExact(self.merges_made)

    def _has_one_length(self) -> bool:
        """Whether the token that is to be made again had as many characters as it will have now."""
        known = self._characters
        for left, right, token in self.merges[self._measured : self.merges_made].tolist():
            known.setdefault(token, known.get(left, 1) + known.get(right, 1))
        self._measured = self.merges_made
        left, right = divmod(int(self.state[kernels.ALLOWED]) - 1, 1 << 32)
        return known.get(int(self.state[kernels.TOKEN])) == known.get(left, 1) + known.get(right, 1)


def _next_level(run: _Merging, pairs: int) -> int:
    if run.level:
        return max(run.lowest, run.level // _DIVISOR)
    # an eighth of the count that the average merge would have: high enough to leave out most of the rare
    # pairs, and low enough that few scans follow
    merges = max(1, run.size - int(run.state[kernels.TOKENS]))
    return max(run.lowest, pairs // (merges * _DIVISOR))


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((array, np.zeros_like(array)))
