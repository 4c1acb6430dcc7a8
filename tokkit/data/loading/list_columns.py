"""Labels that are lists, several of a text or a tag for each of its tokens, as one string a row.

labels  ["joy", "love"]        label  "joy|love"; of no labels "|", for an empty string is a missing one
tokens  ["EU", "rejects"]  ->  text   "EU rejects"
tags    ["B-ORG", "O"]         label  "B-ORG O"

Labels that are in a column each, 1 where a row carries them, become such lists first:

toxic  obscene           toxic,obscene
0      1            ->   ["obscene"]
0      0                 []
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from tokkit.data.dataset import Split, no_column
from tokkit.data.loading.dataset_options import ReadOptions
from tokkit.errors import InputError, UsageError
from tokkit.sources import columns
from tokkit.sources.formats import conll

# Between the labels of a row.
SEPARATOR = "|"
BETWEEN_TAGS = " "
BETWEEN_COLUMNS = ","
_ON = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_TOKENS_NAMES = ("tokens", "words")
_TAGS_NAMES = ("tags", "ner_tags", "labels", "label", "pos_tags")
_LABELS_NAMES = ("labels", "label", "classes", "categories", "emotions", "topics", "tags")


@dataclass(frozen=True)
class ListColumns:
    """label   of lists of labels or tags; None where rows have tokens only
    tokens  of lists of tokens; None where texts have lists of labels
    """

    label: str | None
    tokens: str | None


def list_columns(split: Split, options: ReadOptions) -> ListColumns | None:
    """The columns of lists requested as text and label, or known by their name; None without any."""
    lists = [name for name, dtype in split.frame.schema.items() if isinstance(dtype, pl.List | pl.Array)]
    if split.format.name == "conll":
        return ListColumns(options.label_column or lists[-1], lists[0])
    requested = (options.text_column, options.label_column)
    text, label = (None if name is None else split.column_named(name) for name in requested)
    tokens = text if text in lists else None
    if text is None:
        tokens = next((name for name in _TOKENS_NAMES if name in lists and name != label), None)
    if label is None:
        known = _TAGS_NAMES if tokens is not None else _LABELS_NAMES
        label = next((name for name in known if name in lists and name != tokens), None)
    label = label if label in lists else None
    return ListColumns(label, tokens) if label is not None or tokens is not None else None


def with_lists_as_strings(split: Split, chosen: ListColumns, names: Mapping[str, str]) -> Split:
    """The split with one string for each list; of tokens, in a column ``text``. ``names`` renames labels.

    Raises `InputError` for tags that are not one per token, and labels or tags that contain the
    separator.
    """
    frame = split.original
    strings = []
    if chosen.label is not None:
        labels = _strings(frame, chosen.label, split.where).list.eval(pl.element().replace(dict(names)))
        between = SEPARATOR if chosen.tokens is None else BETWEEN_TAGS
        _check_separable(labels, between, chosen.label, split.where)
        strings.append(_joined(labels, between).alias(chosen.label))
    if chosen.tokens is not None:
        tokens = _strings(frame, chosen.tokens, split.where).list.eval(pl.element().fill_null(""))
        if chosen.label is not None:
            _check_one_each(tokens, frame[chosen.label], chosen, split.where)
        strings += [tokens, tokens.list.join(" ").alias(conll.TEXT)]
    frame = frame.with_columns(strings)
    return replace(split, frame=frame, original=frame)


def with_labels_split_at(split: Split, label: str, separator: str, names: Mapping[str, str]) -> Split:
    """The split with its labels, several in one string, joined as those of lists are."""
    values = columns.values(split.original, label)
    if values is None or separator == "":
        raise UsageError(f'--label-sep "{separator}": expected the character between labels')
    text = pl.lit(values.cast(pl.String))
    lists = text.str.split(separator).list.eval(pl.element().str.strip_chars())
    # an empty field is a missing label, as it is of rows with one each
    original = split.original.with_columns(pl.when(text != "").then(lists).alias(label))
    return with_lists_as_strings(replace(split, original=original), ListColumns(label, None), names)


def _strings(frame: pl.DataFrame, column: str, where: str) -> pl.Series:
    """A column of lists of strings or numbers as lists of strings."""
    if column not in frame.columns:
        raise no_column(where, column, frame.columns)
    try:
        return frame[column].cast(pl.List(pl.String))
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f'{where}: column "{column}" holds {frame[column].dtype}: lists of strings were expected',
            hint="name the columns: --text-column NAME --label-column NAME",
        ) from error


def _without_empty(lists: pl.Series) -> pl.Series:
    return lists.list.eval(pl.element().filter(pl.element().is_not_null() & (pl.element() != "")))


def _joined(lists: pl.Series, between: str) -> pl.Series:
    """(rows,) strings; of no labels at all the separator alone, of a missing list null."""
    joined = _without_empty(lists).list.join(between)
    return joined if between == BETWEEN_TAGS else joined.replace("", between)


def _check_separable(lists: pl.Series, between: str, column: str, where: str) -> None:
    values = lists.explode().drop_nulls().unique()
    broken = values.filter(values.str.contains(r"\s" if between == BETWEEN_TAGS else r"\|"))
    if broken.len():
        what = "white space" if between == BETWEEN_TAGS else f'"{between}"'
        raise InputError(
            f'{where}: column "{column}": "{broken.sort()[0]}" contains {what}, which is the separator here',
            hint="write it without, or give it another name: --label-names OLD=NEW",
        )


def _check_one_each(tokens: pl.Series, tags: pl.Series, chosen: ListColumns, where: str) -> None:
    """Raises `InputError` naming the first row with more or fewer tags than tokens."""
    given = _without_empty(tags.cast(pl.List(pl.String)))
    wrong = (tokens.list.len() != given.list.len()).fill_null(False)
    rows = wrong.arg_true().to_list()
    if rows:
        row = rows[0]
        raise InputError(
            f"{where}: row {row + 1}: {tokens.list.len()[row]} {chosen.tokens} and {given.list.len()[row]} "
            f"{chosen.label}: one tag for each token was expected"
            + (f" ({len(rows)} such rows)" if len(rows) > 1 else ""),
            hint="fix those rows, or name another column: --label-column NAME",
        )


def with_labels_in_lists(split: Split, requested: str) -> Split:
    """The split with a column of lists of labels, where ``--label-column toxic,obscene`` names several.

    Its name is what was requested; a row that lacks one of the labels is null in it. Raises `InputError` for
    a column that is not there, and for values that are neither 1 nor 0, nor true nor false.
    """
    names = [name.strip() for name in requested.split(BETWEEN_COLUMNS) if name.strip()]
    if BETWEEN_COLUMNS not in requested or requested in split.frame.columns or not names:
        return split
    for name in names:
        if name not in split.frame.columns:
            hint = "--label-column A,B,C names columns that hold 1 where a row carries the label, else 0"
            raise no_column(split.where, name, split.frame.columns, hint)
    carried = {name: _carried(split, name) for name in names}
    names_if_on = [pl.when(on).then(pl.lit(name)) for name, on in carried.items()]
    known = pl.all_horizontal(on.is_not_null() for on in carried.values())
    lists = pl.when(known).then(pl.concat_list(names_if_on).list.drop_nulls()).alias(requested)
    frame = split.original.with_columns(lists)
    return replace(split, frame=frame, original=frame)


def _carried(split: Split, name: str) -> pl.Series:
    """(rows,) whether a row carries the label, null where that is missing."""
    written = split.original[name].cast(pl.String).str.strip_chars().str.to_lowercase()
    written = pl.select(pl.when(written != "").then(written)).to_series()
    carried = written.replace_strict(_ON, default=None, return_dtype=pl.Boolean)
    wrong = (written.is_not_null() & carried.is_null()).arg_true()
    if len(wrong):
        raise InputError(
            f'{split.where}: row {wrong[0] + 1}: column "{name}" holds "{split.original[name][wrong[0]]}"; '
            "1 or 0 was expected, as it is one of several columns of labels",
            hint="--label-column NAME names one column",
        )
    return carried
