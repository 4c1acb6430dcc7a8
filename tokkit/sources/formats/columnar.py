"""Parquet and Arrow files as rows.

Numbers that `datasets` wrote for labels (a ``ClassLabel``) become the names that the file
holds for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow
from pyarrow import parquet

from tokkit.errors import InputError
from tokkit.sources.formats import FormatOptions, Say, TableFormat
from tokkit.sources.formats.batch import BYTES, ROWS, Batch

# tables of some rows, each with about how many bytes of the file they take
Frames = Iterator[tuple[pl.DataFrame, int]]
Metadata = Mapping[bytes, bytes] | None
Wanted = Sequence[str] | None


def batches(path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> Iterator[Batch]:
    """The rows of a Parquet file, or of an Arrow file or stream, types as they are in it.

    Numbers of classes become their names, which is said. Raises `InputError` for a file that is damaged.
    """
    with _damage_reported(path), _READERS[table_format.name](path, options.columns) as (metadata, frames):
        classes = class_names(metadata)
        for number, (frame, read) in enumerate(frames):
            for column, names in classes.items():
                if column in frame.columns and frame[column].dtype.is_integer():
                    if number == 0:  # once a file is enough
                        say(f'{path}: the numbers in column "{column}" have names: {", ".join(names[:10])}')
                    name_of = dict(enumerate(names))
                    named = pl.col(column).replace_strict(name_of, default=None, return_dtype=pl.String)
                    frame = frame.with_columns(named)
            yield Batch({name: frame[name] for name in frame.columns}, frame.height, read)


@contextmanager
def _parquet(path: Path, wanted: Wanted) -> Iterator[tuple[Metadata, Frames]]:
    with open(path, "rb") as file:  # of a path polars takes [1] for a pattern
        schema: Any = pl.read_parquet_schema(file)
    types = {name: dtype for name, dtype in schema.items() if wanted is None or name in wanted}

    def frames() -> Frames:
        metadata = source.metadata
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        rows = _rows_of_batch(sum(group.total_byte_size for group in groups), metadata.num_rows)
        a_row = path.stat().st_size / max(metadata.num_rows, 1)
        # a file without rows has columns too
        yield pl.DataFrame(schema=types), 0
        for batch in source.iter_batches(rows, columns=list(types), use_threads=False):
            # pyarrow has other types for some columns than polars, for categories say
            yield _frame(batch).cast(types), round(batch.num_rows * a_row)

    # with pre_buffer all of it would be read ahead, and kept
    with parquet.ParquetFile(path, pre_buffer=False) as source:
        yield source.metadata.metadata, frames()


@contextmanager
def _arrow(path: Path, wanted: Wanted) -> Iterator[tuple[Metadata, Frames]]:
    with open(path, "rb") as file:
        # files end with a table of contents, streams are read from their beginning
        is_file = file.read(6) == b"ARROW1"

    def frames() -> Frames:
        names = [name for name in reader.schema.names if wanted is None or name in wanted]
        yield _frame(reader.schema.empty_table()).select(names), 0
        number = getattr(reader, "num_record_batches", None)
        for batch in reader if number is None else map(reader.get_batch, range(number)):
            rows = _rows_of_batch(batch.nbytes, batch.num_rows)
            for first in range(0, batch.num_rows, rows):
                some = batch.slice(first, rows).select(names)
                yield _frame(some), some.nbytes

    open_reader = pyarrow.ipc.open_file if is_file else pyarrow.ipc.open_stream
    # from memory that is mapped to the file
    with pyarrow.memory_map(str(path)) as source, open_reader(source) as reader:
        yield reader.schema.metadata, frames()


_READERS = {"parquet": _parquet, "arrow": _arrow}


def _rows_of_batch(size: int, rows: int) -> int:
    """How many rows make a batch, where ``rows`` take ``size`` bytes."""
    return max(1, min(ROWS, BYTES * rows // max(size, 1)))


def _frame(rows: Any) -> pl.DataFrame:
    table = pyarrow.Table.from_batches([rows]) if isinstance(rows, pyarrow.RecordBatch) else rows
    # what `datasets` wrote of the columns means nothing to polars
    return pl.DataFrame(pl.from_arrow(table.replace_schema_metadata(None)))


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, pyarrow.ArrowException, OSError) as error:
        what = "is empty" if path.stat().st_size == 0 else f"cannot be read: {str(error).splitlines()[0]}"
        raise InputError(
            f"{path}: {what}", hint="write the file again, or say what it is: --format csv"
        ) from error


def class_names(metadata: Metadata) -> dict[str, list[str]]:
    """Column -> names of its classes, where `datasets` wrote the file."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: [str(name) for name in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
