"""The rows of a data set measured as tasks of other processes."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.shards import RowShard, shards_of
from tokkit.data.loading.streaming import StreamedDataset
from tokkit.inspection.statistics import row_batches
from tokkit.inspection.statistics.finished_sums import FinishedSums, finished_sums
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
    source: StreamedDataset, task: MeasureTask, options: DatasetOptions, engine: Engine, progress: Progress
) -> Generator[tuple[TransferredSums, int], None, None]:
    """The sums of all rows, in tasks, each with its amount of work.

    task     all but the rows
    options  with which the data set is read

    What is done is kept until all is; the next run of the same job computes the rest. Raises as `measure`.
    """
    # rows are sampled by their numbers, which no process knows that reads the middle of a split
    shards = None if task.sampled else shards_of(source)
    name, job = ({}, None) if shards is None else _name_and_job(source, shards, task, options)
    with finished_sums(name, job, progress) as finished:
        yield from finished.stored()
        handed_out: list[tuple[int, int]] = []
        running = engine.run(measure, _tasks(source, shards, task, finished, handed_out, progress), progress)
        with closing(running) as results:
            for index, sums in results:
                number, amount = handed_out[index]
                finished.store(number, sums, amount)
                yield sums, amount


def _name_and_job(
    source: StreamedDataset, shards: Sequence[RowShard], task: MeasureTask, options: DatasetOptions
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Which files are measured how, and with it everything else that decides the sums."""
    tables = [shard.absolute().tables for shard in shards]
    name = {
        "files": sorted({str(table.path) for of_shard in tables for table in of_shard}),
        "options": asdict(options),
        "tokenizer": str(task.tokenizer),
    }
    job = {
        **name,
        "tokenizer_sha256": None if task.tokenizer is None else _tokenizer(task.tokenizer).sha256,
        "columns": [repr(columns) for columns in row_batches.columns_of(source).values()],
        "others": list(task.others),
        "shards": [
            [shard.split, shard.states, [(table.format.name, repr(table.options)) for table in of_shard]]
            for shard, of_shard in zip(shards, tables, strict=True)
        ],
        "versions": files.versions("numpy", "polars", "pyarrow", "tokenizers"),
    }
    return name, job


def _tasks(
    source: StreamedDataset,
    shards: Sequence[RowShard] | None,
    blank: MeasureTask,
    finished: FinishedSums,
    handed_out: list[tuple[int, int]],
    progress: Progress,
) -> Iterator[MeasureTask]:
    """The tasks that are not done.

    handed_out  takes the number and the amount of work of each
    """
    for number, (task, amount) in enumerate(_all_tasks(source, shards, blank, progress)):
        if number not in finished:
            handed_out.append((number, amount))
            yield task


def _all_tasks(
    source: StreamedDataset, shards: Sequence[RowShard] | None, blank: MeasureTask, progress: Progress
) -> Iterator[tuple[MeasureTask, int]]:
    """Every task with its amount of work, in an order that depends on the files alone."""
    if shards is None:
        yield from _of_batches(row_batches.batches(source), blank)
        return
    columns = row_batches.columns_of(source)
    for shard in shards:
        if shard.is_small:
            yield replace(blank, columns=columns[shard.split], shard=shard.absolute()), shard.size
    for shard in shards:
        if not shard.is_small:
            yield from _of_batches(columns[shard.split].batches(shard.batches(progress.say)), blank)


def _of_batches(batches: Iterator[RowBatch], blank: MeasureTask) -> Iterator[tuple[MeasureTask, int]]:
    for group in _grouped(batches):
        yield replace(blank, batches=group), sum(batch.amount for batch in group)


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
