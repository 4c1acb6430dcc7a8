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
from tokkit.inspection.statistics import distinct_strings, examples
from tokkit.inspection.statistics.distinct_strings import BUDGET, DistinctStrings, Part, parts_of
from tokkit.inspection.statistics.row_sums import RowSums, SharedTables, TransferredSums
from tokkit.inspection.statistics.totals import Aggregate, Duplicates, RowBatch
from tokkit.progress import Progress, Silent, stage, stop_if_cancelled
from tokkit.runtime import threads
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.folder.load import LoadedTokenizer

_AT_ONCE = 1 << 15  # texts that are normalized at a time


class _Messages(Silent):
    """Says what is said within a stage, and stops where it stops; reports no stages of its own."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def say(self, message: str) -> None:
        self._progress.say(message)

    def cancelled(self) -> bool:
        return self._progress.cancelled()


class Aggregation:
    """Sums over all rows, and what their distinct strings say.

    splits, others, folder, sampled  as `SharedTables`
    """

    def __init__(
        self,
        splits: int,
        others: Sequence[str],
        folder: Path,
        tokenizer: LoadedTokenizer | None,
        sampled: bool,
        progress: Progress,
        thread_count: int | None = None,
    ) -> None:
        self.splits, self.others = splits, others
        self._shared = SharedTables(splits, others, folder, tokenizer, sampled, _Messages(progress))
        self._keys = DuplicateKeys()
        self._progress = progress
        self._threads = threads.threads_to_use(thread_count)

    def aggregate(self, batches: Iterator[RowBatch], total: int | None, unit: str) -> Aggregate:
        """Everything counted; ``total`` is the sum of all amounts, None where nobody knows."""

        def work(tasks: threads.Tasks[RowBatch]) -> RowSums:
            worker = RowSums(self._shared)
            for batch in tasks:
                worker.add(batch)
                tasks.done(batch.amount)
            worker.encode()
            return worker

        with stage(self._progress, "measuring", total, unit):
            workers = threads.run(work, threads.Tasks(batches), self._threads, self._progress)
        return self._aggregate(workers)

    def aggregate_sums(
        self, results: Iterator[tuple[TransferredSums, int]], total: int | None, unit: str
    ) -> Aggregate:
        """As `aggregate` of rows that other processes counted: their sums, and the amount of each."""
        worker = RowSums(self._shared)
        with stage(self._progress, "measuring", total, unit):
            for sums, amount in results:
                worker.add_sums(sums)
                for message in sums.messages:
                    self._progress.say(message)
                self._progress.advance(amount)
        return self._aggregate([worker])

    def _aggregate(self, workers: Sequence[RowSums]) -> Aggregate:
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
            self._shared.labels.names,
            self._shared.measures.scripts,
            duplicates,
            # Normalized forms come from the distinct strings, of which there are fewer than rows.
            normalized=self._duplicates(keys),
            distinct=self._distinct_values(workers),
            examples=examples.best(chosen),
        )

    def _distinct_values(self, workers: Sequence[RowSums]) -> dict[str, NDArray[np.int64]]:
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
            normalized = self._shared.empty_table(BUDGET)
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
