"""Counting a corpus into the parts of a counts folder, shard by shard, in bounded memory.

Each thread counts in a table of its own and writes it out as a run when it is full (`parts`); what a shard
gave is kept (`work`) until all runs are added up, partition by partition.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import parts, plain, text_blocks, words
from tokkit.corpus.counts import Identity
from tokkit.corpus.feed import CorpusFile
from tokkit.corpus.shards import Shard, check_unchanged, shards_of
from tokkit.corpus.text_blocks import NEWLINE, Block
from tokkit.corpus.work import Work
from tokkit.errors import InputError
from tokkit.progress import Progress, Stages
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable, Pieces
from tokkit.sources import streams
from tokkit.sources.paths import shown

MERGING = 4
"""Partitions that are added up at a time: a quarter of all distinct pieces is in memory then."""


@dataclass(frozen=True)
class Counted:
    """What the parts hold.

    pieces    pieces in all
    distinct  different ones
    bytes     bytes of text they were counted in
    inputs    the files, as `files.describe_input` describes them
    """

    pieces: int
    distinct: int
    bytes: int
    inputs: Sequence[Mapping[str, Any]]


def count_corpus(
    staging: Path,
    work_folder: Path,
    out: Path,
    corpus: Sequence[CorpusFile],
    skeleton: str,
    stages: Stages,
    thread_count: int | None = None,
    memory: int | None = None,
) -> Counted:
    """Writes the parts of a corpus under the blocks of ``skeleton`` (a tokenizer in JSON) to ``staging``.

    work_folder  where finished shards are kept; a run of the same job goes on there
    out          what errors are about
    memory       bytes that the tables of chunks may take

    Raises `InputError` for text that cannot be read, and for a corpus without text; `OutputError`.
    """
    identity = Identity.of(skeleton)
    shards = shards_of(corpus, within_files=identity.cuts is not None)
    planned = [[part.as_dict() for part in shard] for shard in shards]
    job = {"fingerprint": identity.fingerprint, "shards": planned, "versions": files.versions("tokenizers")}
    work = Work(work_folder, out, len(shards))
    try:
        work.begin(job, stages.progress)
        left = [(number, shard) for number, shard in enumerate(shards) if number not in work.done]
        with stages.stage("counting", _size(shard for _, shard in left), "bytes") as progress:
            for number, shard in left:
                _count(work, number, shard, identity, skeleton, progress, thread_count, memory)
        if not work.runs():
            raise InputError("the corpus holds no text to count")
        pieces, distinct = add_up(staging, _row_groups(work.runs()), stages, thread_count)
    except BaseException as error:
        if isinstance(error, InputError) or work.empty or not _can_be_read_again(corpus):
            work.remove()
        elif work.done:
            kept = f"{len(work.done)} of {work.shards} shards are kept: the same command goes on from there"
            stages.progress.say(kept)
        raise
    told = [work.done[number] for number in range(work.shards)]
    inputs = [each for shard in told for each in shard["inputs"]]
    return Counted(pieces, distinct, sum(shard["bytes"] for shard in told), inputs)


def add_up(
    staging: Path, batches_of: Callable[[int], Iterator[Pieces]], stages: Stages, thread_count: int | None
) -> tuple[int, int]:
    """Writes every part from the batches of its partition; gives pieces in all, and different ones."""

    def work(mine: threads.Tasks[int]) -> tuple[int, int]:
        pieces = distinct = 0
        for partition in mine:
            table = parts.added_up(batches_of(partition), lambda: mine.stopped)
            if mine.stopped:
                break
            pieces, distinct = pieces + table.total(), distinct + len(table)
            columns = table.pieces()
            del table
            parts.write_part(staging / parts.part_name(partition), columns)
            mine.done(1)
        return pieces, distinct

    number = min(MERGING, threads.threads_to_use(thread_count))
    with stages.stage("merging counts", parts.PARTITIONS, "parts") as progress:
        found = threads.run(work, threads.Tasks(iter(range(parts.PARTITIONS))), number, progress)
    return sum(pieces for pieces, _ in found), sum(distinct for _, distinct in found)


def _row_groups(runs: Sequence[Path]) -> Callable[[int], Iterator[Pieces]]:
    def of(partition: int) -> Iterator[Pieces]:
        for run in runs:
            yield from parts.batches(run, [partition])

    return of


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
        table, size = plain.count([part.file for part in shard], skeleton, progress, thread_count)
        threads.run(
            lambda mine: runs.write(table, lambda: mine.stopped), threads.Tasks(iter(())), 1, progress
        )
    else:
        size = _count_chunks(shard, identity.cuts, runs, progress, thread_count, memory)
    ended = iter([part.file.path for part in shard if part.last])
    inputs = threads.run(_describe, threads.Tasks(ended), threads.threads_to_use(thread_count), progress)
    check_unchanged(shard)
    described = {path: each for some in inputs for path, each in some.items()}
    told = [described[part.file.path] for part in shard if part.last]
    work.finish(number, runs.written, bytes=size, inputs=told)


def _count_chunks(
    shard: Shard, cuts: str, runs: _Runs, progress: Progress, thread_count: int | None, memory: int | None
) -> int:
    """Writes the runs of a shard; gives the bytes of its text."""
    number = threads.threads_to_use(thread_count)
    share = words.MEMORY if memory is None else memory // number
    tasks = threads.Tasks(_blocks(shard))

    def count(mine: threads.Tasks[Block]) -> None:
        chunks = ByteTable()
        for block in mine:
            words.count_chunks(block, cuts, chunks, share, flush)
            mine.done(block.read)
        flush(chunks)

    def flush(chunks: ByteTable) -> None:
        runs.write(chunks, lambda: tasks.stopped)
        chunks.clear()

    threads.run(count, tasks, number, progress)
    return tasks.total


class _Runs:
    """The runs of one shard; threads may share it."""

    def __init__(self, work: Work, shard: int) -> None:
        self.written: list[Path] = []
        self._work = work
        self._shard = shard
        self._adding = threading.Lock()

    def write(self, table: ByteTable, stopped: Callable[[], bool]) -> None:
        if not len(table) or stopped():
            return
        with self._adding:
            path = self._work.run_path(self._shard, len(self.written))
            self.written.append(path)
        with files.raising_output_error(self._work.out):
            parts.write_run(path, table.pieces(), stopped)


def _blocks(shard: Shard) -> Iterator[Block]:
    for part in shard:
        if part.whole:
            yield from text_blocks.blocks([part.file])
        else:
            for text, read in streams.text_blocks(part.file.path, part.start, part.end):
                yield Block.of(text, NEWLINE, read)


def _describe(paths: threads.Tasks[Path]) -> dict[Path, dict[str, Any]]:
    return {path: files.describe_input(path) for path in paths}


def _can_be_read_again(corpus: Sequence[CorpusFile]) -> bool:
    """Whether the same command would meet the same files: standard input is gone."""
    return all(shown(file.path) == str(file.path) for file in corpus)


def _size(shards: Iterator[Shard]) -> int | None:
    """Bytes that will be read; None where a table or a compressed file hides it."""
    found = [part for shard in shards for part in shard]
    plain_text = all(part.file.column is None and streams.is_plain(part.file.path) for part in found)
    return sum(part.end - part.start for part in found) if plain_text else None
