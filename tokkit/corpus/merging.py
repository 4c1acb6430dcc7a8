"""Adding runs and parts up, partition by partition, in bounded memory, in threads or wherever an engine is.

Where other processes do it, and a partition has more than `FAN_IN` sources, they are first merged in groups,
as often as it takes: however many shards a corpus has, no task reads more files than that.
"""

from __future__ import annotations

import itertools
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tokkit import files
from tokkit.corpus import parts
from tokkit.progress import Stages
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable, StringCounts
from tokkit.runtime.engines.engine import Engine

# Partitions that are added up at a time, and bytes of memory that this may take: larger ones are added up in
# ranges of pieces, one after the other.
MERGING, MERGING_MEMORY = 4, 1 << 30
# Below this there would be too many ranges.
LEAST_MEMORY = 16 << 20
# Runs or parts that a task of another process reads, at most.
FAN_IN = 64
# Memory in bytes that adding up takes: for each piece, and for each byte of one.
_PER_PIECE, _PER_BYTE = 160, 3

# A run or part, and the row groups of it that are read; None for all.
Source = tuple[Path, Sequence[int] | None]
# The sources of a partition: as many for each.
SourcesOf = Callable[[int], Sequence[Source]]


@dataclass(frozen=True)
class MergeTask:
    """One part to write: the sum of runs or parts of its partition.

    out     what errors are about
    memory  bytes that it may take; the part is the same whatever it is
    """

    part: Path
    sources: Sequence[Source]
    out: Path
    memory: int


def add_up(
    staging: Path,
    out: Path,
    sources_of: SourcesOf,
    stages: Stages,
    thread_count: int | None,
    memory: int | None = None,
    engine: Engine | None = None,
) -> tuple[int, int]:
    """Write every part from the runs or parts of its partition; returns the pieces, and the distinct ones.

    out     what errors are about
    memory  bytes that it may take; the parts are the same whatever it is
    engine  of other processes, where parts are added up there

    Raises `InputError` for a damaged run or part, `OutputError`.
    """
    number = min(MERGING, threads.threads_to_use(thread_count))
    most = max(LEAST_MEMORY, (memory or MERGING_MEMORY) // number)

    def task_of(partition: int) -> MergeTask:
        return MergeTask(staging / parts.part_name(partition), sources_of(partition), out, most)

    def work(tasks: threads.Tasks[int]) -> tuple[int, int]:
        pieces = distinct = 0
        for partition in tasks:
            merged = merge_part(task_of(partition), lambda: tasks.stopped)
            pieces, distinct = pieces + merged[0], distinct + merged[1]
            tasks.done(1)
        return pieces, distinct

    if engine is not None:
        groups = staging / "groups"
        sources_of = _in_groups(sources_of, groups, out, most, engine, stages)
    with stages.stage("merging counts", parts.PARTITIONS, "parts") as progress:
        if engine is not None:
            sums = []
            tasks = map(task_of, range(parts.PARTITIONS))
            with closing(engine.run(merge_part, tasks, progress)) as results:
                for _, merged in results:
                    sums.append(merged)
                    progress.advance(1)
            shutil.rmtree(groups, ignore_errors=True)
        else:
            sums = threads.run(work, threads.Tasks(iter(range(parts.PARTITIONS))), number, progress)
    return sum(pieces for pieces, _ in sums), sum(distinct for _, distinct in sums)


def _in_groups(
    sources_of: SourcesOf, folder: Path, out: Path, memory: int, engine: Engine, stages: Stages
) -> SourcesOf:
    """At most `FAN_IN` sources of each partition, of the same sum: parts in ``folder``, if need be."""
    while (number := len(sources_of(0))) > FAN_IN:
        written = folder / str(number)
        with files.raising_output_error(out):
            written.mkdir(parents=True)
        tasks = _group_tasks(sources_of, written, out, memory)
        groups = math.ceil(number / FAN_IN)
        with (
            stages.stage("merging groups", parts.PARTITIONS * groups, "parts") as progress,
            closing(engine.run(merge_part, tasks, progress)) as results,
        ):
            for _ in results:
                progress.advance(1)
        for read in set(folder.iterdir()) - {written}:
            shutil.rmtree(read)
        sources_of = partial(_groups_of, written, groups)
    return sources_of


def _group_tasks(sources_of: SourcesOf, folder: Path, out: Path, memory: int) -> Iterator[MergeTask]:
    for partition in range(parts.PARTITIONS):
        sources = sources_of(partition)
        for group, start in enumerate(range(0, len(sources), FAN_IN)):
            path = _group_path(folder, group, partition)
            yield MergeTask(path, sources[start : start + FAN_IN], out, memory)


def _groups_of(folder: Path, groups: int, partition: int) -> list[Source]:
    return [(_group_path(folder, group, partition), None) for group in range(groups)]


def _group_path(folder: Path, group: int, partition: int) -> Path:
    return folder / f"{group}-{parts.part_name(partition)}"


def merge_part(task: MergeTask, stopped: Callable[[], bool] = lambda: False) -> tuple[int, int]:
    """Write one part; returns its pieces, and the distinct ones.

    Raises `InputError` for a damaged source, `OutputError`.
    """
    pieces = distinct = 0

    def counted() -> Iterator[StringCounts]:
        nonlocal pieces, distinct
        for columns in _sums(task.sources, _ranges(task.sources, task.memory), stopped):
            pieces, distinct = pieces + int(columns.counts.sum()), distinct + len(columns)
            yield columns

    with files.raising_output_error(task.out):
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
    # each is read once, range by range
    left = [_Sorted(parts.batches(*source)) for source in sources]
    for end in [*bounds, None]:
        table = ByteTable()
        for pieces in itertools.chain.from_iterable(source.until(end) for source in left):
            if stopped():
                return
            table.add(pieces)
        columns = table.columns()
        del table  # its memory is needed to sort the columns
        yield columns


class _Sorted:
    """The pieces of a sorted run or part that are not read yet."""

    def __init__(self, batches: Iterator[StringCounts]) -> None:
        self._batches = batches
        self._batch = next(batches, None)

    def until(self, end: bytes | None) -> Iterator[StringCounts]:
        """Read those before ``end``; all of them without one."""
        while self._batch is not None:
            inside = self._batch if end is None else parts.within(self._batch, None, end)
            if len(inside):
                yield inside
            if len(inside) < len(self._batch):
                self._batch = parts.within(self._batch, end, None)
                return
            self._batch = next(self._batches, None)


def _batches(sources: Iterable[Source]) -> Iterator[StringCounts]:
    return itertools.chain.from_iterable(parts.batches(*source) for source in sources)
