"""From a path, glob or ``-`` to a data set: which files are which split, which columns text and label.

>>> dataset = load_dataset("reviews/")      # train.csv, validation.csv, test.csv
>>> dataset.complete("train").left_out
{'no label': 3}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data import saved
from tokkit.data.dataset import SPLITS, TRAIN, Dataset, Split, split_named
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.options import Options, option
from tokkit.progress import SILENT, Progress
from tokkit.sources import columns, json_rows, paths, tables

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class DatasetOptions(Options):
    """How a data set is read; the same options wherever one is."""

    text_column: str | None = option(None, "column of the texts", metavar="NAME", shown_default="guessed")
    label_column: str | None = option(None, "column of the labels", metavar="NAME", shown_default="guessed")
    sep: str | None = option(None, "separator of delimited files", metavar="CHAR", shown_default="found")
    names: str | None = option(None, "column names of files without a header line", metavar="A,B,...")
    format: str | None = option(
        None, "read every file as this", choices=tables.FORMATS, shown_default="by name"
    )
    label_names: str | None = option(None, "names for labels: 0=joy,1=anger", metavar="OLD=NEW,...")


def load_dataset(
    source: str | Path, options: DatasetOptions | None = None, progress: Progress = SILENT
) -> Dataset:
    """The data set at a path, glob or ``-``: a folder's splits by file name, a single file as its name says.

    A folder that the `datasets` library saved gives its own splits, as does a JSON file of several lists.
    Columns that are guessed and files that are left out are said to ``progress``. Raises `InputError` for
    what cannot be read as labelled rows.
    """
    options = options or DatasetOptions()
    splits = _read_splits(str(source), options, progress)
    first = next(iter(splits.values()))
    text = columns.text_column(first.frame, options.text_column, first.where, options.label_column)
    label = columns.label_column(first.frame, options.label_column, text, first.where)
    _say_guess(options, text, label, first, progress)
    names = _label_names(options.label_names)
    if label is not None and names:
        unnamed = [_as_strings(split, text, label, {}) for split in splits.values()]
        _say_unused(names, unnamed, label, progress)
    splits = {name: _as_strings(split, text, label, names) for name, split in splits.items()}
    return Dataset(str(source), splits, text, label)


def _read_splits(source: str, options: DatasetOptions, progress: Progress) -> dict[str, Split]:
    if saved.is_saved(Path(source)):
        tables_by_split, files = saved.read_saved(Path(source)), saved.files_of(Path(source))
        return _splits_of(tables_by_split, files, "arrow", source, progress)
    by_split = _files_by_split(source, progress)
    if len(by_split) == 1 and options.format in (None, "json"):
        files = next(iter(by_split.values()))
        if len(files) == 1 and (options.format or tables.format_of(files[0])) == "json":
            inside = json_rows.json_splits(files[0])
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


def _files_by_split(source: str, progress: Progress) -> dict[str, list[Path]]:
    files = paths.expand([source])
    if source == paths.STANDARD_INPUT:
        return {TRAIN: files}
    is_folder = Path(source).is_dir()
    if len(files) == 1 and not is_folder:
        return {split_named(files[0]) or TRAIN: files}
    readable = [file for file in files if tables.format_of(file) is not None]
    if len(readable) == 1:
        named = {split_named(readable[0]) or TRAIN: readable}
    elif readable and not is_folder and not any(split_named(file) for file in readable):
        named = {TRAIN: readable}
    else:
        named = {
            name: [file for file in readable if split_named(file) == name]
            for name in SPLITS
            if any(split_named(file) == name for file in readable)
        }
    if not named:
        raise InputError(
            f"{source}: no file in it is named train, validation or test"
            if readable
            else f"{source}: no file in it is a table or text ({', '.join(tables.FORMATS)})",
            hint="name one file, or name the files after their splits: train.csv, validation.csv, test.csv",
        )
    for name, chosen in named.items():
        if len(chosen) > 1:
            progress.say(
                f"{source}: {name} is {', '.join(map(str, chosen[:5]))}{' ...' if chosen[5:] else ''}"
            )
    left_out = [file.name for file in files if not any(file in chosen for chosen in named.values())]
    if left_out:
        progress.say(f"{source}: left out: {', '.join(left_out[:5])}{' ...' if len(left_out) > 5 else ''}")
    return named


def _read_split(name: str, files: Sequence[Path], options: DatasetOptions, progress: Progress) -> Split:
    import polars as pl

    names = [name.strip() for name in options.names.split(",")] if options.names else []
    formats = [tables.recognize(path, options.sep, options.format, names, progress.say) for path in files]
    for path, found in zip(files, formats, strict=True):
        if found.name != formats[0].name:
            raise InputError(
                f"{path}: {found.name} beside {files[0].name}, both of the {name} split: which is meant?",
                hint=f"name the files of one format: '{path.parent}/*{tables.full_suffix(path)}'",
            )
    frames = [
        tables.read_table(path, found, names, progress.say)
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
    return Split(name, frame, tuple(files), formats[0], frame)


def _as_strings(split: Split, text: str, label: str | None, names: Mapping[str, str]) -> Split:
    """The split with text and label as strings; an empty string is missing."""
    import polars as pl

    for column in filter(None, (text, label)):
        if column not in split.frame.columns:
            raise InputError(
                f'{split.where}: no column "{column}"{did_you_mean(column, split.frame.columns)}; '
                f"it has: {', '.join(split.frame.columns)}",
                hint="give every split the same columns",
            )
    original = split.original
    made = {text: original[text].cast(pl.String)}
    if label is not None:
        values = original[label]
        if values.dtype.is_float():
            values = values.fill_nan(None)
            # a whole number that a missing neighbour turned into 1.0 stays the label 1
            if (values % 1 == 0).all() and (values.abs() < 2**53).all():
                values = values.cast(pl.Int64)
        made[label] = values.cast(pl.String)
        if names:
            made[label] = made[label].replace(names)
            original = original.with_columns(made[label])
    frame = original.with_columns(
        [pl.when(column == "").then(None).otherwise(column).alias(name) for name, column in made.items()]
    )
    return Split(split.name, frame, split.files, split.format, original)


def _label_names(text: str | None) -> dict[str, str]:
    """OLD=NEW pairs; an old name may hold an equals sign."""
    pairs = [pair.rpartition("=") for pair in text.split(",")] if text else []
    if any(not old or not new.strip() for old, _, new in pairs):
        raise UsageError(f'--label-names: write OLD=NEW,OLD=NEW, not "{text}"')
    return {old.strip(): new.strip() for old, _, new in pairs}


def _say_unused(names: Mapping[str, str], splits: Iterable[Split], label: str, progress: Progress) -> None:
    there = {value for split in splits for value in split.frame[label].unique().to_list()}
    unused = [old for old in names if old not in there]
    if unused:
        progress.say(f"--label-names: no row carries {', '.join(unused)}")


def _say_guess(
    options: DatasetOptions, text: str, label: str | None, split: Split, progress: Progress
) -> None:
    guessed = []
    if options.text_column is None and split.format.name != "text":
        guessed.append(f'text column "{text}" (--text-column)')
    if options.label_column is None and label is not None:
        guessed.append(f'label column "{label}" (--label-column)')
    if guessed:
        progress.say(f"{split.where}: guessed {', '.join(guessed)}")
