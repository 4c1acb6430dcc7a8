"""A data set encoded part by part, each a file of its own: what is finished is never encoded again.

A part is batches of rows of a shard, in order, until they hold about 16 MB of text. Which rows a part has
depends on the files alone, so the same data gives the same parts at any number of threads or processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tokkit.data.loading.streaming import string_columns
from tokkit.files import raising_output_error
from tokkit.files.work import Work
from tokkit.runtime.strings import Strings
from tokkit.sources.formats import Say
from tokkit.sources.formats.batch import Batch
from tokkit.tokenizer.encoding.batch_encoder import BatchEncoder, CheckedRow, joined, rows_to_check
from tokkit.tokenizer.encoding.reference import Encoded

# Rows, and bytes of text, after which a part ends with its batch.
ROWS, BYTES = 1 << 16, 1 << 24

# More than the parts of any shard: a part is numbered by its shard, then within it.
PARTS_OF_A_SHARD = 1_000_000

# Rows of a part that are compared with `tokenizers`, and bytes of the longest of them.
_CHECKED, _LONGEST_CHECKED = 4, 1 << 16


@dataclass(frozen=True)
class Columns:
    """The columns that are encoded: texts, second ones where rows are pairs, labels where there are any."""

    text: str
    pair: str | None
    label: str | None

    @property
    def names(self) -> list[str]:
        return [self.text, *filter(None, (self.pair, self.label))]


@dataclass(frozen=True)
class Part:
    """Consecutive rows of a split.

    number    among the parts of all splits: that of its shard times `PARTS_OF_A_SHARD`, then from 0
    batches   texts, second texts and labels, as `Columns`
    read      `Batch.read` of them
    types     of JSON's columns, as `string_columns` has them
    messages  of the readers of its shard, where it is the last part of that
    is_last   whether it is
    """

    number: int
    split: str
    batches: Sequence[tuple[Strings, Strings | None, Strings | None]]
    read: int
    types: Mapping[str, str]
    messages: Sequence[str] = ()
    is_last: bool = False


@dataclass(frozen=True)
class EncodedPart:
    """ids      of the rows that have a text
    missing  (rows,) bool, the rows without one
    labels   of every row, empty where it has none; None where the data set has none
    bytes    of the texts
    """

    ids: Encoded
    missing: NDArray[np.bool_]
    labels: Sequence[Strings] | None
    bytes: int

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of every row; 0 where it has no text."""
        lengths = np.zeros(len(self.missing), np.int64)
        lengths[~self.missing] = self.ids.lengths
        return lengths


class Writer(Protocol):
    """Writes a part to the paths that it is given, one for each suffix."""

    @property
    def suffixes(self) -> Sequence[str]: ...

    def __call__(self, part: EncodedPart, paths: Sequence[Path]) -> None: ...


def parts_of(
    shard: int,
    split: str,
    read_batches: Callable[[Say], Iterator[Batch]],
    columns: Columns,
    types: dict[str, str],
) -> Iterator[Part]:
    """The parts of a shard.

    read_batches  its rows; what it says is among the messages of the last part

    Raises `InputError` as the readers, `TypesChanged` as `string_columns`.
    """
    messages: list[str] = []
    waiting: Part | None = None
    for part in _parts(shard, split, read_batches(messages.append), columns, types):
        if waiting is not None:
            yield waiting
        waiting = part
    if waiting is not None:
        yield replace(waiting, messages=tuple(messages), is_last=True)


def _parts(
    shard: int, split: str, read_batches: Iterator[Batch], columns: Columns, types: dict[str, str]
) -> Iterator[Part]:
    numbers = count(shard * PARTS_OF_A_SHARD)
    batches: list[Any] = []
    rows = size = read = 0
    for strings, batch_read in string_columns(read_batches, columns.names, types):
        by_name = dict(zip(columns.names, strings, strict=True))
        texts, pairs, labels = (
            None if name is None else by_name[name] for name in (columns.text, columns.pair, columns.label)
        )
        assert texts is not None
        batches.append((texts, pairs, labels))
        rows, read = rows + len(texts), read + batch_read
        size += texts.size + (0 if pairs is None else pairs.size)
        if rows >= ROWS or size >= BYTES:
            yield Part(next(numbers), split, batches, read, dict(types))
            batches, rows, size, read = [], 0, 0, 0
    if rows:
        yield Part(next(numbers), split, batches, read, dict(types))


def encode_part(
    part: Part,
    encoder: BatchEncoder,
    work: Work,
    writer: Writer,
    sample: list[CheckedRow],
) -> None:
    """Write a part and mark it as done, unless it is; adds some of its rows to the ``sample``.

    Raises `InputError` for what cannot be encoded, `OutputError`.
    """
    if work.look_up(part.number):
        return
    encoded = _encoded(part, encoder, sample)
    paths = [work.run_path(part.number, i, suffix) for i, suffix in enumerate(writer.suffixes)]
    with raising_output_error(work.out):
        writer(encoded, paths)
        for path in paths:
            _sync(path)
    work.finish(part.number, [path.name for path in paths], **_summary(part, encoded))


def finished_shards(work: Work) -> set[int]:
    """The shards of which every part is done."""
    last = {number for number, marker in work.done.items() if marker["is_last"]}
    return {
        number // PARTS_OF_A_SHARD
        for number in last
        if all(earlier in work.done for earlier in range(number - number % PARTS_OF_A_SHARD, number))
    }


def _encoded(part: Part, encoder: BatchEncoder, sample: list[CheckedRow]) -> EncodedPart:
    """The rows of a part; some of them are added to the sample."""
    encoded, missing, size = [], [], 0
    pairs = None
    for texts, pairs, _ in part.batches:
        present = texts.present if pairs is None else texts.present & pairs.present
        first, second = texts.take(present), None if pairs is None else pairs.take(present)
        encoded.append(encoder.encode(first, second))
        missing.append(~present)
        size += first.size + (0 if second is None else second.size)
        if len(first) and len(encoded) == 1:
            sample.extend(rows_to_check(first, second, encoded[-1], _CHECKED, _LONGEST_CHECKED))
    labels = [labels for _, _, labels in part.batches if labels is not None]
    return EncodedPart(joined(encoded, pairs is not None), np.concatenate(missing), labels or None, size)


def _summary(part: Part, encoded: EncodedPart) -> dict[str, Any]:
    """What the marker of a part says of it."""
    return {
        "split": part.split,
        "types": part.types,
        "messages": part.messages,
        "is_last": part.is_last,
        "rows": len(encoded.missing),
        "without_text": int(encoded.missing.sum()),
        "tokens": len(encoded.ids.ids),
        "truncated": encoded.ids.truncated,
        "bytes": encoded.bytes,
    }


def link(source: Path, target: Path) -> None:
    """Give a file a second name, so that the first stays until the output is published."""
    with suppress(OSError):
        os.link(source, target)
        return
    source.replace(target)  # a file system without hard links


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
