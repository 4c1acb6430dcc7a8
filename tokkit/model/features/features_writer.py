"""The features file as it is written: rows of a data set, each in its place, with the vectors of their texts.

Rows are read, and vectors computed and written, some at a time, so that memory stays bounded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow
from numpy.typing import NDArray
from pyarrow import parquet

from tokkit.data.dataset import ONE, TAGS, Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.streaming import RowBlock, StreamedDataset
from tokkit.errors import InputError, UsageError, counted
from tokkit.model.features.features_file import METADATA, READ_OPTIONS, SPLIT, TOKENS, VECTOR, VECTORS
from tokkit.model.network.hidden_states import Body, StatesOptions, hidden_states
from tokkit.progress import PartOfStage, Progress, stage
from tokkit.sources import columns
from tokkit.tokenizer.encoding.encode import Encoded, encode

# Vectors in memory at once, as float32.
BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class WrittenFeatures:
    """rows       of the file
    left_out    reason -> rows without a vector
    truncated   rows truncated at the maximum length
    """

    rows: int
    left_out: dict[str, int]
    truncated: int


@dataclass(frozen=True)
class FeaturesWriter:
    """What the vectors are computed with.

    read_options  of the data set, which the file records
    dtype         of the vectors in the file: float32 or float16
    """

    body: Body
    options: StatesOptions
    read_options: DatasetOptions
    dtype: str
    threads: int | None

    def write(self, path: Path, dataset: StreamedDataset, progress: Progress) -> WrittenFeatures:
        """Raises `InputError` as `Body.width`, for a vector that is not finite, and where no row has a text;
        `UsageError` for a column whose name is taken.
        """
        added = self._added_columns()
        blocks = dataset.row_blocks()
        first = next(blocks)
        empty = _own_columns(dataset, first)
        _check_free(empty.columns, added.names, dataset.source)
        schema = pyarrow.schema([*_to_arrow(empty).schema, *added], self._metadata(dataset, empty.columns))
        left_out: Counter[str] = Counter()
        rows = truncated = without_tokens = 0
        with (
            # Dictionaries of vectors would cost time and save nothing.
            parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=empty.columns) as writer,
            stage(progress, "computing hidden states", dataset.size, dataset.unit),
        ):
            for block in chain([first], blocks):
                if not block.original.height:
                    continue
                complete = block.complete()
                encoded = self._encoded(complete)
                part = PartOfStage(progress, max(len(encoded), 1), block.read)
                own = _to_arrow(pl.concat([empty, _with_computed(block, dataset)], how="diagonal_relaxed"))
                for start, end, vectors in self._vectors(complete.positions, own.num_rows, encoded, part):
                    split = pyarrow.array([block.split] * (end - start), pyarrow.string())
                    columns = [*own[start:end].columns, split, *vectors]
                    table = pyarrow.Table.from_arrays(columns, schema=schema)
                    writer.write_table(table, row_group_size=end - start)
                part.complete()
                rows += own.num_rows
                left_out.update(complete.left_out)
                truncated += encoded.truncated
                without_tokens += int((encoded.lengths == 0).sum())
        if rows == left_out.total():
            raise InputError(f"{dataset.source}: no row has a text")
        if truncated:
            length = self.body.limits.max_length
            progress.say(f"{counted(truncated, 'row', style=',')} truncated at max length {length}")
        if without_tokens:
            progress.say(f"{counted(without_tokens, 'text', 'have')} no token: their vectors are zero")
        for reason, number in left_out.items():
            progress.say(f"{counted(number, 'row')} {reason.replace('no', 'without', 1)}: no vector")
        return WrittenFeatures(rows, dict(left_out), truncated)

    def _added_columns(self) -> pyarrow.Schema:
        numbers = pyarrow.float16() if self.dtype == "float16" else pyarrow.float32()
        vector = pyarrow.list_(numbers, self.body.width(self.options))
        if not self.options.by_token:
            return pyarrow.schema([(SPLIT, pyarrow.string()), (VECTOR, vector)])
        tokens, vectors = pyarrow.list_(pyarrow.string()), pyarrow.list_(vector)
        return pyarrow.schema([(SPLIT, pyarrow.string()), (TOKENS, tokens), (VECTORS, vectors)])

    def _metadata(self, dataset: StreamedDataset, own: Sequence[str]) -> dict[bytes, str]:
        read = {name: getattr(self.read_options, name) for name in READ_OPTIONS}
        # Texts that were made of tokens or spans are made again; other columns are those that were guessed.
        if dataset.tokens_column in own:
            read["text_column"] = dataset.tokens_column
        elif dataset.label_kind != TAGS:
            read["text_column"] = dataset.text_column
        read["label_column"] = dataset.label_column
        content = {
            "model": Path(self.body.name).name,
            "pooling": self.options.pooling,
            "layer": self.options.layer,
            "width": self.body.width(self.options),
            "labels": dataset.label_kind,
            "columns": read,
        }
        return {METADATA: json.dumps(content, sort_keys=True)}

    def _encoded(self, rows: Rows) -> Encoded:
        limit, pairs = self.body.limits.max_length, rows.pairs or None
        return encode(rows.texts, self.body.tokenizer, limit, pairs=pairs, threads=self.threads)

    def _vectors(
        self, positions: Sequence[int], rows: int, encoded: Encoded, progress: Progress
    ) -> Iterator[tuple[int, int, list[pyarrow.Array]]]:
        """Start and end of some of the rows of a block, and their columns of vectors.

        positions   of the rows that are encoded, among all rows of the block, of which the others get null
        """
        width, by_token = self.body.width(self.options), self.options.by_token
        start = 0
        for first, last in _blocks(width * 4 * (encoded.lengths if by_token else 1), len(encoded)):
            end = rows if last == len(encoded) else positions[last]
            vectors = hidden_states(encoded, self.body, self.options, progress, start=first, end=last)
            columns = self._columns(_finite(vectors, self.dtype, self.body.name), first, last, encoded)
            if last - first < end - start:
                index = np.full(end - start, -1)
                index[np.array(positions[first:last], np.int64) - start] = np.arange(last - first)
                columns = [column.take(pyarrow.array(index, mask=index < 0)) for column in columns]
            yield start, end, columns
            start = end

    def _columns(self, numbers: NDArray[Any], start: int, end: int, encoded: Encoded) -> list[pyarrow.Array]:
        """The columns of vectors for the encoded rows from ``start`` to ``end``."""
        column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(numbers.reshape(-1)), numbers.shape[1])
        if not self.options.by_token:
            return [column]
        offsets = (encoded.offsets[start : end + 1] - encoded.offsets[start]).astype(np.int32)
        ids = encoded.ids[encoded.offsets[start] : encoded.offsets[end]]
        # Each distinct id is looked up once: a corpus has few of them.
        distinct, index = np.unique(ids, return_inverse=True)
        names = [self.body.tokenizer.backend.id_to_token(int(id_)) for id_ in distinct]
        tokens = pyarrow.array(names, type=pyarrow.string()).take(pyarrow.array(index))
        return [pyarrow.ListArray.from_arrays(offsets, values) for values in (tokens, column)]


def _own_columns(dataset: StreamedDataset, first: RowBlock) -> pl.DataFrame:
    """No row, with the columns and types that the rows of all splits have in common."""
    originals = [split.original.clear() for split in dataset.splits.values() if split.original is not None]
    try:
        return pl.concat([*originals, _with_computed(first, dataset).clear()], how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"{dataset.source}: the splits hold different types: {error}", hint="name the file of one split"
        ) from error


def _with_computed(block: RowBlock, dataset: StreamedDataset) -> pl.DataFrame:
    """The rows as in their files, and the columns of them that were computed as in training."""
    used = (dataset.text_column, dataset.pair_column, dataset.label_column)
    names = [name for name in block.frame.columns if name in used] if dataset.label_kind == ONE else []
    computed = [name for name in names if columns.values(block.original, name) is None]
    return block.original.with_columns(block.frame.get_column(name) for name in computed)


def _check_free(names: Sequence[str], added: Sequence[str], source: str) -> None:
    """Raises `UsageError` where the rows have a column of the name of one that is added."""
    if used := [name for name in added if name in names]:
        new = "words" if used[0] == TOKENS else f"input_{used[0]}"
        raise UsageError(
            f'{source}: the rows have a column "{used[0]}" already, the name of one that is added',
            hint=f"give theirs another name:\n--rename {used[0]}={new}",
        )


def _to_arrow(frame: pl.DataFrame) -> pyarrow.Table:
    # The oldest level has no string views, which not every reader of Parquet knows.
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def _blocks(row_bytes: NDArray[np.int64] | int, rows: int) -> Iterator[tuple[int, int]]:
    """First and one past the last row of each block, of `BLOCK_BYTES` or one row at most; one of no rows."""
    ends = np.cumsum(np.broadcast_to(row_bytes, rows))
    start = 0
    while start < rows or not rows:
        before = ends[start - 1] if start else 0
        end = min(max(int(np.searchsorted(ends, before + BLOCK_BYTES, "right")), start + 1), rows)
        yield start, end
        if end == rows:
            return
        start = end


def _finite(vectors: NDArray[np.float32], dtype: str, name: str) -> NDArray[Any]:
    """The vectors in the dtype of the file; raises `InputError` for a number that is not finite."""
    with np.errstate(over="ignore"):
        numbers = vectors.astype(dtype)
    if np.isfinite(numbers).all():
        return numbers
    if np.isfinite(vectors).all():
        raise InputError(
            f"{name}: its hidden states are too large for float16",
            hint="write 32 bits (--dtype)",
        )
    raise InputError(
        f"{name}: its hidden states are not finite",
        hint="the checkpoint may be damaged: load it with transformers",
    )
