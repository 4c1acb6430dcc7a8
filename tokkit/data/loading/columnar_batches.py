"""A Parquet or Arrow file as batches of columns, a few thousand rows in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.loading.batches import ROWS, SAMPLE, Batch, NeedsTable
from tokkit.runtime.strings import Strings
from tokkit.sources import columnar
from tokkit.sources.delimited import Say

if TYPE_CHECKING:
    import polars as pl


class ColumnarFile:
    """Columns of a file; see `BatchedFile`. Raises `NeedsTable` for a file that is damaged."""

    known = False

    def __init__(self, path: Path, format_name: str, say: Say) -> None:
        import polars as pl

        self.say = say
        self._path, self._frames = path, _FRAMES[format_name]
        with _damage_is_told_by_the_table():
            self._classes = columnar.class_names(_METADATA[format_name](path))
            first = _first_rows(frame for frame, _ in self._frames(path))
        self.sample = columnar.named(first, self._classes, path, say)
        self.names = self.sample.columns
        self.nested = frozenset(
            name
            for name, dtype in self.sample.schema.items()
            if dtype.is_nested() or dtype in (pl.Binary, pl.Object)
        )

    def batches(self, chosen: Collection[str] = ()) -> Iterator[Batch]:
        """All rows."""
        import polars as pl

        with _damage_is_told_by_the_table():
            for frame, read in self._frames(self._path):
                rows = columnar.named(frame, self._classes, self._path)
                columns = [
                    _presence(rows[name])
                    if name in self.nested
                    else _values(rows[name].cast(pl.String), name in chosen)
                    for name in self.names
                ]
                yield Batch(columns, read)


Frames = Iterator[tuple["pl.DataFrame", int]]
"""Rows after rows as `tables.read_table` has them, each with about how many bytes of the file they take."""


def _parquet_frames(path: Path) -> Frames:
    import polars as pl
    from pyarrow import parquet

    schema: Any = pl.read_parquet_schema(path)
    with parquet.ParquetFile(path, pre_buffer=False) as file:  # else all of it is read ahead, and kept
        a_row = path.stat().st_size / max(file.metadata.num_rows, 1)
        for batch in file.iter_batches(ROWS, use_threads=False):
            yield _frame(batch).cast(schema), round(batch.num_rows * a_row)


def _arrow_frames(path: Path) -> Frames:
    with columnar.arrow_reader(path) as reader:
        number = getattr(reader, "num_record_batches", None)
        for batch in reader if number is None else map(reader.get_batch, range(number)):
            for first in range(0, batch.num_rows, ROWS):
                some = batch.slice(first, ROWS)
                yield _frame(some), some.nbytes


def _frame(batch: Any) -> pl.DataFrame:
    import polars as pl
    import pyarrow

    # what `datasets` wrote of the columns means nothing to polars
    table = pyarrow.Table.from_batches([batch]).replace_schema_metadata(None)
    return pl.DataFrame(pl.from_arrow(table))


def _parquet_metadata(path: Path) -> Any:
    from pyarrow import parquet

    return parquet.read_metadata(path).metadata


def _arrow_metadata(path: Path) -> Any:
    with columnar.arrow_reader(path) as reader:
        return reader.schema.metadata


_FRAMES: dict[str, Callable[[Path], Frames]] = {"parquet": _parquet_frames, "arrow": _arrow_frames}
_METADATA: dict[str, Callable[[Path], Any]] = {"parquet": _parquet_metadata, "arrow": _arrow_metadata}


def _first_rows(frames: Iterator[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    parts: list[pl.DataFrame] = []
    while sum(part.height for part in parts) < SAMPLE and (part := next(frames, None)) is not None:
        parts.append(part)
    return pl.concat(parts).head(SAMPLE) if parts else pl.DataFrame()


def _values(column: pl.Series, empty_is_missing: bool) -> Strings:
    return Strings.of_series(column if empty_is_missing else column.replace("", "\0"))


def _presence(column: pl.Series) -> Strings:
    """A string that means nothing for each value that is there."""
    return Strings.of_list(["" if missing else "\0" for missing in column.is_null().to_list()])


@contextmanager
def _damage_is_told_by_the_table() -> Iterator[None]:
    import polars as pl
    import pyarrow

    errors: tuple[Any, ...] = (pl.exceptions.PolarsError, pyarrow.ArrowException, OSError)
    try:
        yield
    except errors as error:
        raise NeedsTable from error
