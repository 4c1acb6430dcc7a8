"""Large files as a data set that is read in batches instead of held in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from tokkit.data import saved
from tokkit.data.dataset import Split
from tokkit.data.loading import class_folders, hub
from tokkit.data.loading.batches import BatchedFile, NeedsTable
from tokkit.data.loading.load import DatasetOptions, chosen_columns, say_guess
from tokkit.data.loading.row_options import RowOptions
from tokkit.data.loading.split_files import files_by_split
from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress
from tokkit.sources import paths, streams, tables, text_rows
from tokkit.sources.columns import Columns
from tokkit.sources.delimited import Say
from tokkit.sources.tables import Reading, TableFormat

SMALLEST = 1 << 25
"""Bytes of files from which on it is worth while; smaller ones fit into memory many times."""

_PACKED = 4
"""Bytes of text that a byte of a compressed file, or one of Parquet, holds, about."""


@dataclass(frozen=True)
class StreamedDataset:
    """What `read_dataset` would give, its rows still in the files.

    splits   name -> the files of each, all with the same columns
    columns  their names, ``nested`` those that hold no plain values
    size     bytes of all files, None where some are compressed
    """

    source: str
    splits: Mapping[str, Sequence[BatchedFile]]
    columns: list[str]
    nested: frozenset[str]
    text_column: str
    label_column: str | None
    pair_column: str | None
    size: int | None


def stream(source: str | Path, options: DatasetOptions, progress: Progress) -> StreamedDataset | None:
    """The data set at a path where it can be read in batches; None where `read_dataset` is to read it.

    That is so for what is small, for formats that are read as a whole (see `_READERS`), for options that look
    at all rows, for columns that only all rows tell the values of, and for whatever is wrong before the first
    rows are read, which `read_dataset` then says.
    """
    if _looks_at_all_rows(options) or not paths.is_path(Path(source)) or hub.is_hub(str(source)):
        return None
    if saved.is_saved(Path(source)) or Path(source).is_fifo():
        return None
    said: list[str] = []
    try:
        found = paths.expand([source])
        if sum(map(_text_bytes, found)) < SMALLEST:
            return None
        if Path(source).is_dir() and class_folders.labelled_files(Path(source), found):
            return None
        by_split = files_by_split(str(source), found, SILENT)
        splits = {name: _opened(files, options, said) for name, files in by_split.items()}
        split = _first(splits, next(iter(by_split.values())))
        chosen = replace(chosen_columns(options, split), id=None)  # which no figure is made of
        _check_plain(split, chosen)
    except (InputError, NeedsTable):
        return None
    files_by_split(str(source), found, progress)  # says which files are taken
    for sentence in said:
        progress.say(sentence)
    say_guess(options, chosen, split, progress)
    opened = [file for files in splits.values() for file in files]
    for file in opened:
        file.say = progress.say
    return StreamedDataset(
        source=str(source),
        splits=splits,
        columns=opened[0].names,
        nested=opened[0].nested,
        text_column=chosen.text,
        label_column=chosen.label,
        pair_column=chosen.pair,
        size=sum(path.stat().st_size for path in found) if all(map(streams.is_plain, found)) else None,
    )


def _text_bytes(path: Path) -> int:
    """About how many bytes of text a file holds."""
    packed = tables.format_of(path) == "parquet" or not streams.is_plain(path)
    return path.stat().st_size * (_PACKED if packed else 1)


def _looks_at_all_rows(options: DatasetOptions) -> bool:
    return (options.label_names or options.label_sep) is not None or any(
        getattr(options, each.name) not in (None, (), False) for each in fields(RowOptions)
    )


def _opened(files: Sequence[Path], options: DatasetOptions, said: list[str]) -> list[BatchedFile]:
    """The files of a split; raises `NeedsTable` where they cannot be read in batches, or not alike."""
    reading = options.reading
    if reading.encoding is not None:
        raise NeedsTable
    formats = [
        tables.recognize(path, options.sep, options.format, reading.names, said.append) for path in files
    ]
    name = formats[0].name
    if name not in _READERS or any(each.name != name for each in formats):
        raise NeedsTable
    if (options.unit is not None and name != "text") or (options.field is not None and name != "jsonl"):
        raise NeedsTable
    return [
        _READERS[name](path, found, reading, said.append) for path, found in zip(files, formats, strict=True)
    ]


def _first(splits: Mapping[str, Sequence[BatchedFile]], files: Sequence[Path]) -> Split:
    """The first rows of the first split; raises `NeedsTable` where other files have other columns."""
    opened = [file for files in splits.values() for file in files]
    sample = opened[0].sample
    if any(file.sample.schema != sample.schema or not file.sample.height for file in opened):
        raise NeedsTable
    return Split("", sample, tuple(files), tables.TableFormat("csv"), sample, opened[0].known)


def _check_plain(split: Split, chosen: Columns) -> None:
    """Raises `NeedsTable` for text or label within objects or lists, and for fractions: all may be whole."""
    schema = split.frame.schema
    for name in filter(None, (chosen.text, chosen.pair, chosen.label)):
        if name not in schema or schema[name].is_nested() or schema[name].is_float():
            raise NeedsTable


def _delimited(path: Path, found: TableFormat, reading: Reading, say: Say) -> BatchedFile:
    from tokkit.data.loading.delimited_batches import DelimitedFile

    separator = found.separator or ""
    if not separator or not separator.isascii():
        raise NeedsTable
    return DelimitedFile(path, separator, reading.names, reading.skip_bad, say)


def _text(path: Path, found: TableFormat, reading: Reading, say: Say) -> BatchedFile:
    from tokkit.data.loading.text_batches import TextFile

    if reading.unit == text_rows.FILE:
        raise NeedsTable
    return TextFile(path, reading.unit, say)


def _json_lines(path: Path, found: TableFormat, reading: Reading, say: Say) -> BatchedFile:
    from tokkit.data.loading.json_batches import JsonLinesFile

    return JsonLinesFile(path, reading.field, reading.skip_bad, say)


def _columnar(path: Path, found: TableFormat, reading: Reading, say: Say) -> BatchedFile:
    from tokkit.data.loading.columnar_batches import ColumnarFile

    return ColumnarFile(path, found.name, say)


_READERS: dict[str, Callable[[Path, TableFormat, Reading, Say], BatchedFile]] = {
    **dict.fromkeys(("csv", "tsv"), _delimited),
    "text": _text,
    "jsonl": _json_lines,
    **dict.fromkeys(("parquet", "arrow"), _columnar),
}
"""Formats that can be read in batches."""
