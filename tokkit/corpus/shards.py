"""A corpus in shards of about 256 MB, each counted by itself: what is finished is never counted again.

    a.txt 600 MB, b.txt 1 MB, c.parquet 2 MB
    ->  a.txt to 256 MB;  a.txt to 512 MB;  the rest of a.txt, b.txt and c.parquet

A text file is parted at line ends; a table, a compressed file and one that is not UTF-8 stay whole, and so
does every file where the pipeline may not be cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tokkit.corpus.feed import CorpusFile
from tokkit.errors import InputError
from tokkit.sources import streams
from tokkit.sources.paths import file_state

# bytes of a shard, as they lie on the disk
SHARD = 256 << 20


@dataclass(frozen=True)
class FileRange:
    """The bytes ``start`` to ``end`` of a file that was ``size`` bytes long when it was last changed."""

    file: CorpusFile
    start: int
    end: int
    size: int
    changed: int

    @property
    def whole(self) -> bool:
        return self.end - self.start == self.size

    @property
    def last(self) -> bool:
        return self.end == self.size

    def as_dict(self) -> dict[str, Any]:
        """What tells it from any other, in JSON's types."""
        return asdict(self) | {"file": asdict(self.file) | {"path": str(self.file.path.absolute())}}


Shard = tuple[FileRange, ...]


def shards_of(corpus: Sequence[CorpusFile], within_files: bool) -> list[Shard]:
    """The corpus, in order; small files share a shard, and ``within_files`` large ones are parted."""
    shards: list[Shard] = []
    shard: list[FileRange] = []
    for part in (part for file in corpus for part in _parts_of(file, within_files)):
        shard.append(part)
        if sum(part.end - part.start for part in shard) >= SHARD:
            shards.append(tuple(shard))
            shard = []
    return [*shards, tuple(shard)] if shard else shards


def absolute(shard: Shard) -> Shard:
    """The same for processes with another current folder."""
    return tuple(replace(part, file=replace(part.file, path=part.file.path.absolute())) for part in shard)


def check_unchanged(shard: Shard) -> None:
    """Raises `InputError` where a file is no longer what it was when the work was planned."""
    for part in shard:
        if file_state(part.file.path) != (part.size, part.changed):
            raise InputError(f"{part.file.path}: was changed while it was counted", "run the command again")


def _parts_of(file: CorpusFile, within_files: bool) -> Iterator[FileRange]:
    size, changed = file_state(file.path)
    start = 0
    # others cannot be read from the middle on, and their line ends may be other bytes
    if within_files and file.size is not None:
        while size - start > SHARD:
            end = streams.line_start(file.path, start + SHARD)
            yield FileRange(file, start, end, size, changed)
            start = end
    if start < size:
        yield FileRange(file, start, size, size, changed)
