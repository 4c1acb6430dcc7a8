"""Large delimited files as a data set that is read in batches instead of held in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data import saved
from tokkit.data.dataset import Split
from tokkit.data.loading import class_folders, hub
from tokkit.data.loading.load import DatasetOptions, say_guess
from tokkit.data.loading.row_work import RowOptions
from tokkit.data.loading.split_files import files_by_split
from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress
from tokkit.sources import columns, paths, tables

if TYPE_CHECKING:
    from tokkit.data.loading.delimited_batches import DelimitedFile

SMALLEST = 1 << 25
"""Bytes of files from which on it is worth while; smaller ones fit into memory many times."""


@dataclass(frozen=True)
class StreamedDataset:
    """What `load_dataset` would give, its rows still in the files.

    splits   name -> the files of each, all with the same columns
    columns  their names
    size     bytes of all files
    """

    source: str
    splits: Mapping[str, Sequence[DelimitedFile]]
    columns: list[str]
    text_column: str
    label_column: str | None
    size: int


def stream(source: str | Path, options: DatasetOptions, progress: Progress) -> StreamedDataset | None:
    """The data set at a path where it can be read in batches; None where `load_dataset` is to read it.

    That is so for what is small, for formats other than csv and tsv, for options that look at all rows, and
    for whatever is wrong before the first rows are read, which `load_dataset` then says.
    """
    if _looks_at_all_rows(options) or not paths.is_path(Path(source)) or hub.is_hub(str(source)):
        return None
    if saved.is_saved(Path(source)) or Path(source).is_fifo():
        return None
    said: list[str] = []
    try:
        found = paths.expand([source])
        size = sum(path.stat().st_size for path in found)
        if size < SMALLEST or (Path(source).is_dir() and class_folders.labelled_files(Path(source), found)):
            return None
        by_split = files_by_split(str(source), found, SILENT)
        splits = {name: _opened(files, options, said) for name, files in by_split.items()}
    except InputError:
        return None
    opened = [file for files in splits.values() for file in files]
    if not all(splits.values()) or any(file.names != opened[0].names for file in opened):
        return None
    sample, files = opened[0].sample, next(iter(by_split.values()))
    split = Split("", sample, tuple(files), tables.TableFormat("csv"), sample)
    try:
        text = columns.text_column(sample, options.text_column, split.where, options.label_column)
        label = columns.label_column(sample, options.label_column, text, split.where)
    except InputError:
        return None
    files_by_split(str(source), found, progress)  # says which files are taken
    for sentence in said:
        progress.say(sentence)
    say_guess(options, text, label, split, progress)
    for file in opened:
        file.say = progress.say
    return StreamedDataset(str(source), splits, opened[0].names, text, label, size)


def _looks_at_all_rows(options: DatasetOptions) -> bool:
    return options.label_names is not None or any(
        getattr(options, each.name) not in (None, (), False) for each in fields(RowOptions)
    )


def _opened(files: Sequence[Path], options: DatasetOptions, said: list[str]) -> list[DelimitedFile]:
    """The files of a split; none where one of them is not delimited by an ASCII character."""
    from tokkit.data.loading.delimited_batches import DelimitedFile

    reading = options.reading
    formats = [tables.recognize(path, options.sep, options.format, reading.names) for path in files]
    separators = [each.separator or "" for each in formats]
    if options.unit is not None or options.field is not None or not all(map(_is_ascii, separators)):
        return []
    return [
        DelimitedFile(path, separator, reading.names, reading.skip_bad, said.append)
        for path, separator in zip(files, separators, strict=True)
    ]


def _is_ascii(separator: str) -> bool:
    return separator.isascii() and separator != ""
