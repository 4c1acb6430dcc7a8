"""Labels that are lists, several of a text or a tag for each of its tokens, as one string a row.

labels  ["joy", "love"]        label  "joy|love"; of no labels "|", for an empty string is a missing one
tokens  ["EU", "rejects"]  ->  text   "EU rejects"
tags    ["B-ORG", "O"]         label  "B-ORG O"

Labels that are in a column each, 1 where a row carries them, become such lists first, as do the other
spellings of `label_lists`, and spans (`span_tags`):

toxic  obscene           toxic,obscene
0      1            ->   ["obscene"]
0      0                 []
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from tokkit.data.dataset import BETWEEN_TAGS, SEPARATOR, Split, first_names, no_column, sort_labels
from tokkit.data.loading import label_lists, span_tags
from tokkit.data.loading.dataset_options import ReadOptions
from tokkit.errors import InputError, UsageError
from tokkit.progress import SILENT, Progress
from tokkit.sources import columns
from tokkit.sources.column_names import LABEL_NAMES, TEXT_NAMES
from tokkit.sources.formats import conll

BETWEEN_COLUMNS = ","
_TOKENS_NAMES = ("tokens", "words")
_TAGS_NAMES = ("tags", "ner_tags", "labels", "label", "pos_tags", "upos")
_LABELS_NAMES = ("labels", "label", "classes", "categories", "emotions", "topics", "tags", "cats")
_SPANS_NAMES = (*_LABELS_NAMES, "spans", "entities")


@dataclass(frozen=True)
class ListColumns:
    """label   of lists of labels or tags; None where rows have tokens only
    tokens  of lists of tokens; None where texts have lists of labels
    spans   whether tokens and tags were made of spans, so that no column of the source holds them
    """

    label: str | None
    tokens: str | None
    spans: bool = False


def list_columns(split: Split, options: ReadOptions) -> ListColumns | None:
    """The columns of lists requested as text and label, or known by their name; None without any."""
    frame = split.frame
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List | pl.Array)]
    if split.format.name == "conll":
        return ListColumns(options.label_column or lists[-1], lists[0])
    requested = (options.text_column, options.label_column)
    text, label = (None if name is None else split.column_named(name) for name in requested)
    if label is not None and label not in frame.columns and _is_list(columns.values(split.original, label)):
        lists.append(label)
    tokens = text if text in lists and text not in split.mixed else None
    if text is None:
        tokens = next((name for name in _TOKENS_NAMES if name in lists and name != label), None)
        if tokens is not None and label is None and _has_texts(split, lists):
            tokens = None
    if (spans := _spans_column(split, label)) is not None:
        return ListColumns(spans, span_tags.TOKENS, spans=True)
    if label is not None:
        label = label if label in lists or _other_spelling(split, label) else None
    elif tokens is not None:
        label = next((name for name in _TAGS_NAMES if name in lists and name != tokens), None)
    else:
        usual = [name for name in _LABELS_NAMES if name in lists or _other_spelling(split, name)]
        label = next((name for name in usual if not _is_one_each(split, name)), None)
    return ListColumns(label, tokens) if label is not None or tokens is not None else None


def _has_texts(split: Split, lists: Sequence[str]) -> bool:
    """Whether there are texts next to tokens, and no tags for these, or a label for each text."""
    plain = {name.casefold() for name, dtype in split.frame.schema.items() if not dtype.is_nested()}
    tagged = any(name in lists for name in _TAGS_NAMES)
    return not plain.isdisjoint(TEXT_NAMES) and not (tagged and plain.isdisjoint(LABEL_NAMES))


def _is_one_each(split: Split, name: str) -> bool:
    """Whether a column of one label a row has a name that is more usual for labels than this one."""
    before = LABEL_NAMES[: LABEL_NAMES.index(name)] if name in LABEL_NAMES else LABEL_NAMES
    plain = {other.casefold() for other, dtype in split.frame.schema.items() if not dtype.is_nested()}
    return any(
        other in plain and other not in split.mixed and not _other_spelling(split, other) for other in before
    )


def _is_list(values: pl.Series | None) -> bool:
    return values is not None and isinstance(values.dtype, pl.List | pl.Array)


def _spans_column(split: Split, label: str | None) -> str | None:
    """The column of spans that is requested, or known by its name."""
    for name in [label] if label is not None else _SPANS_NAMES:
        values = columns.values(split.frame, name)
        if values is None or (label is None and _is_one_each(split, name)):
            continue
        # JSON lists of numbers and strings are one text each: only such a text is parsed again
        if (name in split.mixed or values.dtype != pl.String) and span_tags.are_spans(values):
            return name
    return None


def _other_spelling(split: Split, name: str) -> bool:
    """Whether a column holds objects of 1 and 0, or lists written as text."""
    values = columns.values(split.frame, name)
    if values is None or name in split.mixed:
        return False
    return label_lists.is_object_of_labels(values) or label_lists.are_lists_as_text(values)


def with_label_lists(
    splits: Sequence[Split], chosen: ListColumns, names: Mapping[str, str], progress: Progress = SILENT
) -> list[Split]:
    """The splits with lists of strings in the column of labels, however they are written in the source.

    What is no list of labels as it is, is reported. ``names`` renames labels.
    """
    label = chosen.label
    if label is None:
        return list(splits)
    lists: list[pl.Series] = []
    how: dict[str, None] = {}
    # of several columns, or of objects, the labels have their names already
    numbered = chosen.tokens is None and not names_several(splits[0], label)
    for split in splits:
        values = columns.values(split.original, label)
        if values is None:
            raise no_column(split.where, label, split.frame.columns, "give every split the same columns")
        if label_lists.is_object_of_labels(values):
            how[
                f"holds objects: the labels are their fields that are 1: {first_names(values.struct.fields)}"
            ] = None
            lists.append(label_lists.lists_of_objects(values))
            numbered = False
            continue
        if label_lists.are_lists_as_text(values):
            how["holds lists written as text, which are read as lists"] = None
            values = label_lists.lists_of_text(values, split.where)
        if values.dtype == pl.String:
            # a split in which each row has one label, where rows of others have several
            values = pl.select(pl.when(values != "").then(pl.concat_list(values))).to_series().alias(label)
        lists.append(_plain_items(values, label, split.where))
    if numbered:
        widths = {label_lists.width_of_multi_hot(values) for values in lists} - {None}
        if widths:
            width = max(width for width in widths if width is not None)
            given = [names.get(str(i), str(i)) for i in range(width)]
            named = "" if names else "; --label-names OLD=NEW,... gives them names"
            how[
                f"holds 1 and 0 in lists of {width}, one for each of the labels {first_names(given)}{named}"
            ] = None
            lists = [
                label_lists.lists_of_multi_hot(values, width, split.where)
                for values, split in zip(lists, splits, strict=True)
            ]
    for sentence in how:
        progress.say(f'{splits[0].where}: column "{label}" {sentence}')
    return [
        replace(split, original=split.original.with_columns(_strings(values, label, split.where, names)))
        for split, values in zip(splits, lists, strict=True)
    ]


def _plain_items(values: pl.Series, column: str, where: str) -> pl.Series:
    """Lists, whole numbers as such; raises `InputError` for lists of fractions."""
    lists = values.arr.to_list() if isinstance(values.dtype, pl.Array) else values
    if isinstance(lists.dtype, pl.List) and lists.dtype.inner.is_float():
        numbers = lists.explode().drop_nulls()
        if not (numbers % 1 == 0).all():
            raise InputError(
                f'{where}: column "{column}" holds lists of fractions: labels were expected, or 1 and 0',
                hint="write the labels that hold, or 1 for those and 0 for the others",
            )
        return lists.cast(pl.List(pl.Int64))
    return lists


def with_tags_of_spans(
    splits: Sequence[Split], label: str, text: str, names: Mapping[str, str], progress: Progress = SILENT
) -> list[Split]:
    """The splits with tokens and tags in place of texts and spans, which is reported.

    Raises `InputError` for a span that cuts a token.
    """
    progress.say(f'{splits[0].where}: the spans of column "{label}" become tags of tokens: B-, I- and O')
    converted = []
    for split in splits:
        values = {name: columns.values(split.original, name) for name in (text, label)}
        for name, series in values.items():
            if series is None:
                raise no_column(split.where, name, split.frame.columns, "give every split the same columns")
        texts, spans = (series for series in values.values() if series is not None)
        tokens, tags = span_tags.tokens_and_tags(texts.cast(pl.String), spans, names, split.where)
        converted.append(replace(split, original=split.original.with_columns(tokens, tags.alias(label))))
    return converted


def with_lists_as_strings(split: Split, chosen: ListColumns) -> Split:
    """The split with one string for each list; of tokens, in a column ``text``.

    Raises `InputError` for tags that are not one per token, labels or tags that contain the separator,
    and lists in a column ``text``.
    """
    frame = split.original
    if chosen.tokens is not None and conll.TEXT in (chosen.tokens, chosen.label):
        role, other = ("text", "tokens") if chosen.tokens == conll.TEXT else ("label", "tags")
        raise InputError(
            f'{split.where}: column "{conll.TEXT}" holds lists, and the joined tokens take that name',
            hint=f"give it another:\n--rename {conll.TEXT}={other} --{role}-column {other}",
        )
    strings = []
    if chosen.label is not None:
        labels = _strings(frame[chosen.label], chosen.label, split.where)
        between = SEPARATOR if chosen.tokens is None else BETWEEN_TAGS
        _check_separable(labels, between, chosen.label, split.where)
        strings.append(_joined(labels, between).alias(chosen.label))
    if chosen.tokens is not None:
        if chosen.tokens not in frame.columns:
            raise no_column(split.where, chosen.tokens, frame.columns)
        tokens = _strings(frame[chosen.tokens], chosen.tokens, split.where)
        tokens = tokens.list.eval(pl.element().fill_null(""))
        if chosen.label is not None:
            _check_one_each(tokens, frame[chosen.label], chosen, split.where)
        strings += [tokens, tokens.list.join(" ").alias(conll.TEXT)]
    frame = frame.with_columns(strings)
    read = (chosen.label, chosen.tokens)
    mixed = {name: row for name, row in split.mixed.items() if name not in read}
    return replace(split, frame=frame, original=frame, mixed=mixed)


def with_labels_split_at(split: Split, label: str, separator: str, names: Mapping[str, str]) -> Split:
    """The split with its labels, several in one string, joined as those of lists are."""
    values = columns.values(split.original, label)
    if values is None or separator == "":
        raise UsageError(f'--label-sep "{separator}": expected the character between labels')
    text = pl.lit(values.cast(pl.String))
    lists = text.str.split(separator).list.eval(pl.element().str.strip_chars().replace(dict(names)))
    # an empty field is a missing label, as it is of rows with one each
    original = split.original.with_columns(pl.when(text != "").then(lists).alias(label))
    return with_lists_as_strings(replace(split, original=original), ListColumns(label, None))


def _strings(values: pl.Series, column: str, where: str, names: Mapping[str, str] = {}) -> pl.Series:
    """Lists of strings or numbers as lists of strings, labels renamed."""
    inner = getattr(values.dtype, "inner", None)
    # polars writes objects as text, as if they were labels
    nested = isinstance(inner, pl.List | pl.Array | pl.Struct)
    kind = f"lists of {'objects' if isinstance(inner, pl.Struct) else 'lists'}" if nested else values.dtype
    try:
        if nested:
            raise pl.exceptions.SchemaError(kind)
        strings = values.cast(pl.List(pl.String)).alias(column)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f'{where}: column "{column}" holds {kind}: lists of strings were expected',
            hint="name other columns (--text-column, --label-column)",
        ) from error
    return strings.list.eval(pl.element().replace(dict(names))) if names else strings


def _without_empty(lists: pl.Series) -> pl.Series:
    return lists.list.eval(pl.element().filter(pl.element().is_not_null() & (pl.element() != "")))


def _joined(lists: pl.Series, between: str) -> pl.Series:
    """(rows,) strings; of no labels at all the separator alone, of a missing list null."""
    filled = _without_empty(lists)
    if between == BETWEEN_TAGS:
        return filled.list.join(between)
    # the same labels in another order are the same: copies with them do not contradict each other
    names = sort_labels(filled.explode().drop_nulls().unique().to_list())
    numbers = {name: i for i, name in enumerate(names)}
    in_order = filled.list.eval(pl.element().replace_strict(numbers, return_dtype=pl.Int64)).list.unique()
    named = pl.element().replace_strict(dict(enumerate(names)), return_dtype=pl.String)
    return in_order.list.sort().list.eval(named).list.join(between).replace("", between)


def _check_separable(lists: pl.Series, between: str, column: str, where: str) -> None:
    values = lists.explode().drop_nulls().unique()
    broken = values.filter(values.str.contains(r"\s" if between == BETWEEN_TAGS else r"\|"))
    if broken.len():
        what = "white space" if between == BETWEEN_TAGS else f'"{between}"'
        raise InputError(
            f'{where}: column "{column}": "{broken.sort()[0]}" contains {what}, which is the separator here',
            hint="write it without, or give it another name (--label-names)",
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
            hint="fix those rows, or name another column (--label-column)",
        )


def names_several(split: Split, requested: str | None) -> list[str]:
    """The columns that ``--label-column toxic,obscene`` names; none where it names one column."""
    if requested is None or BETWEEN_COLUMNS not in requested or requested in split.frame.columns:
        return []
    return [name.strip() for name in requested.split(BETWEEN_COLUMNS) if name.strip()]


def with_labels_in_lists(split: Split, requested: str) -> Split:
    """The split with a column of lists of labels, where ``--label-column toxic,obscene`` names several.

    Its name is what was requested; a row that lacks one of the labels is null in it. Fields of one object,
    ``cats.POS,cats.NEG``, are named by their last part. Raises `InputError` for a column that is not there,
    and for values that are neither 1 nor 0, nor true nor false.
    """
    names = names_several(split, requested)
    if not names:
        return split
    labels: dict[str, pl.Series] = {}
    for name in names:
        values = columns.values(split.original, name)
        if values is None:
            hint = "name columns that hold 1 where a row carries the label, else 0"
            raise no_column(split.where, name, split.frame.columns, hint)
        labels[name] = label_lists.carried(values, split.where, name)
    short = [name if name in split.original.columns else name.rpartition(".")[2] for name in names]
    if len(set(short)) == len(short):
        labels = dict(zip(short, labels.values(), strict=True))
    frame = split.original.with_columns(label_lists.lists_of_carried(labels).alias(requested))
    return replace(split, original=frame)
