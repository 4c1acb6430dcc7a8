"""New labels of rows, written into the columns that labels are read from, as these spell them.

toxic obscene    ["obscene"]      labels              "joy|love" with --label-sep "|"
0     1          a list           {"obscene": 1}      text, or a number
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tokkit.data.column_values import with_column
from tokkit.data.dataset import ONE, SEVERAL, TAGS, Dataset, Split, first_names
from tokkit.data.loading import label_lists, span_tags
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.list_columns import BETWEEN_COLUMNS
from tokkit.data.row_hash import Label, written_label
from tokkit.errors import InputError
from tokkit.sources import columns

# The column of labels of a data set that had none.
LABEL = "label"
# How columns of text write that a row carries a label, or does not.
_SWITCHES = (("0", "1"), ("0.0", "1.0"), ("false", "true"), ("False", "True"), ("FALSE", "TRUE"))


def with_label_column(dataset: Dataset, name: str | None, kind: str) -> Dataset:
    """A data set without labels, with a column of them, all missing; raises `InputError` for a taken name.

    name   of the column; ``label`` by default
    """
    name = name or LABEL
    splits = {}
    for split in dataset.splits.values():
        if name in split.original.columns:
            raise InputError(
                f'{split.where}: column "{name}" is no column of labels, and the new labels would take its '
                "name",
                hint="give that column another name (--rename label=other)",
            )
        missing = [None] * split.frame.height
        strings = pl.Series(name, missing, dtype=pl.String)
        values = strings if kind == ONE else pl.Series(name, missing, dtype=pl.List(pl.String))
        splits[split.name] = replace(
            split, frame=split.frame.with_columns(strings), original=split.original.with_columns(values)
        )
    return replace(dataset, splits=splits, label_column=name, label_lists=kind == SEVERAL)


def held_labels(dataset: Dataset) -> set[str]:
    """The labels that the columns have a place for, whether a row has them or not: columns or fields of 1 and
    0. Empty where the column holds the labels themselves.
    """
    column, split = dataset.require_labels(), next(iter(dataset.splits.values()))
    values = columns.values(split.original, column)
    if values is None:
        return {_short_name(name.strip()) for name in column.split(BETWEEN_COLUMNS)}
    is_object = isinstance(values.dtype, pl.Struct) and dataset.label_kind == SEVERAL
    return set(values.struct.fields) if is_object else set()


def with_new_labels(
    dataset: Dataset, split: Split, labels: Mapping[int, Label], read_options: DatasetOptions
) -> Split:
    """The split with other labels for some of its rows, in `Split.frame` and in `Split.original`.

    labels   row, from 0 -> its new label

    Raises `InputError` for a label that the column cannot hold.
    """
    column, kind = dataset.require_labels(), dataset.label_kind
    strings = split.frame[column].to_list()
    for row, label in labels.items():
        strings[row] = written_label(label, kind)
    frame = split.frame.with_columns(pl.Series(column, strings, dtype=pl.String))
    return replace(
        split, frame=frame, original=_LabelColumn(split, column, kind, read_options).written(labels)
    )


@dataclass(frozen=True)
class _LabelColumn:
    """The labels of a split as its columns spell them.

    column   name of the label column, or names of several columns of 1 and 0
    kind     as `Dataset.label_kind`
    """

    split: Split
    column: str
    kind: str
    read_options: DatasetOptions

    def written(self, labels: Mapping[int, Label]) -> pl.DataFrame:
        """The rows as they were read, with these labels."""
        original, column = self.split.original, self.column
        values = columns.values(original, column)
        if values is None:
            # toxic,obscene: a column for each label
            names = [name.strip() for name in column.split(BETWEEN_COLUMNS)]
            known = dict.fromkeys([*names, *map(_short_name, names)])
            self._check_held(labels.values(), list(known), "columns")
            for name in names:
                original = with_column(original, name, self._switched(name, labels))
            return original
        lists = {row: label if isinstance(label, list) else [str(label)] for row, label in labels.items()}
        if self.kind == ONE:
            values = _replaced(values, {row: self._one(values, label) for row, label in labels.items()})
        elif self.kind == TAGS and span_tags.are_spans(values):
            values = self._spans(values, lists)
        elif isinstance(values.dtype, pl.Struct):
            values = self._objects(values, lists)
        elif values.dtype == pl.String and not label_lists.are_lists_as_text(values):
            values = self._joined(values, lists)
        else:
            values = self._lists(values, lists)
        return with_column(original, column, values)

    def _cannot_hold(self, label: Any, what: str) -> InputError:
        written = json.dumps(label, ensure_ascii=False)
        return InputError(
            f'{self.split.where}: column "{self.column}" holds {what}, and the new label {written} is none',
            hint="correct the new label, or read the labels by names (--label-names OLD=NEW,...)",
        )

    def _check_held(self, labels: Iterable[Label], names: Sequence[str], of: str) -> None:
        for label in labels:
            if unknown := [name for name in label or () if name not in names]:
                raise self._cannot_hold(unknown[0], f"1 and 0 in {of} of {first_names(names)}")

    def _switched(self, name: str, labels: Mapping[int, Label]) -> pl.Series:
        """The column of one label: 1 where a row carries it, else 0, or true and false."""
        called = {name, _short_name(name)}
        carries = {row: not called.isdisjoint(label or ()) for row, label in labels.items()}
        values = columns.values(self.split.original, name)
        assert values is not None
        return _replaced(values, {row: _switch(values, on) for row, on in carries.items()})

    def _one(self, values: pl.Series, label: Label) -> Any:
        """One label as a value of the column."""
        dtype, name = values.dtype, str(label)
        try:
            if dtype.is_integer():
                return int(name)
            if dtype.is_float():
                return float(name)
        except ValueError as error:
            raise self._cannot_hold(name, "numbers") from error
        if dtype == pl.Boolean:
            if name not in ("true", "false"):
                raise self._cannot_hold(name, "true and false")
            return name == "true"
        return name

    def _objects(self, values: pl.Series, lists: Mapping[int, list[str]]) -> pl.Series:
        """Objects with 1 for each label that a row carries."""
        fields = {name: values.struct.field(name) for name in values.struct.fields}
        self._check_held(lists.values(), list(fields), "objects")
        objects = {
            row: {name: _switch(of_label, name in label) for name, of_label in fields.items()}
            for row, label in lists.items()
        }
        return _replaced(values, objects)

    def _joined(self, values: pl.Series, lists: Mapping[int, list[str]]) -> pl.Series:
        """Labels in one string, with the separator between; without one a row has one label."""
        separator = self.read_options.label_sep
        if separator is None and (others := [label for label in lists.values() if len(label) != 1]):
            raise self._cannot_hold(others[0], "one label a row")
        return _replaced(values, {row: (separator or "").join(label) for row, label in lists.items()})

    def _lists(self, values: pl.Series, lists: Mapping[int, list[str]]) -> pl.Series:
        """Lists of labels, of their numbers, or of 1 and 0; as text where the column holds text."""
        as_text = values.dtype == pl.String
        parsed = label_lists.lists_of_text(values, self.split.where) if as_text else values
        if isinstance(parsed.dtype, pl.Array):
            parsed = parsed.arr.to_list()
        width = None if self.kind == TAGS else label_lists.width_of_multi_hot(parsed)
        items, new = parsed.explode(), dict[int, list[Any]](lists)
        if width is not None:
            self._check_held(lists.values(), list(map(str, range(width))), "lists")
            new = {
                row: [_switch(items, str(number) in label) for number in range(width)]
                for row, label in lists.items()
            }
        elif items.dtype.is_numeric():
            new = {row: [self._one(items, name) for name in label] for row, label in lists.items()}
        if as_text:
            return _replaced(
                values, {row: json.dumps(label, ensure_ascii=False) for row, label in new.items()}
            )
        return _replaced(parsed, new)

    def _spans(self, values: pl.Series, tags: Mapping[int, list[str]]) -> pl.Series:
        """Spans as objects; one that stays is the object that it was."""
        without = self.split.original.drop(self.column, strict=False)
        name = columns.text_column(without, self.read_options.text_column, self.split.where)
        texts = columns.values(self.split.original, name)
        assert texts is not None
        return _replaced(
            values,
            {row: span_tags.with_tags(values[row], texts[row], of_row) for row, of_row in tags.items()},
        )


def _short_name(column: str) -> str:
    """The label of a column of 1 and 0: of a field of an object, `cats.POS`, the last part."""
    return column.rpartition(".")[2]


def _replaced(values: pl.Series, new: Mapping[int, Any]) -> pl.Series:
    """The column with other values in some rows."""
    # Categories are as fixed as numbers, and text holds any label.
    if not (values.dtype.is_numeric() or values.dtype.is_nested() or values.dtype == pl.Boolean):
        values = values.cast(pl.String)
    rows = values.to_list()
    for row, value in new.items():
        rows[row] = value
    return pl.Series(values.name, rows, dtype=values.dtype)


def _switch(values: pl.Series, on: bool) -> Any:
    """Whether a row carries a label, as the column writes it."""
    if values.dtype != pl.String:
        kind: Any = values.dtype.to_python()
        return kind(on)
    words = set(values.drop_nulls().unique().to_list()) - {""}
    return next((pair for pair in _SWITCHES if words <= {*pair}), _SWITCHES[0])[on]
