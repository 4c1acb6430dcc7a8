"""Parquet and Arrow files as rows.

Numbers that `datasets` wrote for labels (a ``ClassLabel``) become the names that the file
holds for them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow
from pyarrow import parquet

from tokkit.errors import InputError
from tokkit.sources.formats import FormatOptions, TableFormat
from tokkit.sources.formats.batch import BYTES, ROWS, Batch, Say

Frames = Iterator[tuple[pl.DataFrame, int]]
"""Tables of some rows, each with about how many bytes of the file they take."""
Metadata = Mapping[bytes, bytes] | None
Wanted = Sequence[str] | None


def batches(path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> Iterator[Batch]:
    """The rows of a Parquet file, or of an Arrow file or stream, types as they are in it.

    Numbers of classes become their names, which is said. Raises `InputError` for a file that is damaged.
    """
    metadata_of, frames_of = _READERS[table_format.name]
    with _damage_reported(path):
        classes = class_names(metadata_of(path))
        for frame, read in frames_of(path, options.columns):
            named = _with_names(frame, classes, path, say)
            yield Batch({name: named[name] for name in named.columns}, named.height, read)
            say = _silent  # once a file is enough


def _silent(message: str) -> None: ...


def _with_names(
    frame: pl.DataFrame, classes: Mapping[str, Sequence[str]], path: Path, say: Say
) -> pl.DataFrame:
    """The rows with numbers of classes replaced by their names, which is said."""
    for column, names in classes.items():
        if column in frame.columns and frame[column].dtype.is_integer():
            say(f'{path}: the numbers in column "{column}" have names: {", ".join(names[:10])}')
            frame = frame.with_columns(
                pl.col(column).replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String)
            )
    return frame


def _parquet_frames(path: Path, wanted: Wanted) -> Frames:
    with open(path, "rb") as file:  # of a path polars takes [1] for a pattern
        schema: Any = pl.read_parquet_schema(file)
    names = [name for name in schema if wanted is None or name in wanted]
    # with pre_buffer all of it would be read ahead, and kept
    with parquet.ParquetFile(path, pre_buffer=False) as parquet_file:
        groups = [parquet_file.metadata.row_group(i) for i in range(parquet_file.metadata.num_row_groups)]
        rows = _rows_of_batch(sum(group.total_byte_size for group in groups), parquet_file.metadata.num_rows)
        a_row = path.stat().st_size / max(parquet_file.metadata.num_rows, 1)
        types = {name: schema[name] for name in names}
        # a file without rows has columns too
        yield pl.DataFrame(schema=types), 0
        for batch in parquet_file.iter_batches(rows, columns=names, use_threads=False):
            # pyarrow has other types for some columns than polars, for categories say
            yield _frame(batch).cast(types), round(batch.num_rows * a_row)


def _arrow_frames(path: Path, wanted: Wanted) -> Frames:
    with _arrow_reader(path) as reader:
        names = [name for name in reader.schema.names if wanted is None or name in wanted]
        yield _frame(reader.schema.empty_table()).select(names), 0
        number = getattr(reader, "num_record_batches", None)
        for batch in reader if number is None else map(reader.get_batch, range(number)):
            rows = _rows_of_batch(batch.nbytes, batch.num_rows)
            for first in range(0, batch.num_rows, rows):
                some = batch.slice(first, rows).select(names)
                yield _frame(some), some.nbytes


def _rows_of_batch(size: int, rows: int) -> int:
    """How many rows make a batch, where ``rows`` take ``size`` bytes."""
    return max(1, min(ROWS, BYTES * rows // max(size, 1)))


def _frame(rows: Any) -> pl.DataFrame:
    table = pyarrow.Table.from_batches([rows]) if isinstance(rows, pyarrow.RecordBatch) else rows
    # what `datasets` wrote of the columns means nothing to polars
    return pl.DataFrame(pl.from_arrow(table.replace_schema_metadata(None)))


def _parquet_metadata(path: Path) -> Metadata:
    metadata: Metadata = parquet.read_metadata(path).metadata
    return metadata


def _arrow_metadata(path: Path) -> Metadata:
    with _arrow_reader(path) as reader:
        metadata: Metadata = reader.schema.metadata
        return metadata


_READERS: dict[str, tuple[Callable[[Path], Metadata], Callable[[Path, Wanted], Frames]]] = {
    "parquet": (_parquet_metadata, _parquet_frames),
    "arrow": (_arrow_metadata, _arrow_frames),
}


@contextmanager
def _arrow_reader(path: Path) -> Iterator[Any]:
    """What `pyarrow` reads an Arrow file or stream with, from memory that is mapped to it."""
    with open(path, "rb") as file:
        # files end with a table of contents, streams are read from their beginning
        is_file = file.read(6) == b"ARROW1"
    with pyarrow.memory_map(str(path)) as source:
        open_reader = pyarrow.ipc.open_file if is_file else pyarrow.ipc.open_stream
        with open_reader(source) as reader:
            yield reader


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, pyarrow.ArrowException, OSError) as error:
        what = "is empty" if path.stat().st_size == 0 else f"cannot be read: {str(error).splitlines()[0]}"
        raise InputError(
            f"{path}: {what}", hint="write the file again, or say what it is: --format csv"
        ) from error


def class_names(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
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
