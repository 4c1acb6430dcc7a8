"""One pass over the rows of a data set: threads measure batches, what they count is added up.

Every figure is a sum over rows (counts, histograms, distinct strings), so that it does not matter which
thread read which rows, and memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit.data.duplicates.duplicate_keys import DuplicateKeys
from tokkit.inspection.statistics import distinct_kernels, distinct_strings, examples
from tokkit.inspection.statistics.distinct_strings import BUDGET, DistinctStrings, Part, parts_of
from tokkit.inspection.statistics.row_sample import RowSample
from tokkit.inspection.statistics.text_measures import MARKS, TextMeasures
from tokkit.inspection.statistics.totals import Aggregate, Duplicates, Labels, RowBatch, SplitSums
from tokkit.progress import Progress, Silent, stage, stop_if_cancelled
from tokkit.runtime import threads
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding.encode import token_counts
from tokkit.tokenizer.folder.load import LoadedTokenizer

_TEXT = 1 << 22  # bytes of texts that are encoded at a time
_AT_ONCE = 1 << 15  # texts that are normalized at a time


class _Worker:
    """What one thread counts."""

    def __init__(self, aggregation: Aggregation) -> None:
        self._shared = aggregation
        columns = max(1, len(aggregation.others))
        self.splits = [
            SplitSums(sample=RowSample() if aggregation.sampled else None) for _ in range(aggregation.splits)
        ]
        self.texts = aggregation.empty_table(BUDGET)
        self.values = {name: aggregation.empty_table(BUDGET // columns) for name in aggregation.others}
        # Never written to files, since its numbers have to stay valid; labels are few.
        self._labels = aggregation.empty_table(1 << 40)
        self._numbers = np.empty(0, np.int32)
        self._waiting: list[tuple[int, list[str], list[str] | None, NDArray[np.int32]]] = []
        self._waiting_size = 0

    def add(self, batch: RowBatch) -> None:
        """Adds some rows to all sums."""
        sums = self.splits[batch.split]
        texts, pairs = batch.texts, batch.pairs
        present = texts.present if pairs is None else texts.present & pairs.present
        sums.rows += len(present)
        labels = np.full(len(present), distinct_kernels.NONE, np.int32)
        if batch.labels is not None:
            labels = self._numbered(batch.labels)
            numbers, rows = np.unique(labels, return_counts=True)
            sums.labels.update(dict(zip(numbers.tolist(), rows.tolist(), strict=True)))
        for name, column in batch.others.items():
            sums.missing[name] += int((~column.present).sum())
            if name in self.values:
                self.values[name].add(column, batch.split)
        if not present.all():
            texts, labels = texts.take(present), labels[present]
            pairs = None if pairs is None else pairs.take(present)
        self._measure(sums, texts, pairs, labels)
        if sums.sample is not None:
            sums.sample.add(batch.first + np.flatnonzero(present), texts, labels)
        contents = texts if pairs is None else Strings.joined(texts, pairs)
        self.texts.add(contents, batch.split, labels)
        if self._shared.tokenizer is not None and len(texts):
            second = None if pairs is None else pairs.to_list()
            self._waiting.append((batch.split, texts.to_list(), second, labels))
            self._waiting_size += contents.size
            if self._waiting_size >= _TEXT:
                self.encode()

    def _measure(
        self, sums: SplitSums, texts: Strings, pairs: Strings | None, labels: NDArray[np.int32]
    ) -> None:
        """Adds the lengths, of pairs those of both texts, and the script of the first."""
        measured = self._shared.measures.of(texts)
        characters, words, marks = measured.characters, measured.words, measured.marks
        if pairs is not None:
            second = self._shared.measures.of(pairs)
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
        if self._shared.tokenizer is None or not self._waiting:
            return
        texts = [text for _, batch, _, _ in self._waiting for text in batch]
        pairs = [text for _, _, batch, _ in self._waiting for text in batch or ()]
        # One thread each: the workers already occupy all processors.
        counts = token_counts(
            texts, self._shared.tokenizer, pairs=pairs or None, threads=1, progress=self._shared.messages
        )
        first = 0
        for split, batch, _, labels in self._waiting:
            rows = slice(first, first + len(batch))
            self.splits[split].lengths_in("tokens").add(counts.tokens[rows], labels)
            # `bincount` takes no negative numbers: -1, no label, becomes 0.
            unknown = np.bincount(labels + 1, counts.unknown[rows])
            for number in np.flatnonzero(unknown).tolist():
                self.splits[split].unknown[number - 1] += int(unknown[number])
            first += len(batch)
        self._waiting, self._waiting_size = [], 0

    def _numbered(self, labels: Strings) -> NDArray[np.int32]:
        """The number of each row's label in all threads, -1 without one."""
        # Each thread numbers labels in the order it reads them; `_numbers` maps these numbers to the ones
        # that all threads share.
        known = len(self._labels)
        own = self._labels.numbers(labels)
        new, rows = np.unique(own, return_index=True)
        names = [labels.text(row) for row in rows[new >= known].tolist()]
        numbers = np.array([self._shared.labels.number(name) for name in names], np.int32)
        self._numbers = np.concatenate((self._numbers, numbers))
        # Number -1, an empty label, is the index of the last element, which is NONE.
        return np.append(self._numbers, np.int32(distinct_kernels.NONE))[own]


class _Messages(Silent):
    """Says what is said within a stage, and stops where it stops; reports no stages of its own."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def say(self, message: str) -> None:
        self._progress.say(message)

    def cancelled(self) -> bool:
        return self._progress.cancelled()


class Aggregation:
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
        self.messages = _Messages(progress)
        self._keys = DuplicateKeys()
        self._progress = progress
        self._threads = threads.threads_to_use(None)

    def empty_table(self, budget: int) -> DistinctStrings:
        """An empty table for a thread."""
        return DistinctStrings(self.splits, self.folder, budget)

    def aggregate(self, batches: Iterator[RowBatch], total: int | None, unit: str) -> Aggregate:
        """Everything counted; ``total`` is the sum of all amounts, None where nobody knows."""

        def work(tasks: threads.Tasks[RowBatch]) -> _Worker:
            worker = _Worker(self)
            for batch in tasks:
                worker.add(batch)
                tasks.done(batch.amount)
            worker.encode()
            return worker

        with stage(self._progress, "measuring", total, unit):
            workers = threads.run(work, threads.Tasks(batches), self._threads, self._progress)
        stop_if_cancelled(self._progress)
        sums = workers[0].splits
        for worker in workers[1:]:
            for split, other in zip(sums, worker.splits, strict=True):
                split.absorb(other)
        keys: list[DistinctStrings] = []
        chosen: list[examples.Chosen] = []
        duplicates = self._duplicates([worker.texts for worker in workers], keys, chosen)
        return Aggregate(
            sums,
            self.labels.names,
            self.measures.scripts,
            duplicates,
            # Normalized forms come from the distinct strings, of which there are fewer than rows.
            normalized=self._duplicates(keys),
            distinct=self._distinct_values(workers),
            examples=examples.best(chosen),
        )

    def _distinct_values(self, workers: Sequence[_Worker]) -> dict[str, NDArray[np.int64]]:
        """(splits,) the distinct values of each further column."""
        parts = [
            (name, part)
            for name in self.others
            for part in parts_of([worker.values[name] for worker in workers])
        ]

        def work(tasks: threads.Tasks[tuple[str, Part]]) -> dict[str, Duplicates]:
            tallied = {name: Duplicates.zeros(self.splits) for name in self.others}
            for name, part in tasks:
                for table in part.sums():
                    distinct_strings.tally(table, tallied[name])
                tasks.done(1)
            return tallied

        with stage(self._progress, "comparing columns", len(parts), "parts"):
            results = threads.run(
                work, threads.Tasks(iter(parts)), min(self._threads, max(len(parts), 1)), self._progress
            )
        return {name: np.sum([tallied[name].distinct for tallied in results], axis=0) for name in self.others}

    def _duplicates(
        self,
        tables: list[DistinctStrings],
        keys: list[DistinctStrings] | None = None,
        chosen: list[examples.Chosen] | None = None,
    ) -> Duplicates:
        """What the strings of the tables say; to ``keys``, tables of their normalized forms are added, and to
        ``chosen`` examples of them."""
        parts = parts_of(tables)

        def work(tasks: threads.Tasks[Part]) -> tuple[Duplicates, DistinctStrings]:
            duplicates = Duplicates.zeros(self.splits)
            normalized = self.empty_table(BUDGET)
            for part in tasks:
                for table in part.sums():
                    overall = distinct_strings.tally(table, duplicates)
                    if keys is not None and chosen is not None:
                        strings, numbers = table.strings()
                        chosen.append(examples.choose(table.rows, overall, strings, numbers))
                        self._add_keys(table, strings, numbers, normalized)
                tasks.done(1)
            return duplicates, normalized

        with stage(self._progress, "comparing", len(parts), "parts"):
            results = threads.run(
                work, threads.Tasks(iter(parts)), min(self._threads, len(parts)), self._progress
            )
        total = Duplicates.zeros(self.splits)
        for duplicates, normalized in results:
            total.absorb(duplicates)
            if keys is not None:
                keys.append(normalized)
        return total

    def _add_keys(
        self,
        table: DistinctStrings,
        strings: Strings,
        numbers: NDArray[np.int32],
        normalized: DistinctStrings,
    ) -> None:
        """Adds the normalized forms of the strings of a table to another one."""
        for first in range(0, len(numbers), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            rows, labels = table.rows[numbers[some]], table.labels[numbers[some]]
            normalized.add_sums(self._keys.of(strings.take(some)), rows, labels)
