"""The splits of a data set as they stand in its files: which files are which split, and their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data import saved
from tokkit.data.dataset import SPLITS, TRAIN, Split, split_named
from tokkit.data.loading import class_folders, hub
from tokkit.data.loading.split_files import files_by_split, say_left_out
from tokkit.errors import InputError, UsageError
from tokkit.options import Options, bytes_of, option
from tokkit.progress import Progress
from tokkit.sources import json_rows, paths, tables, text_rows
from tokkit.sources.encodings import encoding_named

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class ReadOptions(Options):
    """How the files of a data set are read."""

    text_column: str | None = option(
        None, "column of the texts; within objects: review.body", metavar="NAME", default_text="guessed"
    )
    pair_column: str | None = option(
        None, "column of a second text, where a row is a pair of texts", metavar="NAME"
    )
    label_column: str | None = option(
        None,
        "column of the labels; for finetune, evaluate and predict also several, A,B,C, of 1 and 0",
        metavar="NAME",
        default_text="guessed",
    )
    label_sep: str | None = option(
        None, "what stands between the labels of a row that has several: 'joy|love'", metavar="CHAR"
    )
    id_column: str | None = option(
        None, "column of what names a row", metavar="NAME", default_text="guessed by name"
    )
    sep: str | None = option(None, "separator of delimited files", metavar="CHAR", default_text="found")
    encoding: str | None = option(
        None, "of text files that are not UTF-8, cp949 say", metavar="NAME", default_text="UTF-8"
    )
    names: str | None = option(None, "column names of files without a header line", metavar="A,B,...")
    format: str | None = option(
        None, "read every file as this", choices=tables.FORMATS, default_text="by name"
    )
    unit: str | None = option(
        None,
        "what of a text file is a row",
        choices=text_rows.UNITS,
        default_text="line; file where folders are classes",
    )
    field: str | None = option(None, "where in JSON the rows stand", metavar="KEY.SUBKEY")
    skip_bad: bool = option(False, "leave out rows that cannot be read, and count them")
    label_names: str | None = option(None, "names for labels: 0=joy,1=anger", metavar="OLD=NEW,...")
    max_download: str = option("2GB", "most that is downloaded from an address", metavar="SIZE")

    @property
    def reading(self) -> tables.Reading:
        """What is said of a file beside its format."""
        names = [name.strip() for name in self.names.split(",")] if self.names else []
        encoding = encoding_named(self.encoding)
        return tables.Reading(names, self.unit or text_rows.LINE, self.field, self.skip_bad, encoding)


def read_splits(source: str, options: ReadOptions, progress: Progress) -> dict[str, Split]:
    """The splits at a path, glob, address, ``-`` or ``hub:NAME``, by name, in the order of `SPLITS`.

    Raises `InputError` for what cannot be read, `UsageError` for an option that does not fit it.
    """
    if hub.is_hub(source):
        source = str(hub.fetch(source, progress))
    if saved.is_saved(Path(source)):
        tables_by_split, files = saved.read_saved(Path(source)), saved.files_of(Path(source))
        return _splits_of(tables_by_split, files, "arrow", source, progress)
    found = paths.expand([source], progress, bytes_of("--max-download", options.max_download))
    if Path(source).is_dir() and options.format in (None, "text") and not (options.sep or options.names):
        labelled = class_folders.labelled_files(Path(source), found)
        if labelled:
            return _read_class_folders(source, found, labelled, options, progress)
    by_split = files_by_split(source, found, progress)
    if len(by_split) == 1 and options.format in (None, "json") and options.field is None:
        files = next(iter(by_split.values()))
        if len(files) == 1 and (options.format or tables.format_of(files[0])) == "json":
            inside = json_rows.json_splits(files[0], options.reading.encoding)
            if inside and all(split_named(key) for key in inside):
                return _splits_of(inside, files, "json", source, progress)
    return {name: _read_split(name, files, options, progress) for name, files in by_split.items()}


def _splits_of(
    frames: Mapping[str, pl.DataFrame],
    files: Sequence[Path],
    format_name: str,
    source: str,
    progress: Progress,
) -> dict[str, Split]:
    """Splits that stand together in ``files``; those whose name says none are left out, which is said.

    Raises `InputError` for two that mean the same split.
    """
    named: dict[str, Split] = {}
    for key, frame in frames.items():
        name = split_named(key) or (TRAIN if len(frames) == 1 else None)
        if name is None:
            progress.say(f"{source}: left out: {key}")
        elif name in named:
            raise InputError(
                f"{source}: {key} is a second {name} split", hint="save one of them in a file of its own"
            )
        else:
            named[name] = Split(name, frame, tuple(files), tables.TableFormat(format_name), frame)
    if not named:
        raise InputError(
            f"{source}: none of {', '.join(frames)} is named train, validation or test",
            hint="rename one to train",
        )
    for split in named.values():
        if split.frame.height == 0:
            raise InputError(f"{source}: its {split.name} split has no rows", hint="remove it or fill it")
    return {name: named[name] for name in SPLITS if name in named}


def _read_class_folders(
    source: str,
    found: Sequence[Path],
    labelled: Sequence[class_folders.LabelledFile],
    options: ReadOptions,
    progress: Progress,
) -> dict[str, Split]:
    labels = class_folders.labels_of(labelled)
    progress.say(
        f"{source}: the label of a text is the folder its file stands in: {', '.join(labels[:20])}"
        f"{' ...' if len(labels) > 20 else ''}"
    )
    taken = {each.path for each in labelled}
    say_left_out(source, [file.name for file in found if file not in taken], progress)
    rows = class_folders.read_labelled(labelled, options.unit, progress, options.reading.encoding)
    return {
        name: Split(
            name,
            frame,
            tuple(each.path for each in labelled if each.split == name),
            tables.TableFormat("jsonl"),  # as which such rows are written: a file of texts has no labels
            frame,
            known=True,
        )
        for name, frame in rows.items()
    }


def _read_split(name: str, files: Sequence[Path], options: ReadOptions, progress: Progress) -> Split:
    import polars as pl

    reading = options.reading
    formats = [
        tables.recognize(path, options.sep, options.format, reading.names, progress.say, reading.encoding)
        for path in files
    ]
    for path, found in zip(files, formats, strict=True):
        if found.name != formats[0].name:
            raise InputError(
                f"{path}: {found.name} beside {files[0].name}, both of the {name} split: which is meant?",
                hint=f"name the files of one format: '{path.parent}/*{tables.full_suffix(path)}'",
            )
    _check_used(options, files[0], formats[0])
    frames = [
        tables.read_table(path, found, reading, progress.say)
        for path, found in zip(files, formats, strict=True)
    ]
    for path, frame in zip(files[1:], frames[1:], strict=True):
        if frame.columns != frames[0].columns:
            raise InputError(
                f"{path}: columns {', '.join(frame.columns)} where {files[0].name} has "
                f"{', '.join(frames[0].columns)}",
                hint="give all files of a split the same columns, or name one file",
            )
    try:
        frame = pl.concat(frames, how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"{files[0].parent}: the files of the {name} split hold different types: {error}",
            hint="name one file",
        ) from error
    known = formats[0].name in ("text", "conll")
    return Split(name, frame, tuple(files), formats[0], frame, known)


def _check_used(options: ReadOptions, path: Path, found: tables.TableFormat) -> None:
    """Raises `UsageError` for an option that says something of another format than the file has."""
    for flag, value, formats in (
        ("--unit", options.unit, ("text",)),
        ("--field", options.field, ("json", "jsonl")),
        ("--encoding", options.encoding, ("csv", "tsv", "text", "conll", "jsonl", "json")),
    ):
        if value is not None and found.name not in formats:
            raise UsageError(
                f"{flag} {value}: is for {' and '.join(formats)} files, and {path} is read as {found.name}",
                hint=f"leave {flag} out, or say what the file is: --format {formats[0]}",
            )
