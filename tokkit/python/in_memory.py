"""Data in memory, as the functions of tokkit read it: a Parquet file, or a folder with one for each split.

It is written to a temporary folder, so that a frame goes the same way as a file: the same rows give the same
result, and a receipt names the hash of what was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokkit.errors import InputError
from tokkit.sources.formats import format_of
from tokkit.sources.paths import is_path, temporary_folder

_LIBRARIES = ("pandas", "polars", "datasets", "pyarrow")
_ENDING = ".parquet"


def as_path(name: str, value: Any) -> Any:
    """A path for data in memory; anything else as it is.

    name   of the argument, after which the file is called

    Frames and series of pandas and polars, tables of pyarrow, ``Dataset`` and ``DatasetDict`` of datasets,
    mappings of splits to one of these, lists of dictionaries, and lists of texts. A list of strings is one of
    texts where no string is a path and one of them has white space. Raises `InputError` for values of several
    types in one column, and for data sets that are streamed.
    """
    if isinstance(value, Mapping) and value:
        folder = temporary_folder() / name
        folder.mkdir()
        for split, rows in value.items():
            _write(f"{name}: {split}", rows, folder / f"{split}{_ENDING}")
        return folder
    if _library(value) is None and not (_is_list(value) and (_are_rows(value) or _are_texts(value))):
        return value
    path = temporary_folder() / f"{name}{_ENDING}"
    _write(name, value, path)
    return path


def _write(name: str, value: Any, path: Path) -> None:
    import polars as pl  # here: importing tokkit loads nothing heavy

    library = _library(value)
    try:
        if library == "datasets":
            from tokkit.data.hf_datasets import without_bars

            # with the names of classes in its metadata
            with without_bars():
                value.to_parquet(str(path))
            return
        if library in ("pandas", "pyarrow"):
            value = (pl.from_pandas if library == "pandas" else pl.from_arrow)(value)
        elif library is None and _are_texts(value):
            value = pl.Series("text", list(value))
        if isinstance(value, pl.Series):
            value = value.alias(value.name or "text").to_frame()
        frame = value.lazy().collect() if library else pl.DataFrame(value, infer_schema_length=None)
        frame.write_parquet(path)
    except (TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
        kind, reason = type(value).__name__, str(error).splitlines()[0]
        raise InputError(f"{name}: a {kind} that cannot be read as a table: {reason}") from error


def _library(value: Any) -> str | None:
    """The library of a frame, a table or a data set; None for other values."""
    name = type(value).__module__.partition(".")[0]
    return name if name in _LIBRARIES else None


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) > 0


def _are_rows(values: Sequence[Any]) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def _are_texts(values: Sequence[Any]) -> bool:
    """Whether strings are texts, and no paths or patterns of files."""
    if not all(isinstance(value, str) for value in values):
        return False
    named = (is_path(Path(value)) or format_of(Path(value[-64:])) for value in values)
    return any(len(value.split()) > 1 for value in values) and not any(named)
