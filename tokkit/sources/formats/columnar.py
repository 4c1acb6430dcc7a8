"""Parquet and Arrow files as rows.

Numbers that `datasets` wrote for labels (a ``ClassLabel``, or lists of them) become the names that the file
holds for them (`class_labels`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow
from pyarrow import parquet

from tokkit.errors import InputError
from tokkit.runtime.panics import guarded, reason_of
from tokkit.sources.formats import FormatOptions, Say, TableFormat, class_labels
from tokkit.sources.formats.batch import BYTES, ROWS, Batch
from tokkit.sources.formats.decoded_size import DecodedSize, check_compressed, rows_that_fit

# tables of some rows, each with about how many bytes of the file they take
Frames = Iterator[tuple[pl.DataFrame, int]]
Metadata = Mapping[bytes, bytes] | None
Wanted = Sequence[str] | None
Span = tuple[int, int] | None


def batches(path: Path, table_format: TableFormat, options: FormatOptions, say: Say) -> Iterator[Batch]:
    """The rows of a Parquet file, or of an Arrow file or stream, types as they are in it.

    Numbers of classes become their names, which is said. Raises `InputError` for a file that is damaged, and
    for one that is far larger when it is decoded, as `DecodedSize` says.
    """
    size = DecodedSize(path)
    with _READERS[table_format.name](size, options.columns, options.span) as (metadata, frames):
        features = class_labels.features_of(metadata)
        for number, (frame, read) in enumerate(frames):
            size.add(frame)
            frame, names = class_labels.with_names(frame, features, str(path))
            if number == 0:  # once a file is enough
                for column, of_column in names.items():
                    say(f'{path}: the numbers in column "{column}" have names: {", ".join(of_column[:10])}')
            yield Batch({name: frame[name] for name in frame.columns}, frame.height, read)


def read_table(path: Path, columns: Wanted = None) -> pl.DataFrame:
    """All rows of a Parquet file, of some columns; raises `InputError` as `batches`."""
    size = DecodedSize(path)
    with _parquet(size, columns, None) as (_, frames):
        tables = []
        for frame, _ in frames:
            size.add(frame)
            tables.append(frame)
    return pl.concat(tables)


@contextmanager
def _parquet(size: DecodedSize, wanted: Wanted, span: Span) -> Iterator[tuple[Metadata, Frames]]:
    path = size.path

    def frames() -> Frames:
        metadata = source.metadata
        rows = rows_that_fit(source, types, size, _rows_of_batch(total, metadata.num_rows))
        a_row = path.stat().st_size / max(metadata.num_rows, 1)
        # a file without rows has columns too
        yield pl.DataFrame(schema=types), 0
        numbers = list(range(*(span or (0, len(groups)))))
        size.expect(sum(groups[number].total_byte_size for number in numbers) / max(total, 1))
        for batch in source.iter_batches(rows, numbers, list(types), use_threads=False):
            # pyarrow has other types for some columns than polars, for categories say
            yield valid_frame(batch).cast(types), round(batch.num_rows * a_row)

    with ExitStack() as stack:
        with _damage_reported(path):
            # with pre_buffer all of it would be read ahead, and kept
            source = stack.enter_context(parquet.ParquetFile(path, pre_buffer=False))
            groups = [source.metadata.row_group(i) for i in range(source.metadata.num_row_groups)]
            total = sum(group.total_byte_size for group in groups)
            # not the schema that polars reads: its parser ends the process on some damaged files
            schema = _frame(source.schema_arrow.empty_table()).schema
            types: Any = {name: dtype for name, dtype in schema.items() if wanted is None or name in wanted}
        yield source.metadata.metadata, _guarded_frames(path, frames())


@contextmanager
def _arrow(size: DecodedSize, wanted: Wanted, span: Span) -> Iterator[tuple[Metadata, Frames]]:
    path = size.path

    def frames() -> Frames:
        names = [name for name in reader.schema.names if wanted is None or name in wanted]
        yield _frame(reader.schema.empty_table()).select(names), 0
        for batch in reader if number is None else map(reader.get_batch, range(number)):
            some = batch.select(names)
            # before anything looks into it: offsets of a damaged file lead out of its memory
            some.validate(full=True)
            rows = _rows_of_batch(some.nbytes, some.num_rows)
            for first in range(0, some.num_rows, rows):
                yield _frame(some.slice(first, rows)), some.slice(first, rows).nbytes

    with ExitStack() as stack:
        with _damage_reported(path):
            with open(path, "rb") as file:
                # files end with a table of contents, streams are read from their beginning
                is_file = file.read(6) == b"ARROW1"
            open_reader = pyarrow.ipc.open_file if is_file else pyarrow.ipc.open_stream
            # memory that is mapped to the file
            content = stack.enter_context(pyarrow.memory_map(str(path))).read_buffer()
            reader = stack.enter_context(open_reader(content))
            number = getattr(reader, "num_record_batches", None)
            check_compressed(content, size, is_file)
            metadata = reader.schema.metadata
        yield metadata, _guarded_frames(path, frames())


_READERS = {"parquet": _parquet, "arrow": _arrow}


def row_group_sizes(path: Path) -> list[int]:
    """About the bytes of the file that each row group of a Parquet file takes; `InputError` as `batches`."""
    with _damage_reported(path):
        metadata = parquet.read_metadata(path)
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        total = sum(group.total_byte_size for group in groups)
        size = path.stat().st_size
        return [size * group.total_byte_size // max(total, 1) for group in groups]


def _rows_of_batch(size: int, rows: int) -> int:
    """How many rows make a batch, where ``rows`` take ``size`` bytes."""
    return max(1, min(ROWS, BYTES * rows // max(size, 1)))


def valid_frame(rows: Any) -> pl.DataFrame:
    """Rows of pyarrow as a table of polars, which would follow offsets that lead out of their memory.

    Raises `pyarrow.ArrowInvalid` for such offsets, and for texts that are not UTF-8.
    """
    rows.validate(full=True)
    return _frame(rows)


def _frame(rows: Any) -> pl.DataFrame:
    table = pyarrow.Table.from_batches([rows]) if isinstance(rows, pyarrow.RecordBatch) else rows
    # what `datasets` wrote of the columns means nothing to polars
    return pl.DataFrame(pl.from_arrow(table.replace_schema_metadata(None)))


def _guarded_frames(path: Path, frames: Frames) -> Frames:
    """The same tables, read one at a time within `_damage_reported`."""
    while True:
        with _damage_reported(path):
            item = next(frames, None)
        if item is None:
            return
        yield item


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    hint = "write the file again, or say what it is:\n--format csv"
    if path.stat().st_size == 0:
        raise InputError(f"{path}: is empty", hint=hint)
    try:
        with guarded(f"{path}: cannot be read", hint):
            yield
    except pyarrow.ArrowMemoryError as error:  # of a size that is damaged, most likely
        raise InputError(f"{path}: cannot be read: {reason_of(error)}", hint=hint) from error
