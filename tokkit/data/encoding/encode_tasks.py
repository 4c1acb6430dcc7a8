"""The parts of a data set encoded in threads of this process, or as tasks of other processes.

Both encode the same parts of the same shards with the same function, so that the files are the same bytes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from tokkit.data.encoding.part_writer import PartWriter
from tokkit.data.encoding.parts import Columns, Part, encode_part, finished_shards, parts_of
from tokkit.data.loading.shards import RowShard, shards_of
from tokkit.data.loading.streaming import SplitStream, StreamedDataset, TypesChanged
from tokkit.errors import InputError
from tokkit.files.work import Wording, Work
from tokkit.progress import Progress, stage
from tokkit.runtime import threads
from tokkit.runtime.engines.engine import Engine
from tokkit.sources.formats import Say
from tokkit.sources.formats.batch import Batch
from tokkit.tokenizer.encoding.batch_encoder import BatchEncoder, BatchEncoders, CheckedRow
from tokkit.tokenizer.folder.load import load

WORDING = Wording("encoding", "options", "encoded", "part")


@dataclass(frozen=True)
class EncoderOptions:
    """Which encoder a process makes.

    location      of the tokenizer, a path
    sha256        of its file
    by_reference  whether `tokenizers` encodes every row
    """

    location: Path
    sha256: str
    max_length: int | None
    pairs: bool
    by_reference: bool


@dataclass(frozen=True)
class EncodeTask:
    """A shard, or a part of one that was read already, to encode in any process that sees the folder.

    folder   of the work
    out      what errors are about
    """

    folder: Path
    out: Path
    encoder: EncoderOptions
    columns: Columns
    writer: PartWriter
    shard: RowShard | None = None
    part: Part | None = None

    def parts(self) -> Iterator[Part]:
        if self.part is not None:
            yield self.part
        if self.shard is not None:
            yield from _of_shard(self.shard, self.columns, {})


@dataclass(frozen=True)
class EncodedParts:
    """markers  number -> what the marker of each part says
    wrong    rows of a sample that `tokenizers` encodes otherwise
    """

    markers: Mapping[int, Mapping[str, Any]]
    wrong: int


def encode_task(task: EncodeTask) -> EncodedParts:
    """Encode the parts of a task, those that are done already aside.

    Raises `InputError` for what cannot be read or encoded, `OutputError`, `TypesChanged`.
    """
    work = Work(task.folder, task.out, None, WORDING)
    encoders, encoder = _encoder(task.encoder)
    sample: list[CheckedRow] = []
    for part in task.parts():
        encode_part(part, encoder, work, task.writer, sample)
    return EncodedParts(work.done, encoders.differing(sample))


# a process encodes many shards: the chunks that it knows are those of most of them
@functools.lru_cache(maxsize=1)
def _encoder(options: EncoderOptions) -> tuple[BatchEncoders, BatchEncoder]:
    tokenizer = load(options.location)
    if tokenizer.sha256 != options.sha256:
        raise InputError(f"{options.location}: was changed while it was used", "run the command again")
    encoders = BatchEncoders.of(
        tokenizer,
        options.max_length,
        pairs=options.pairs,
        threads=1,
        by_reference=options.by_reference,
    )
    return encoders, encoders.new()


class DatasetParts:
    """The parts of a data set that ``work`` lacks.

    Raises `TypesChanged` where those that it has are of several types.
    """

    def __init__(self, dataset: StreamedDataset, columns: Columns, work: Work, progress: Progress) -> None:
        self._dataset, self._columns, self._work, self._progress = dataset, columns, work, progress
        self._shards = shards_of(dataset)
        self._types: dict[str, dict[str, str]] = {name: {} for name in dataset.splits}
        for number, marker in work.done.items():
            self._add(number, marker)
        finished = finished_shards(work)
        self._unfinished = [shard for shard in self._shards or () if shard.number not in finished]

    def encode_in_threads(self, encoders: BatchEncoders, writer: PartWriter) -> int:
        """Encode and mark them; how many rows of a sample `tokenizers` encodes otherwise.

        Raises `InputError` for what cannot be read or encoded, `OutputError`, `TypesChanged`.
        """

        def encode(tasks: threads.Tasks[Part]) -> list[CheckedRow]:
            encoder = encoders.new()
            sample: list[CheckedRow] = []
            for part in tasks:
                encode_part(part, encoder, self._work, writer, sample)
                self._say(part.messages)
                tasks.done(part.read)
            return sample

        with self._stage():
            samples = threads.run(encode, threads.Tasks(self._read()), encoders.threads, self._progress)
        return encoders.differing([row for sample in samples for row in sample])

    def encode_in_tasks(self, options: EncoderOptions, writer: PartWriter, engine: Engine) -> int:
        """As `encode_in_threads`, in other processes."""
        amounts: list[int] = []
        blank = EncodeTask(self._work.folder, self._work.out, options, self._columns, writer)
        wrong = 0
        running = engine.run(encode_task, self._tasks(blank, amounts), self._progress)
        with self._stage(), closing(running) as results:
            for index, encoded in results:
                for number, marker in encoded.markers.items():
                    self._work.done[number] = marker
                    self._add(number, marker)
                wrong += encoded.wrong
                self._progress.advance(amounts[index])
        return wrong

    def _stage(self) -> AbstractContextManager[None]:
        return stage(self._progress, "encoding", self._dataset.size, self._dataset.unit)

    def _read(self) -> Iterator[Part]:
        """The parts, read in this process."""
        if self._shards is None:
            yield from self._in_memory()
        for shard in self._unfinished:
            yield from _of_shard(shard, self._columns, self._types[shard.split])

    def _tasks(self, blank: EncodeTask, amounts: list[int]) -> Iterator[EncodeTask]:
        """The parts for other processes, to which this one reads what no other can, or would long read.

        amounts   of the work, one is added for each task
        """
        for shard in self._unfinished:
            if shard.is_small:
                amounts.append(shard.size)
                yield replace(blank, shard=shard.absolute())
        large = (shard for shard in self._unfinished if not shard.is_small)
        parts = chain.from_iterable(_of_shard(shard, self._columns, {}) for shard in large)
        for part in self._in_memory() if self._shards is None else parts:
            if part.number not in self._work.done:
                amounts.append(part.read)
                yield replace(blank, part=part)

    def _in_memory(self) -> Iterator[Part]:
        for number, (name, split) in enumerate(self._dataset.splits.items()):
            yield from parts_of(number, name, partial(_said, split), self._columns, self._types[name])

    def _add(self, number: int, marker: Mapping[str, Any]) -> None:
        """Takes note of what the marker of a part says."""
        types = self._types[marker["split"]]
        for name, dtype in marker["types"].items():
            if types.setdefault(name, dtype) != dtype:
                raise TypesChanged
        self._say(marker["messages"])

    def _say(self, messages: Iterable[str]) -> None:
        for message in messages:
            self._progress.say(message)


def _said(split: SplitStream, say: Say) -> Iterator[Batch]:
    """The rows of a split whose readers say what they have to say themselves."""
    return split.batches()


def _of_shard(shard: RowShard, columns: Columns, types: dict[str, str]) -> Iterator[Part]:
    return parts_of(shard.number, shard.split, shard.batches, columns, types)
