"""Adding runs and parts up, partition by partition, in bounded memory, in threads or wherever an engine is.

Where other processes do it, more than `FAN_IN` runs are first merged in groups, each to one run, as often as
it takes: however many shards a corpus has, no task opens more files than that.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokkit import files
from tokkit.corpus import parts
from tokkit.progress import Stages
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable, StringCounts
from tokkit.runtime.engines.engine import Engine

# Partitions that are added up at a time, and bytes of memory that this may take: larger ones are added up in
# ranges of pieces, for each of which the runs are read again.
MERGING, MERGING_MEMORY = 4, 1 << 30
# Below this the runs would be read again too often.
LEAST_MEMORY = 16 << 20
# Runs that a task of another process reads, at most.
FAN_IN = 64
# Memory in bytes that adding up takes: for each piece, and for each byte of one.
_PER_PIECE, _PER_BYTE = 160, 3

# A run or part, and the row groups of it that are read; None for all.
Source = tuple[Path, Sequence[int] | None]


@dataclass(frozen=True)
class MergeTask:
    """One part to write: the sum of runs or parts of its partition.

    ranges  in how many ranges of pieces, so that each fits into memory
    """

    part: Path
    sources: Sequence[Source]
    ranges: int


@dataclass(frozen=True)
class RunTask:
    """One run to write: the sum of others.

    out      what errors are about
    memory   bytes that adding up may take
    """

    run: Path
    sources: Sequence[Path]
    out: Path
    memory: int


def few_runs(
    runs: Sequence[Path],
    new_run: Callable[[int], Path],
    out: Path,
    stages: Stages,
    memory: int | None,
    engine: Engine,
) -> list[Path]:
    """At most `FAN_IN` runs with the same sum, merged in other processes where there are more.

    ``new_run`` gives the path of a run to write by its number. Raises `InputError` for a damaged run,
    `OutputError` about ``out``.
    """
    runs, number, merged = list(runs), itertools.count(), set[Path]()
    while len(runs) > FAN_IN:
        groups = [runs[start : start + FAN_IN] for start in range(0, len(runs), FAN_IN)]
        most = max(LEAST_MEMORY, memory or MERGING_MEMORY)
        tasks = [RunTask(new_run(next(number)), group, out, most) for group in groups if len(group) > 1]
        with stages.stage("merging runs", len(tasks), "runs") as progress:
            for _ in engine.run(merge_runs, tasks, progress):
                progress.advance(1)
        # those of shards are kept: the next run goes on from them if this one ends early
        for run in merged & {run for task in tasks for run in task.sources}:
            run.unlink()
        single = [group[0] for group in groups if len(group) == 1]
        runs = [task.run for task in tasks] + single
        merged |= {task.run for task in tasks}
    return runs


def merge_runs(task: RunTask) -> None:
    """Write one run, the sum of others. Raises `InputError` for a damaged one, `OutputError`."""

    def partitions() -> Iterator[Iterable[StringCounts]]:
        for partition in range(parts.PARTITIONS):
            sources: list[Source] = [(run, [partition]) for run in task.sources]
            yield _sums(sources, _ranges(sources, task.memory), lambda: False)

    with files.raising_output_error(task.out):
        task.run.unlink(missing_ok=True)  # of a worker that was killed
        parts.write_partitions(task.run, partitions())


def add_up(
    staging: Path,
    sources_of: Callable[[int], Sequence[Source]],
    stages: Stages,
    thread_count: int | None,
    memory: int | None = None,
    engine: Engine | None = None,
) -> tuple[int, int]:
    """Write every part from the runs or parts of its partition; returns the pieces, and the distinct ones.

    memory  bytes that it may take; the parts are the same whatever it is
    engine  of other processes, where parts are added up there
    """
    number = min(MERGING, threads.threads_to_use(thread_count))
    most = max(LEAST_MEMORY, (memory or MERGING_MEMORY) // number)

    def task_of(partition: int) -> MergeTask:
        sources = sources_of(partition)
        return MergeTask(staging / parts.part_name(partition), sources, _ranges(sources, most))

    def work(tasks: threads.Tasks[int]) -> tuple[int, int]:
        pieces = distinct = 0
        for partition in tasks:
            merged = merge_part(task_of(partition), lambda: tasks.stopped)
            pieces, distinct = pieces + merged[0], distinct + merged[1]
            tasks.done(1)
        return pieces, distinct

    with stages.stage("merging counts", parts.PARTITIONS, "parts") as progress:
        if engine is not None:
            sums = []
            merging = [task_of(partition) for partition in range(parts.PARTITIONS)]
            for _, merged in engine.run(merge_part, merging, progress):
                sums.append(merged)
                progress.advance(1)
        else:
            sums = threads.run(work, threads.Tasks(iter(range(parts.PARTITIONS))), number, progress)
    return sum(pieces for pieces, _ in sums), sum(distinct for _, distinct in sums)


def merge_part(task: MergeTask, stopped: Callable[[], bool] = lambda: False) -> tuple[int, int]:
    """Write one part; returns its pieces, and the distinct ones. Raises `InputError` for a damaged source."""
    pieces = distinct = 0

    def counted() -> Iterator[StringCounts]:
        nonlocal pieces, distinct
        for columns in _sums(task.sources, task.ranges, stopped):
            pieces, distinct = pieces + int(columns.counts.sum()), distinct + len(columns)
            yield columns

    task.part.unlink(missing_ok=True)  # of a worker that was killed
    parts.write_part(task.part, counted())
    return pieces, distinct


def _ranges(sources: Iterable[Source], memory: int) -> int:
    """In how many ranges of pieces the sources are added up, so that each takes no more than ``memory``."""
    sizes = [parts.size_of(*source) for source in sources]
    return math.ceil(sum(rows * _PER_PIECE + size * _PER_BYTE for rows, size in sizes) / memory)


def _sums(sources: Sequence[Source], ranges: int, stopped: Callable[[], bool]) -> Iterator[StringCounts]:
    """The sum of sorted runs or parts, in ranges of pieces, each before the next, and sorted within none.

    Ends early once ``stopped`` says so.
    """
    bounds = parts.bounds_of(_batches(sources), ranges) if ranges > 1 else []
    for first, end in itertools.pairwise([None, *bounds, None]):
        table = ByteTable()
        for batch in _batches(sources):
            if stopped():
                return
            table.add(parts.within(batch, first, end))
        columns = table.columns()
        del table  # its memory is needed to sort the columns
        yield columns


def _batches(sources: Iterable[Source]) -> Iterator[StringCounts]:
    return itertools.chain.from_iterable(parts.batches(*source) for source in sources)
