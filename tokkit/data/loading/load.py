"""From a path, glob, address or ``-`` to a data set: splits by file, and which columns hold what.

>>> dataset = read_dataset("reviews/")      # train.csv, validation.csv, test.csv
>>> dataset.complete("train").left_out
{'no label': 3}
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tokkit.data.dataset import Dataset, Split, no_column
from tokkit.data.loading import list_columns, span_tags
from tokkit.data.loading.dataset_options import DatasetOptions, ReadOptions
from tokkit.data.loading.read import SplitFiles, find_splits
from tokkit.data.loading.row_transforms import apply_row_options, new_label_names
from tokkit.data.loading.trained_columns import NO_COLUMNS, TrainedColumns
from tokkit.errors import InputError, UsageError
from tokkit.files import redacted
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress
from tokkit.sources import columns
from tokkit.sources.formats import conll

if TYPE_CHECKING:
    import datasets

_NUMBERS = {"true": "1", "false": "0"}


def read_dataset(
    source: str | Path,
    options: DatasetOptions | None = None,
    progress: Progress = SILENT,
    *,
    pairs: bool = True,
    trained: TrainedColumns = NO_COLUMNS,
) -> Dataset:
    """The data set at a path, glob, ``-`` or address: a folder's splits by file name, a file by its own.

    A folder that the `datasets` library saved gives its own splits, as do a JSON file of several lists and
    ``hub:NAME``; text files in one folder per class are labeled by it. An existing path always wins. What
    `RowOptions` request is applied to the rows of each split before their columns are looked at. Labels may
    be lists, of several labels or of a tag for each token (`list_columns`).

    pairs    whether a row may be a pair of texts
    trained  the columns of a model, which are those of the rows where no others are requested

    Guessed columns, skipped files and use of the network are reported to ``progress``.
    Raises `InputError` for what cannot be read as labelled rows, `UsageError` for pairs that are requested
    and not supported.
    """
    options = options or DatasetOptions()
    if options.pair_column is not None and not pairs:
        raise UsageError(
            f'--pair-column "{options.pair_column}": this command reads single texts',
            hint="name the one to read (--text-column)",
        )
    return dataset_of(
        redacted(str(source)), find_splits(str(source), options, progress), options, progress, trained
    )


def dataset_of(
    source: str,
    split_files: Mapping[str, SplitFiles],
    options: DatasetOptions,
    progress: Progress,
    trained: TrainedColumns = NO_COLUMNS,
) -> Dataset:
    """The data set that its splits make once all their rows are read, as `read_dataset` gives it."""
    read = [files.read(progress.say) for files in split_files.values()]
    # the rows as they are written again
    sources = [apply_row_options(split, options, progress) for split in read]
    splits = [trained.computed(split, options) for split in sources]
    options = trained.requested(splits[0], options, progress)
    names = new_label_names(options.label_names) if options.label_names else {}
    if options.label_column:
        splits = [list_columns.with_labels_in_lists(split, options.label_column) for split in splits]
    # lists become strings before columns are chosen, as no text or label may be a list then
    of_lists = _list_columns(splits[0], options, progress)
    with_lists = None
    if of_lists is not None:
        with_lists = _lists_of_strings(splits, of_lists, names, options, progress)
        splits = [list_columns.with_lists_as_strings(split, of_lists) for split in with_lists]
        text = conll.TEXT if of_lists.tokens else options.text_column
        # the strings are in columns of these names now
        options = replace(options, text_column=text, label_column=of_lists.label or options.label_column)
    chosen = chosen_columns(options, splits[0])
    if of_lists is not None and of_lists.label is None:
        chosen = replace(chosen, label=None)
    chosen = replace(chosen, id=_id_column(chosen.id, options, splits, progress))
    say_guess(options, chosen, splits[0], progress)
    labels_are_strings = of_lists is None
    if chosen.label is not None and options.label_sep is not None and labels_are_strings:
        label, separator = chosen.label, options.label_sep
        splits = [list_columns.with_labels_split_at(split, label, separator, names) for split in splits]
        labels_are_strings = False
    if chosen.label is not None and names and labels_are_strings:
        used = {label for split in splits for label in _label_strings(split, chosen.label).unique()}
        _say_unused(names, names.keys() & used, progress)
    missing = _missing_labels(options, labels_are_strings)
    chosen_splits = [
        _as_strings(split, chosen, names if labels_are_strings else {}, missing) for split in splits
    ]
    if chosen.label is not None and labels_are_strings:
        labels = {
            label for split in chosen_splits for label in split.frame[chosen.label].drop_nulls().unique()
        }
        if is_spelled_twice(labels):
            raise _spelled_twice(labels, splits[0].where)
    if labels_are_strings:
        # without what is computed as in training
        chosen_splits = [
            replace(split, original=split.original.select(source.original.columns))
            for split, source in zip(chosen_splits, sources, strict=True)
        ]
    else:
        # texts and labels are strings made of lists: the source keeps its own columns
        chosen_splits = [
            replace(split, original=_original(source, listed, chosen.label, bool(names)))
            for split, source, listed in zip(chosen_splits, sources, with_lists or splits, strict=True)
        ]
    dataset = Dataset(
        source,
        {split.name: split for split in chosen_splits},
        text_column=chosen.text,
        label_column=chosen.label,
        pair_column=chosen.pair,
        id_column=chosen.id,
        tokens_column=of_lists.tokens if of_lists else None,
        label_lists=not labels_are_strings and not (of_lists and of_lists.tokens),
    )
    if chosen.label is not None and names and not labels_are_strings:
        present = {label for name in dataset.splits for label in dataset.class_counts(dataset.labels(name))}
        # the types of spans are in their tags after B- and I-
        present |= {label[2:] for label in present if of_lists and of_lists.spans}
        _say_unused(names, {old for old, new in names.items() if new in present}, progress)
    return dataset


def _list_columns(
    first: Split, options: DatasetOptions, progress: Progress
) -> list_columns.ListColumns | None:
    """The columns of lists, where they may be labels; a guess is reported. None without any."""
    chosen = list_columns.list_columns(first, options)
    if chosen is not None:
        tags_or_labels = "tags" if chosen.tokens else "labels"
        tokens = ("tokens", "text", None if chosen.spans else chosen.tokens, options.text_column)
        label = (tags_or_labels, "label", chosen.label, options.label_column)
        _say_guessed(first, [tokens, label], progress)
    return chosen


def _lists_of_strings(
    splits: list[Split],
    chosen: list_columns.ListColumns,
    names: Mapping[str, str],
    options: DatasetOptions,
    progress: Progress,
) -> list[Split]:
    """The splits with lists of strings as labels or tags, and of spans with tokens."""
    if not chosen.spans or chosen.label is None:
        return list_columns.with_label_lists(splits, chosen, names, progress)
    first = splits[0]
    without = first.frame.drop(chosen.label, strict=False)
    text = columns.text_column(without, options.text_column, first.where)
    return list_columns.with_tags_of_spans(splits, chosen.label, text, names, progress)


def _original(source: Split, listed: Split, label: str | None, renamed: bool) -> pl.DataFrame:
    """The columns of the source; where labels are ``renamed``, with their lists in the column ``label``."""
    if label is None or label not in source.original.columns or label not in listed.original.columns:
        return source.original
    if label in source.mixed and source.original[label].dtype == pl.String:
        # JSON lists of numbers and strings: as objects every format can hold them
        return source.original.with_columns(span_tags.as_objects(source.original[label]))
    return source.original.with_columns(listed.original[label]) if renamed else source.original


def chosen_columns(options: ReadOptions, split: Split) -> columns.Columns:
    """The columns of a split that are requested or guessed; raises `InputError` as `columns.choose`."""
    return columns.choose(
        split.frame,
        split.where,
        text=options.text_column,
        pair=options.pair_column,
        label=options.label_column,
        id=options.id_column,
        mixed=split.mixed,
    )


def _id_column(
    column: str | None, options: ReadOptions, splits: Iterable[Split], progress: Progress
) -> str | None:
    """The column of ids; None where one that was guessed names rows of another split twice, or not at all.

    A requested one is reported only, as rows that are sampled more than once keep their id.
    """
    for split in splits:
        if column is None:
            return None
        if options.id_column is None:
            values = columns.values(split.original, column)
            if values is None or not columns.is_id(values):
                return None
        elif not columns.is_id(values := _column(split, column)):
            apart = f"{values.drop_nulls().n_unique()} of {values.len()} rows apart"
            progress.say(f'{split.where}: column "{column}" names {apart}')
    return column


def _missing_labels(options: ReadOptions, one_each: bool) -> list[str]:
    """The labels that ``--missing-label`` names; raises `UsageError` where rows have lists of labels."""
    if options.missing_label is not None and not one_each:
        raise UsageError(
            f"--missing-label {options.missing_label}: these rows have lists of labels, which may be empty",
            hint="leave it out",
        )
    return [label.strip() for label in (options.missing_label or "").split(",") if label.strip()]


def is_spelled_twice(labels: Collection[str]) -> bool:
    """Whether 1 and true, or 0 and false, would be two classes."""
    return len(labels) > 2 and {label.casefold() for label in labels} <= {"0", "1", *_NUMBERS}


def _spelled_twice(labels: Collection[str], where: str) -> InputError:
    pairs = [f"{label}={_NUMBERS[label.casefold()]}" for label in sorted(labels) if not label.isdecimal()]
    return InputError(
        f"{where}: the labels are {', '.join(sorted(labels))}: two classes in several spellings",
        hint=f"give each class one name:\n--label-names {shlex.quote(','.join(pairs))}",
    )


def _as_strings(
    split: Split, chosen: columns.Columns, names: Mapping[str, str], missing: Sequence[str] = ()
) -> Split:
    """The split with texts and label as strings; an empty string is missing, and so are the labels named."""
    original, label = split.original, chosen.label
    strings = {name: _column(split, name).cast(pl.String) for name in (chosen.text, chosen.pair) if name}
    if label is not None:
        strings[label] = _label_strings(split, label)
        if names:
            strings[label] = strings[label].replace(names)
            original = original.with_columns(strings[label])
        if missing:
            strings[label] = strings[label].replace(dict.fromkeys(missing, ""))
    frame = original.with_columns(
        [pl.when(column == "").then(None).otherwise(column).alias(name) for name, column in strings.items()]
    )
    if chosen.id is not None and chosen.id not in frame.columns:
        frame = frame.with_columns(_column(split, chosen.id))
    return replace(split, frame=frame, original=original)


def _label_strings(split: Split, label: str) -> pl.Series:
    values = _column(split, label)
    if values.dtype.is_float():
        values = values.fill_nan(None)
        # a whole number that a missing neighbour turned into 1.0 stays the label 1
        if (values % 1 == 0).all() and (values.abs() < 2**53).all():
            values = values.cast(pl.Int64)
    return values.cast(pl.String)


def _column(split: Split, column: str) -> pl.Series:
    """The values of a column; raises `InputError` where this split has none of that name."""
    values = columns.values(split.original, column)
    if values is None:
        raise no_column(split.where, column, split.frame.columns, "give every split the same columns")
    return values


def _say_unused(names: Mapping[str, str], used: Collection[str], progress: Progress) -> None:
    present = {label.strip() for label in used}
    if unused := [old for old in names if old == old.strip() and old not in present]:
        progress.say(f"--label-names: no row carries {', '.join(unused)}")


def say_guess(options: ReadOptions, chosen: columns.Columns, split: Split, progress: Progress) -> None:
    """Report which columns of the first split were guessed, and which may be the second text of a pair."""
    roles = ("text", "label", "id")
    choices = [(role, role, getattr(chosen, role), getattr(options, f"{role}_column")) for role in roles]
    _say_guessed(split, choices, progress)
    second = columns.pair_of(split.frame, chosen.text)
    if options.pair_column is None and second not in (None, chosen.text, chosen.label):
        progress.say(
            f'{split.where}: column "{second}" is not read; '
            f"--pair-column {shlex.quote(second)} takes it for a second text"
        )


def _say_guessed(
    split: Split, choices: Iterable[tuple[str, str, str | None, str | None]], progress: Progress
) -> None:
    """Report the columns that are neither requested nor named by the format.

    choices   what a column holds, the word in its flag, the column chosen, and the one requested
    """
    guessed = [
        f'{what} column "{name}" (--{word}-column)'
        for what, word, name, requested in choices
        if name is not None and requested is None and not split.known
    ]
    if guessed:
        progress.say(f"{split.where}: guessed {', '.join(guessed)}")


def load_dataset(
    source: str | Path, *, options: DatasetOptions | None = None, progress: Progress = SILENT, **settings: Any
) -> datasets.DatasetDict:
    """The splits at a path, glob, address or ``hub:NAME``, read without the damage of the stock loaders.

    Texts are strings and labels a ``ClassLabel``, both None where missing; ``"NA"`` stays text. All other
    columns are as they were read. A split is one call away from pandas and polars:

    >>> load_dataset("reviews/", label_column="stars")["train"].to_polars()

    ``settings`` are fields of `DatasetOptions`. Raises `InputError` for what cannot be read as labelled rows.
    """
    from tokkit.data.hf_datasets import as_datasets

    return as_datasets(read_dataset(source, apply_settings(DatasetOptions, options, settings), progress))
