"""From a path, glob, address or ``-`` to a data set: splits by file, and which columns hold text and label.

>>> dataset = load_dataset("reviews/")      # train.csv, validation.csv, test.csv
>>> dataset.complete("train").left_out
{'no label': 3}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data.dataset import Dataset, Split
from tokkit.data.loading.read import ReadOptions, read_splits
from tokkit.data.loading.row_work import RowOptions, worked
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.progress import SILENT, Progress
from tokkit.sources import columns

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class DatasetOptions(RowOptions, ReadOptions):
    """How a data set is read, and what is done with its rows; the same options wherever one is read."""


def load_dataset(
    source: str | Path, options: DatasetOptions | None = None, progress: Progress = SILENT
) -> Dataset:
    """The data set at a path, glob, ``-`` or address: a folder's splits by file name, a file by its own.

    A folder that the `datasets` library saved gives its own splits, as do a JSON file of several lists and
    ``hub:NAME``; text files in a folder a class are labelled by it. An existing path always wins. What
    `RowOptions` ask for is done to the rows of each split before their columns are looked at.

    Columns that are guessed, files that are left out and that the network is used are said to ``progress``.
    Raises `InputError` for what cannot be read as labelled rows.
    """
    options = options or DatasetOptions()
    read = read_splits(str(source), options, progress)
    splits = {name: worked(split, options, progress) for name, split in read.items()}
    first = next(iter(splits.values()))
    text = columns.text_column(first.frame, options.text_column, first.where, options.label_column)
    label = columns.label_column(first.frame, options.label_column, text, first.where)
    say_guess(options, text, label, first, progress)
    names = _label_names(options.label_names)
    if label is not None and names:
        unnamed = [_as_strings(split, text, label, {}) for split in splits.values()]
        _say_unused(names, unnamed, label, progress)
    splits = {name: _as_strings(split, text, label, names) for name, split in splits.items()}
    return Dataset(str(source), splits, text, label)


def _as_strings(split: Split, text: str, label: str | None, names: Mapping[str, str]) -> Split:
    """The split with text and label as strings; an empty string is missing."""
    import polars as pl

    original = split.original
    made = {text: _column(split, text).cast(pl.String)}
    if label is not None:
        values = _column(split, label)
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
    return replace(split, frame=frame, original=original)


def _column(split: Split, column: str) -> pl.Series:
    """The values of a column; raises `InputError` where this split has none of that name."""
    found = columns.values(split.original, column)
    if found is None:
        raise InputError(
            f'{split.where}: no column "{column}"{did_you_mean(column, split.frame.columns)}; '
            f"it has: {', '.join(split.frame.columns)}",
            hint="give every split the same columns",
        )
    return found


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


def say_guess(
    options: DatasetOptions, text: str, label: str | None, split: Split, progress: Progress
) -> None:
    """Says which columns of the first split were guessed to hold text and label."""
    guessed = []
    if options.text_column is None and not split.known:
        guessed.append(f'text column "{text}" (--text-column)')
    if options.label_column is None and label is not None and not split.known:
        guessed.append(f'label column "{label}" (--label-column)')
    if guessed:
        progress.say(f"{split.where}: guessed {', '.join(guessed)}")
