"""The sums over rows that one thread counts, and how they come from another process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit import files
from tokkit.errors import OutputError
from tokkit.inspection.statistics import distinct_kernels
from tokkit.inspection.statistics.distinct_strings import BUDGET, DistinctStrings
from tokkit.inspection.statistics.row_sample import RowSample
from tokkit.inspection.statistics.text_measures import MARKS, TextMeasures
from tokkit.inspection.statistics.totals import Labels, RowBatch, SplitSums
from tokkit.progress import SILENT, Progress
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding.encode import token_counts
from tokkit.tokenizer.folder.load import LoadedTokenizer

_TEXT = 1 << 22  # bytes of texts that are encoded at a time


@contextmanager
def spill_folder() -> Iterator[Path]:
    """A temporary folder for what does not fit into memory. Raises `OutputError` where it is full."""
    with files.temporary_folder("stats") as folder:
        try:
            yield folder
        except OSError as error:
            raise OutputError(
                f"{folder}: what does not fit into memory cannot be written there: {error.strerror}",
                hint="name a folder with more room in the environment variable TMPDIR",
            ) from error


@dataclass(frozen=True)
class SharedTables:
    """What the threads of a process share.

    splits   how many there are
    others   further columns, whose distinct values are counted
    folder   for what does not fit into memory
    sampled  whether texts of some rows are wanted
    messages what takes the messages of the encoder
    """

    splits: int
    others: Sequence[str]
    folder: Path
    tokenizer: LoadedTokenizer | None
    sampled: bool
    messages: Progress = SILENT
    measures: TextMeasures = field(default_factory=TextMeasures)
    labels: Labels = field(default_factory=Labels)

    def empty_table(self, budget: int) -> DistinctStrings:
        """An empty table for a thread."""
        return DistinctStrings(self.splits, self.folder, budget)


@dataclass(frozen=True)
class TransferredSums:
    """The sums of a process, which numbers labels and scripts on its own.

    labels, scripts  their names by number
    texts            `DistinctStrings.contents`, and ``values`` those of each further column
    messages         of the readers
    """

    splits: Sequence[SplitSums]
    labels: Sequence[str]
    scripts: Sequence[str | None]
    texts: Mapping[int, bytes]
    values: Mapping[str, Mapping[int, bytes]]
    messages: Sequence[str]


class RowSums:
    """What one thread counts."""

    def __init__(self, shared: SharedTables) -> None:
        self._shared = shared
        columns = max(1, len(shared.others))
        self.splits = [
            SplitSums(sample=RowSample() if shared.sampled else None) for _ in range(shared.splits)
        ]
        self.texts = shared.empty_table(BUDGET)
        self.values = {name: shared.empty_table(BUDGET // columns) for name in shared.others}
        # Never written to files, since its numbers have to stay valid; labels are few.
        self._labels = shared.empty_table(1 << 40)
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

    def add_sums(self, other: TransferredSums) -> None:
        """Adds what another process counted."""
        labels = np.array([self._shared.labels.number(name) for name in other.labels], np.int32)
        scripts = np.array([self._shared.measures.number(name) for name in other.scripts], np.int32)
        for sums, of_other in zip(self.splits, other.splits, strict=True):
            of_other.renumber(labels, scripts)
            sums.absorb(of_other)
        self.texts.add_contents(other.texts, labels)
        for name, contents in other.values.items():
            # values have no labels
            self.values[name].add_contents(contents, labels)

    def transferred(self, messages: Sequence[str]) -> TransferredSums:
        """All sums for `add_sums` in another process, after `encode`; the tables are empty then."""
        return TransferredSums(
            splits=self.splits,
            labels=self._shared.labels.names,
            scripts=self._shared.measures.scripts,
            texts=self.texts.contents(),
            values={name: table.contents() for name, table in self.values.items()},
            messages=messages,
        )

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
