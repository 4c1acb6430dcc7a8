"""One pass over the rows of a data set: threads measure batches, what they count is added up.

Every figure is a sum over rows (counts, histograms, seen strings), so that it does not matter which thread
saw which rows, and memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit.data.duplicates.duplicate_keys import DuplicateKeys
from tokkit.inspection.statistics import distinct_kernels, distinct_strings
from tokkit.inspection.statistics.distinct_strings import BUDGET, DistinctStrings, Part, parts_of
from tokkit.inspection.statistics.row_sample import RowSample
from tokkit.inspection.statistics.text_measures import MARKS, TextMeasures
from tokkit.inspection.statistics.totals import Aggregate, Duplicates, Labels, Rows, SplitSums
from tokkit.progress import Progress, Silent, stage, stop_if_cancelled
from tokkit.runtime import threads
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding.encode import token_counts
from tokkit.tokenizer.folder.load import LoadedTokenizer

_TEXT = 1 << 22
"""Bytes of texts that are encoded at a time."""


class _Worker:
    """What one thread counts."""

    def __init__(self, gathering: Gathering) -> None:
        self._all = gathering
        columns = max(1, len(gathering.others))
        self.splits = [
            SplitSums(sample=RowSample() if gathering.sampled else None) for _ in range(gathering.splits)
        ]
        self.texts = gathering.seen(BUDGET)
        self.values = {name: gathering.seen(BUDGET // columns) for name in gathering.others}
        # Never written to files, since its numbers have to stay valid; labels are few.
        self._labels = gathering.seen(1 << 40)
        self._numbers = np.empty(0, np.int32)
        self._waiting: list[tuple[int, list[str], list[str] | None, NDArray[np.int32]]] = []
        self._waiting_size = 0

    def add(self, rows: Rows) -> None:
        """Adds some rows to all sums."""
        sums = self.splits[rows.split]
        present = rows.texts.present if rows.pairs is None else rows.texts.present & rows.pairs.present
        sums.rows += len(present)
        labels = np.full(len(present), distinct_kernels.NONE, np.int32)
        if rows.labels is not None:
            labels = self._numbered(rows.labels)
            found, n = np.unique(labels, return_counts=True)
            sums.labels.update(dict(zip(found.tolist(), n.tolist(), strict=True)))
        for name, column in rows.others.items():
            sums.missing[name] += int((~column.present).sum())
            if name in self.values:
                self.values[name].add(column, rows.split)
        texts, pairs = rows.texts, rows.pairs
        if not present.all():
            texts, labels = texts.take(present), labels[present]
            pairs = None if pairs is None else pairs.take(present)
        self._measure(sums, texts, pairs, labels)
        if sums.sample is not None:
            sums.sample.add(rows.first + np.flatnonzero(present), texts, labels)
        contents = texts if pairs is None else Strings.joined(texts, pairs)
        self.texts.add(contents, rows.split, labels)
        if self._all.tokenizer is not None and len(texts):
            second = None if pairs is None else pairs.to_list()
            self._waiting.append((rows.split, texts.to_list(), second, labels))
            self._waiting_size += contents.size
            if self._waiting_size >= _TEXT:
                self.encode()

    def _measure(
        self, sums: SplitSums, texts: Strings, pairs: Strings | None, labels: NDArray[np.int32]
    ) -> None:
        """Adds the lengths, of pairs those of both texts together, and the script of the first."""
        measured = self._all.measures.of(texts)
        characters, words, marks = measured.characters, measured.words, measured.marks
        if pairs is not None:
            second = self._all.measures.of(pairs)
            characters, words = characters + second.characters, words + second.words
            marks = marks | second.marks
        sums.lengths_in("characters").add(characters, labels)
        sums.lengths_in("words").add(words, labels)
        counts = np.bincount(measured.scripts)
        sums.scripts.update({int(number): int(counts[number]) for number in np.flatnonzero(counts)})
        for name, bit in MARKS.items():
            sums.marks[name] += int((marks & bit > 0).sum())

    def encode(self) -> None:
        """Counts the tokens of the texts that wait for it."""
        assert self._all.tokenizer is not None
        texts = [text for _, some, _, _ in self._waiting for text in some]
        pairs = [text for _, _, some, _ in self._waiting for text in some or ()]
        if texts:
            # One thread each: the workers already occupy all processors.
            counts = token_counts(
                texts, self._all.tokenizer, pairs=pairs or None, threads=1, progress=self._all.saying
            )
        first = 0
        for split, some, _, labels in self._waiting:
            mine = slice(first, first + len(some))
            self.splits[split].lengths_in("tokens").add(counts.tokens[mine], labels)
            # `bincount` takes no negative numbers: -1, no label, becomes 0.
            unknown = np.bincount(labels + 1, counts.unknown[mine])
            for number in np.flatnonzero(unknown).tolist():
                self.splits[split].unknown[number - 1] += int(unknown[number])
            first += len(some)
        self._waiting, self._waiting_size = [], 0

    def _numbered(self, labels: Strings) -> NDArray[np.int32]:
        """The number of each row's label in all threads, -1 without one."""
        # Each thread numbers labels in the order it reads them; `_numbers` maps these numbers to the ones
        # that all threads share.
        known = len(self._labels)
        mine = self._labels.numbers(labels)
        new, rows = np.unique(mine, return_index=True)
        names = [labels.text(row) for row in rows[new >= known].tolist()]
        numbers = np.array([self._all.labels.number(name) for name in names], np.int32)
        self._numbers = np.concatenate((self._numbers, numbers))
        # Number -1, an empty label, is the index of the last element, which is NONE.
        return np.append(self._numbers, np.int32(distinct_kernels.NONE))[mine]


class _Saying(Silent):
    """Says what is said within a stage, and stops where it stops; tells nothing of stages of its own."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def say(self, message: str) -> None:
        self._progress.say(message)

    def cancelled(self) -> bool:
        return self._progress.cancelled()


class Gathering:
    """What the threads share.

    splits  how many there are
    others  further columns, whose distinct values are counted
    folder  for what does not fit into memory
    sampled whether texts of some rows are wanted
    """

    def __init__(
        self,
        splits: int,
        others: Sequence[str],
        folder: Path,
        tokenizer: LoadedTokenizer | None,
        sampled: bool,
        progress: Progress,
    ) -> None:
        self.splits, self.others, self.folder, self.tokenizer = splits, others, folder, tokenizer
        self.sampled = sampled
        self.measures = TextMeasures()
        self.labels = Labels()
        self.saying = _Saying(progress)
        self._keys = DuplicateKeys()
        self._progress = progress

    def seen(self, budget: int) -> DistinctStrings:
        """An empty table for a thread."""
        return DistinctStrings(self.splits, self.folder, budget)

    def gather(self, rows: Iterator[Rows], total: int | None, unit: str) -> Aggregate:
        """Everything counted; ``total`` is the sum of all amounts, None where nobody knows."""
        number = threads.threads_to_use(None)

        def work(tasks: threads.Tasks[Rows]) -> _Worker:
            worker = _Worker(self)
            for some in tasks:
                worker.add(some)
                tasks.done(some.amount)
            if self.tokenizer is not None:
                worker.encode()
            return worker

        with stage(self._progress, "measuring", total, unit):
            workers = threads.run(work, threads.Tasks(rows), number, self._progress)
        stop_if_cancelled(self._progress)
        sums = workers[0].splits
        for worker in workers[1:]:
            for mine, theirs in zip(sums, worker.splits, strict=True):
                mine.absorb(theirs)
        duplicates = self._duplicates([worker.texts for worker in workers], number)
        distinct = {
            name: self._tallied([worker.values[name] for worker in workers], number).distinct
            for name in self.others
        }
        return Aggregate(sums, self.labels.names, self.measures.scripts, duplicates, distinct)

    def _duplicates(self, tables: list[DistinctStrings], number: int) -> Duplicates:
        keys: list[DistinctStrings] = []
        # Normalized forms come from the distinct strings, of which there are fewer than rows.
        exact = self._tallied(tables, number, keys)
        normalized = self._tallied(keys, number)
        return Duplicates(exact.distinct, normalized.distinct, exact.conflicts, exact.shared)

    def _tallied(
        self, tables: list[DistinctStrings], number: int, keys: list[DistinctStrings] | None = None
    ) -> Duplicates:
        """What the strings of the tables say; to ``keys``, tables of their normalized forms are added."""
        parts = parts_of(tables)

        def work(tasks: threads.Tasks[Part]) -> tuple[Duplicates, DistinctStrings]:
            tally = self._nothing()
            normalized = self.seen(BUDGET)
            for part in tasks:
                for table in part.tables():
                    distinct_strings.tally(table, tally.distinct, tally.conflicts, tally.shared)
                    if keys is not None:
                        strings, order = table.strings()
                        for first in range(0, len(order), _AT_ONCE):
                            some = slice(first, first + _AT_ONCE)
                            made = self._keys.of(strings.take(some))
                            normalized.add_sums(made, table.rows[order[some]], table.labels[order[some]])
                tasks.done(1)
            return tally, normalized

        with stage(self._progress, "comparing", len(parts), "parts"):
            done = threads.run(work, threads.Tasks(iter(parts)), min(number, len(parts)), self._progress)
        if keys is not None:
            keys += [normalized for _, normalized in done]
        total = self._nothing()
        for tally, _ in done:
            for name in ("distinct", "conflicts", "shared"):
                getattr(total, name)[...] += getattr(tally, name)
        return total

    def _nothing(self) -> Duplicates:
        n = self.splits
        distinct, keys = np.zeros((2, n), np.int64)
        return Duplicates(distinct, keys, np.zeros(n + 1, np.int64), np.zeros((n, n), np.int64))


_AT_ONCE = 1 << 15
"""Texts whose keys are made at a time."""
