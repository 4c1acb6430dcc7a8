"""Counting a corpus into the parts of a counts folder, shard by shard, in bounded memory.

Each thread counts in a table of its own and writes it as a run when it is full (`parts`). The runs of a shard
are kept (`work`) until those of all shards are added up, partition by partition.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.corpus import parts
from tokkit.corpus.chunks import Texts, count_in_threads, lines_of, texts_of
from tokkit.corpus.counts import Identity, Totals
from tokkit.corpus.feed import CorpusFile, size_of
from tokkit.corpus.merging import add_up
from tokkit.corpus.shards import FileRange, Shard, absolute, check_unchanged, shards_of
from tokkit.corpus.uncut_words import count_in_child
from tokkit.corpus.words import table_of
from tokkit.errors import InputError
from tokkit.files.work import Wording, Work, new_session, run_name
from tokkit.progress import SILENT, Progress, Stages
from tokkit.runtime import threads
from tokkit.runtime.byte_table import ByteTable
from tokkit.runtime.engines.engine import Engine, Inline
from tokkit.sources.paths import display_name

_WORDING = Wording("count", "blocks", "counted")
# of what markers say; a folder with markers of another one is started over
_SCHEMA = 2


def count_corpus(
    staging: Path,
    work_folder: Path,
    out: Path,
    corpus: Sequence[CorpusFile],
    skeleton: str,
    stages: Stages,
    thread_count: int | None = None,
    memory: int | None = None,
    engine: Engine | None = None,
) -> Totals:
    """Writes the parts of a corpus under the blocks of ``skeleton`` (a tokenizer in JSON) to ``staging``.

    work_folder  where finished shards are kept; a run of the same job goes on there
    out          what errors are about
    memory       bytes that the tables of chunks may take, and adding them up
    engine       of other processes, each of which counts in one thread; None: shard after shard, in threads

    Raises `InputError` for text that cannot be read, and for a corpus without text; `OutputError`.
    """
    identity = Identity.of(skeleton)
    shards = shards_of(corpus, within_files=identity.cuts is not None)
    planned = [[part.as_dict() for part in shard] for shard in shards]
    job = {
        "schema": _SCHEMA,
        "fingerprint": identity.fingerprint,
        "shards": planned,
        "versions": files.versions("tokenizers"),
    }
    work = Work(work_folder, out, len(shards), _WORDING)
    try:
        work.begin(job, stages.progress)
        remaining = [number for number in range(len(shards)) if number not in work.done]
        with stages.stage("counting", _size(shards[number] for number in remaining), "bytes") as progress:
            tasks = [
                ShardTask(
                    folder=work.folder,
                    out=out,
                    number=number,
                    shard=shards[number] if engine is None else absolute(shards[number]),
                    skeleton=skeleton,
                    cuts=identity.cuts,
                    threads=thread_count if engine is None else 1,
                    memory=memory,
                )
                for number in remaining
            ]
            _count_shards(work, tasks, engine, progress)
        if not work.runs():
            raise InputError("the corpus holds no text to count")
        runs = work.runs()
        # a partition holds every occurrence of its pieces, so partitions can be added up one after the other
        pieces, distinct = add_up(
            staging,
            out,
            lambda partition: [(run, [partition]) for run in runs],
            stages,
            thread_count,
            memory,
            engine,
        )
        expected = sum(marker["pieces"] for marker in work.done.values())
        # checked before publishing, whatever becomes of runs on the way
        if pieces != expected:
            raise InputError(
                f"{work.folder}: has {pieces:,} pieces, {expected:,} were counted: a file in it changed",
                hint="run the command again",
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


def _count_shards(work: Work, tasks: Sequence[ShardTask], engine: Engine | None, progress: Progress) -> None:
    """Count the shards and mark each as done."""
    # threads of this process advance the progress themselves, other processes cannot
    inline = partial(count_shard, progress=progress)
    running = (
        Inline().run(inline, tasks, progress) if engine is None else engine.run(count_shard, tasks, progress)
    )
    with closing(running) as results:
        for index, content in results:
            work.finish(tasks[index].number, **content)
            if engine is not None:
                progress.advance(sum(part.end - part.start for part in tasks[index].shard))


@dataclass(frozen=True)
class ShardTask:
    """One shard to count, by any process that sees its files and the folder of the work."""

    folder: Path
    out: Path
    number: int
    shard: Shard
    skeleton: str
    cuts: str | None
    threads: int | None
    memory: int | None


def count_shard(task: ShardTask, progress: Progress = SILENT) -> dict[str, Any]:
    """Write the runs of a shard; returns what its marker says, among it the names of the runs."""
    shard, runs = task.shard, _Runs(task)
    if task.cuts is None:
        words = count_in_child([part.file for part in shard], task.skeleton, progress, task.threads)
        table, nothing = table_of(words.counts), threads.Tasks[Path](iter(()))
        threads.run(lambda tasks: runs.write(table, lambda: tasks.stopped), nothing, 1, progress)
        size = words.bytes
    else:
        texts = (texts for part in shard for texts in _texts_of(part))
        size = count_in_threads(texts, task.cuts, runs.write, progress, task.threads, task.memory)
    # a file that goes on in the next shard is described by that one, once
    ended = [part.file.path for part in shard if part.last]
    tasks = threads.Tasks(iter(ended))
    described = threads.run(_describe, tasks, threads.threads_to_use(task.threads), progress)
    # after the files are hashed, so that counts and hashes are of the same bytes
    check_unchanged(shard)
    inputs = {path: file for of_thread in described for path, file in of_thread.items()}
    return {
        "runs": runs.written,
        "pieces": runs.pieces,
        "bytes": size,
        "inputs": [inputs[path] for path in ended],
    }


class _Runs:
    """The runs of one shard; threads may share it."""

    def __init__(self, task: ShardTask) -> None:
        self.written: list[str] = []
        self.pieces = 0
        self._task = task
        self._lock = threading.Lock()
        self._session = new_session()

    def write(self, table: ByteTable, stopped: Callable[[], bool]) -> None:
        if not len(table) or stopped():
            return
        # only the name is chosen under the lock: runs are compressed and written in parallel
        with self._lock:
            name = run_name(self._task.number, self._session, len(self.written))
            self.written.append(name)
            self.pieces += table.total()
        with files.raising_output_error(self._task.out):
            parts.write_run(self._task.folder / name, table.columns(), stopped)


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
