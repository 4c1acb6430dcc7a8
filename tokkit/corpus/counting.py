"""Counting a corpus into the parts of a counts folder, shard by shard, in bounded memory.

Each thread counts in a table of its own and writes it as a run when it is full (`parts`). The runs of a shard
are kept (`work`) until those of all shards are added up, partition by partition.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import parts
from tokkit.corpus.chunks import Texts, count_in_threads, lines_of, texts_of
from tokkit.corpus.counts import Identity, Totals
from tokkit.corpus.feed import CorpusFile, size_of
from tokkit.corpus.shards import FileRange, Shard, check_unchanged, shards_of
from tokkit.corpus.uncut_words import count_in_child
from tokkit.corpus.words import table_of
from tokkit.errors import InputError
from tokkit.files.work import Wording, Work
from tokkit.progress import Progress, Stages
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable, StringCounts
from tokkit.sources.paths import display_name

# Partitions that are added up at a time, and bytes of memory that this may take: larger ones are added up in
# ranges of pieces, for each of which the runs are read again.
MERGING, MERGING_MEMORY = 4, 1 << 30
# Below this the runs would be read again too often.
LEAST_MEMORY = 16 << 20
# Memory in bytes that adding up takes: for each piece, and for each byte of one.
_PER_PIECE, _PER_BYTE = 160, 3


_WORDING = Wording("count", "blocks", "counted")

# A run or part, and the row groups of it that are read; None for all.
Source = tuple[Path, Sequence[int] | None]


def count_corpus(
    staging: Path,
    work_folder: Path,
    out: Path,
    corpus: Sequence[CorpusFile],
    skeleton: str,
    stages: Stages,
    thread_count: int | None = None,
    memory: int | None = None,
) -> Totals:
    """Writes the parts of a corpus under the blocks of ``skeleton`` (a tokenizer in JSON) to ``staging``.

    work_folder  where finished shards are kept; a run of the same job goes on there
    out          what errors are about
    memory       bytes that the tables of chunks may take, and adding them up

    Raises `InputError` for text that cannot be read, and for a corpus without text; `OutputError`.
    """
    identity = Identity.of(skeleton)
    shards = shards_of(corpus, within_files=identity.cuts is not None)
    planned = [[part.as_dict() for part in shard] for shard in shards]
    job = {"fingerprint": identity.fingerprint, "shards": planned, "versions": files.versions("tokenizers")}
    work = Work(work_folder, out, len(shards), _WORDING)
    try:
        work.begin(job, stages.progress)
        remaining = [(number, shard) for number, shard in enumerate(shards) if number not in work.done]
        with stages.stage("counting", _size(shard for _, shard in remaining), "bytes") as progress:
            for number, shard in remaining:
                _count(work, number, shard, identity, skeleton, progress, thread_count, memory)
        if not work.runs():
            raise InputError("the corpus holds no text to count")
        # a partition holds every occurrence of its pieces, so partitions can be added up one after the other
        runs = work.runs()
        pieces, distinct = add_up(
            staging,
            lambda partition: [(run, [partition]) for run in runs],
            stages,
            thread_count,
            memory,
        )
    except BaseException as error:
        # bad input fails again in the next run, and standard input is gone: then nothing is worth keeping
        if isinstance(error, InputError) or work.empty or not _can_be_read_again(corpus):
            work.remove()
        else:
            work.say_kept(stages.progress)
        raise
    finished = [work.done[number] for number in range(len(shards))]
    inputs = [file for shard in finished for file in shard["inputs"]]
    return Totals(
        identity=identity,
        pieces=pieces,
        distinct=distinct,
        bytes=sum(shard["bytes"] for shard in finished),
        inputs=inputs,
    )


def add_up(
    staging: Path,
    sources_of: Callable[[int], Sequence[Source]],
    stages: Stages,
    thread_count: int | None,
    memory: int | None = None,
) -> tuple[int, int]:
    """Write every part from the runs or parts of its partition; returns the pieces, and the distinct ones.

    memory  bytes that it may take; the parts are the same whatever it is
    """
    number = min(MERGING, threads.threads_to_use(thread_count))
    most = max(LEAST_MEMORY, (memory or MERGING_MEMORY) // number)

    def work(tasks: threads.Tasks[int]) -> tuple[int, int]:
        pieces = distinct = 0

        def summed(sources: Sequence[Source], ranges: int) -> Iterator[StringCounts]:
            nonlocal pieces, distinct
            bounds = parts.bounds_of(_batches(sources), ranges) if ranges > 1 else []
            for first, end in itertools.pairwise([None, *bounds, None]):
                table = ByteTable()
                for batch in _batches(sources):
                    if tasks.stopped:
                        return
                    table.add(parts.within(batch, first, end))
                pieces, distinct = pieces + table.total(), distinct + len(table)
                columns = table.columns()
                del table  # its memory is needed to sort the columns
                yield columns

        for partition in tasks:
            sources = sources_of(partition)
            sizes = [parts.size_of(*source) for source in sources]
            needed = sum(rows * _PER_PIECE + size * _PER_BYTE for rows, size in sizes)
            part = staging / parts.part_name(partition)
            parts.write_part(part, summed(sources, math.ceil(needed / most)))
            tasks.done(1)
        return pieces, distinct

    with stages.stage("merging counts", parts.PARTITIONS, "parts") as progress:
        sums = threads.run(work, threads.Tasks(iter(range(parts.PARTITIONS))), number, progress)
    return sum(pieces for pieces, _ in sums), sum(distinct for _, distinct in sums)


def _batches(sources: Iterable[Source]) -> Iterator[StringCounts]:
    return itertools.chain.from_iterable(parts.batches(*source) for source in sources)


def _count(
    work: Work,
    number: int,
    shard: Shard,
    identity: Identity,
    skeleton: str,
    progress: Progress,
    thread_count: int | None,
    memory: int | None,
) -> None:
    runs = _Runs(work, number)
    if identity.cuts is None:
        words = count_in_child([part.file for part in shard], skeleton, progress, thread_count)
        table, nothing = table_of(words.counts), threads.Tasks[Path](iter(()))
        threads.run(lambda tasks: runs.write(table, lambda: tasks.stopped), nothing, 1, progress)
        size = words.bytes
    else:
        texts = (texts for part in shard for texts in _texts_of(part))
        size = count_in_threads(texts, identity.cuts, runs.write, progress, thread_count, memory)
    # a file that goes on in the next shard is described by that one, once
    ended = [part.file.path for part in shard if part.last]
    tasks = threads.Tasks(iter(ended))
    described = threads.run(_describe, tasks, threads.threads_to_use(thread_count), progress)
    # after the files are hashed, so that counts and hashes are of the same bytes
    check_unchanged(shard)
    inputs = {path: file for of_thread in described for path, file in of_thread.items()}
    work.finish(number, runs.written, bytes=size, inputs=[inputs[path] for path in ended])


class _Runs:
    """The runs of one shard; threads may share it."""

    def __init__(self, work: Work, shard: int) -> None:
        self.written: list[Path] = []
        self._work = work
        self._shard = shard
        self._lock = threading.Lock()

    def write(self, table: ByteTable, stopped: Callable[[], bool]) -> None:
        if not len(table) or stopped():
            return
        # only the name is chosen under the lock: runs are compressed and written in parallel
        with self._lock:
            path = self._work.run_path(self._shard, len(self.written))
            self.written.append(path)
        with files.raising_output_error(self._work.out):
            parts.write_run(path, table.columns(), stopped)


def _texts_of(part: FileRange) -> Iterator[Texts]:
    return texts_of([part.file]) if part.whole else lines_of(part.file, part.start, part.end)


def _describe(paths: threads.Tasks[Path]) -> dict[Path, dict[str, Any]]:
    return {path: files.describe_input(path) for path in paths}


def _can_be_read_again(corpus: Sequence[CorpusFile]) -> bool:
    """Whether the same command would read the same files: standard input is gone."""
    return all(display_name(file.path) == str(file.path) for file in corpus)


def _size(shards: Iterator[Shard]) -> int | None:
    """Bytes that will be read; None where a table or a compressed file hides it."""
    ranges = [part for shard in shards for part in shard]
    hidden = size_of([part.file for part in ranges]) is None
    return None if hidden else sum(part.end - part.start for part in ranges)
