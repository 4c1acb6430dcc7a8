"""A data set encoded part by part, each a file of its own: what is finished is never encoded again.

Threads share the parts: batches of rows, in order, until they hold about 16 MB of text. Which rows a part has
depends on the files alone, so the same data gives the same parts at any number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.loading.streaming import StreamedDataset
from tokkit.files import raising_output_error
from tokkit.files.work import Work
from tokkit.progress import Progress, stage
from tokkit.runtime import threads
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding.batch_encoder import (
    BatchEncoder,
    BatchEncoders,
    CheckedRow,
    joined,
    rows_to_check,
)
from tokkit.tokenizer.encoding.reference import Encoded

# Rows, and bytes of text, after which a part ends with its batch.
ROWS, BYTES = 1 << 16, 1 << 24

# Rows of a part that are compared with `tokenizers`, and bytes of the longest of them.
_CHECKED, _LONGEST_CHECKED = 4, 1 << 16


@dataclass(frozen=True)
class Part:
    """Consecutive rows of a split.

    number   among the parts of all splits
    batches  texts, and where rows are pairs those of the second texts, and their labels, where there are any
    read     `Batch.read` of them
    """

    number: int
    split: str
    batches: Sequence[tuple[Strings, Strings | None, Strings | None]]
    read: int


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


# Writes a part to the paths that it is given, one for each suffix.
Write = Callable[[EncodedPart, Sequence[Path]], None]


def encode_parts(
    dataset: StreamedDataset,
    encoders: BatchEncoders,
    work: Work,
    suffixes: Sequence[str],
    write: Write,
    progress: Progress,
) -> int:
    """Encode the parts that ``work`` lacks, and write each as files with the ``suffixes``.

    Returns how many rows of a sample `tokenizers` encodes otherwise, which is 0 unless there is a bug.

    Raises `InputError` for what cannot be read or encoded, `TypesChanged` as `StreamedDataset.columns`.
    """

    def encode(tasks: threads.Tasks[Part]) -> list[CheckedRow]:
        encoder = encoders.new()
        sample: list[CheckedRow] = []
        for part in tasks:
            if part.number not in work.done:
                encoded = _encoded(part, encoder, sample)
                paths = [work.run_path(part.number, i, suffix) for i, suffix in enumerate(suffixes)]
                with raising_output_error(work.out):
                    write(encoded, paths)
                    for path in paths:
                        _sync(path)
                work.finish(part.number, [path.name for path in paths], split=part.split, **_summary(encoded))
            tasks.done(part.read)
        return sample

    with stage(progress, "encoding", dataset.size, dataset.unit):
        tasks = threads.Tasks(parts_of(dataset))
        samples = threads.run(encode, tasks, encoders.threads, progress)
    return encoders.differing([row for sample in samples for row in sample])


def parts_of(dataset: StreamedDataset) -> Iterator[Part]:
    """The parts of all splits, in their order."""
    names = [dataset.text_column, *filter(None, (dataset.pair_column, dataset.label_column))]
    numbers = count()
    for name, split in dataset.splits.items():
        batches: list[Any] = []
        rows = size = read = 0
        for columns, batch_read in dataset.columns(split, names):
            by_name = dict(zip(names, columns, strict=True))
            texts, pairs, labels = (
                None if column is None else by_name[column]
                for column in (dataset.text_column, dataset.pair_column, dataset.label_column)
            )
            assert texts is not None
            batches.append((texts, pairs, labels))
            rows, read = rows + len(texts), read + batch_read
            size += texts.size + (0 if pairs is None else pairs.size)
            if rows >= ROWS or size >= BYTES:
                yield Part(next(numbers), name, batches, read)
                batches, rows, size, read = [], 0, 0, 0
        if rows:
            yield Part(next(numbers), name, batches, read)


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


def _summary(encoded: EncodedPart) -> dict[str, int]:
    """What the marker of a part says of it."""
    return {
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
