"""Parquet and Arrow files as rows.

Numbers that `datasets` wrote for labels (a ``ClassLabel``) become the names that stand beside them in
the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError

if TYPE_CHECKING:
    import polars as pl

Say = Callable[[str], None]
Columnar = tuple["pl.DataFrame", Mapping[bytes, bytes] | None]


def read_parquet(path: Path, say: Say) -> pl.DataFrame:
    """The rows of a Parquet file. Raises `InputError` for what is none."""
    return _read(path, _parquet, say)


def read_arrow(path: Path, say: Say) -> pl.DataFrame:
    """The rows of an Arrow file or stream. Raises `InputError` for what is none."""
    return _read(path, _arrow, say)


def _read(path: Path, reader: Callable[[Path], Columnar], say: Say) -> pl.DataFrame:
    """The rows of a Parquet or Arrow file, numbers of classes replaced by their names."""
    import polars as pl
    import pyarrow

    try:
        frame, metadata = reader(path)
    except (pl.exceptions.PolarsError, pyarrow.ArrowException, OSError) as error:
        what = "is empty" if path.stat().st_size == 0 else f"cannot be read: {str(error).splitlines()[0]}"
        raise InputError(
            f"{path}: {what}", hint="write the file again, or say what it is: --format csv"
        ) from error
    return named(frame, class_names(metadata), path, say)


def named(
    frame: pl.DataFrame, classes: Mapping[str, Sequence[str]], path: Path, say: Say = lambda message: None
) -> pl.DataFrame:
    """The rows with numbers of classes replaced by their names, which is said."""
    import polars as pl

    for column, names in classes.items():
        if column in frame.columns and frame[column].dtype.is_integer():
            say(f'{path}: names for the numbers in column "{column}" stand in it: {", ".join(names[:10])}')
            frame = frame.with_columns(
                pl.col(column).replace_strict(dict(enumerate(names)), default=None, return_dtype=pl.String)
            )
    return frame


def _parquet(path: Path) -> Columnar:
    import polars as pl
    from pyarrow import parquet

    metadata = parquet.read_metadata(path).metadata
    return pl.read_parquet(path, glob=False, hive_partitioning=False), metadata


def _arrow(path: Path) -> Columnar:
    import polars as pl

    with arrow_reader(path) as reader:
        table = reader.read_all()
    frame = pl.DataFrame(pl.from_arrow(table.replace_schema_metadata(None)))
    return frame, table.schema.metadata


@contextmanager
def arrow_reader(path: Path) -> Iterator[Any]:
    """What `pyarrow` reads an Arrow file or stream with, from memory that is mapped to it."""
    import pyarrow

    with open(path, "rb") as file:
        is_file = file.read(6) == b"ARROW1"
    with pyarrow.memory_map(str(path)) as source:
        open_reader = pyarrow.ipc.open_file if is_file else pyarrow.ipc.open_stream
        with open_reader(source) as reader:
            yield reader


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
