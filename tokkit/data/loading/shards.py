"""A data set in shards: consecutive rows of a split, which any process reads from their files.

    train.jsonl 80 MB, test.csv 1 MB  ->  train to 32 MB; train to 64 MB; the rest of train; test

Which rows a shard has depends on the files alone. Small files share one; a file that cannot be cut is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from tokkit.data.loading.streaming import SplitStream, StreamedDataset
from tokkit.errors import InputError
from tokkit.sources.formats import Say
from tokkit.sources.formats.batch import Batch
from tokkit.sources.formats.spans import FileRows
from tokkit.sources.paths import display_name, file_state

# Bytes of the files of a shard.
SHARD = 32 << 20

# A shard of more than so many times these bytes is a file that cannot be cut: one process would long read it.
_MOST = 4


@dataclass(frozen=True)
class RowShard:
    """Rows of a split.

    number  among the shards of all splits
    tables  where they are
    states  bytes and time of the last change of each file, when the shards were planned
    """

    number: int
    split: str
    tables: tuple[FileRows, ...]
    states: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """About the bytes of its files."""
        return sum(table.size for table in self.tables)

    @property
    def is_small(self) -> bool:
        """Whether one process is to read all of it."""
        return self.size <= _MOST * SHARD

    def batches(self, say: Say) -> Iterator[Batch]:
        """Its rows. Raises `InputError` as the readers, and where a file is not what it was when planned."""
        try:
            yield from chain.from_iterable(table.batches(say) for table in self.tables)
        except InputError:
            self._check_unchanged()  # of a file that was changed, what was read may be no row
            raise
        self._check_unchanged()

    def absolute(self) -> RowShard:
        """The same for processes with another current folder."""
        return replace(
            self, tables=tuple(replace(table, path=table.path.absolute()) for table in self.tables)
        )

    def _check_unchanged(self) -> None:
        for table, state in zip(self.tables, self.states, strict=True):
            if file_state(table.path) != state:
                raise InputError(f"{table.path}: was changed while it was read", "run the command again")


def shards_of(dataset: StreamedDataset) -> list[RowShard] | None:
    """The shards of all splits, in their order; None where other processes cannot read all files."""
    if not all(_is_in_files(split) for split in dataset.splits.values()):
        return None
    shards: list[RowShard] = []
    for name, split in dataset.splits.items():
        for tables in _grouped(split.tables):
            states = tuple(file_state(table.path) for table in tables)
            shards.append(RowShard(len(shards), name, tuple(tables), states))
    return shards


def _is_in_files(split: SplitStream) -> bool:
    # standard input is a temporary file of this process
    paths = [table.path for table in split.tables]
    return bool(paths) and all(display_name(path) == str(path) for path in paths)


def _grouped(tables: Sequence[FileRows]) -> Iterator[list[FileRows]]:
    group: list[FileRows] = []
    size = 0
    for table in chain.from_iterable(table.spans(SHARD) for table in tables):
        group.append(table)
        size += table.size
        if size >= SHARD:
            yield group
            group, size = [], 0
    if group:
        yield group
