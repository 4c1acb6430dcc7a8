"""The rows of a data set measured as tasks of other processes."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from tokkit.data.loading.shards import RowShard, shards_of
from tokkit.data.loading.streaming import StreamedDataset
from tokkit.inspection.statistics import row_batches
from tokkit.inspection.statistics.row_batches import SplitColumns
from tokkit.inspection.statistics.row_sums import RowSums, SharedTables, TransferredSums, spill_folder
from tokkit.inspection.statistics.text_measures import TextMeasures
from tokkit.inspection.statistics.totals import RowBatch
from tokkit.progress import Progress
from tokkit.runtime.engines.engine import Engine
from tokkit.tokenizer.folder.load import LoadedTokenizer, load

# Rows, and bytes of texts, of a task whose rows this process reads.
_ROWS, _BYTES = 1 << 16, 1 << 24


@dataclass(frozen=True)
class MeasureTask:
    """A shard, or rows that were read already, to measure in any process.

    splits, others, sampled  as `SharedTables`
    tokenizer                its path
    columns                  of the split of the shard
    """

    splits: int
    others: Sequence[str]
    sampled: bool
    tokenizer: Path | None
    columns: SplitColumns | None = None
    shard: RowShard | None = None
    batches: Sequence[RowBatch] = ()

    def rows(self, messages: list[str]) -> Iterator[RowBatch]:
        """Its rows; what their readers say is added to the messages."""
        yield from self.batches
        if self.shard is not None and self.columns is not None:
            yield from self.columns.batches(self.shard.batches(messages.append))


def measure(task: MeasureTask) -> TransferredSums:
    """The sums of the rows of a task.

    Raises `InputError` for what cannot be read, `TypesChanged` as `SplitColumns.batches`, `OutputError` where
    the temporary folder is full.
    """
    tokenizer = None if task.tokenizer is None else _tokenizer(task.tokenizer)
    messages: list[str] = []
    with spill_folder() as folder:
        shared = SharedTables(
            splits=task.splits,
            others=task.others,
            folder=folder,
            tokenizer=tokenizer,
            sampled=task.sampled,
            measures=_measures(),
        )
        sums = RowSums(shared)
        for batch in task.rows(messages):
            sums.add(batch)
        sums.encode()
        return sums.transferred(messages)


# a process measures many shards
@functools.lru_cache(maxsize=1)
def _tokenizer(path: Path) -> LoadedTokenizer:
    return load(path)


@functools.cache
def _measures() -> TextMeasures:
    return TextMeasures()


def measured(
    source: StreamedDataset, task: MeasureTask, engine: Engine, progress: Progress
) -> Iterator[tuple[TransferredSums, int]]:
    """The sums of all rows, in shards, each with its amount of work.

    task   all but the rows

    Raises as `measure`.
    """
    amounts: list[int] = []
    running = engine.run(measure, _tasks(source, task, amounts, progress), progress)
    with closing(running) as results:
        for index, sums in results:
            yield sums, amounts[index]


def _tasks(
    source: StreamedDataset, blank: MeasureTask, amounts: list[int], progress: Progress
) -> Iterator[MeasureTask]:
    # rows are sampled by their numbers, which no process knows that reads the middle of a split
    shards = None if blank.sampled else shards_of(source)
    if shards is None:
        for batches in _grouped(row_batches.batches(source)):
            amounts.append(sum(batch.amount for batch in batches))
            yield replace(blank, batches=batches)
        return
    columns = row_batches.columns_of(source)
    for shard in shards:
        if shard.is_small:
            amounts.append(shard.size)
            yield replace(blank, columns=columns[shard.split], shard=shard.absolute())
    for shard in shards:
        if not shard.is_small:
            for batches in _grouped(columns[shard.split].batches(shard.batches(progress.say))):
                amounts.append(sum(batch.amount for batch in batches))
                yield replace(blank, batches=batches)


def _grouped(batches: Iterator[RowBatch]) -> Iterator[list[RowBatch]]:
    """Batches of about as many rows as a task is to have."""
    group: list[RowBatch] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows, size = rows + len(batch.texts), size + batch.texts.size
        if rows >= _ROWS or size >= _BYTES:
            yield group
            group, rows, size = [], 0, 0
    if group:
        yield group
