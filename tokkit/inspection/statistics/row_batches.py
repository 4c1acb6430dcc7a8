"""The rows of a data set as they are measured: batches of columns of strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tokkit.data.loading.streaming import StreamedDataset, TypesChanged
from tokkit.inspection.statistics.totals import RowBatch
from tokkit.runtime.strings import Strings
from tokkit.sources.formats.batch import Batch, first_nested, json_text

_PRESENT = "\0"  # a value that is present, though its string is empty or of no interest
_EXACT = 2**53  # whole numbers below it are the same as fractions


@dataclass(frozen=True)
class SplitColumns:
    """The columns of a split that are measured, as any process reads them.

    split    its number
    schema   the types of its columns
    counted  those whose values are counted besides texts and labels
    """

    split: int
    schema: Mapping[str, pl.DataType]
    text: str
    pair: str | None
    label: str | None
    counted: Sequence[str]

    def batches(self, rows: Iterable[Batch]) -> Iterator[RowBatch]:
        """Rows of the split, the first of which is number 0.

        Raises `TypesChanged` where a column has another type than the first rows of the split.
        """
        chosen = {self.text, self.pair, self.label}
        first = 0
        for batch in rows:
            if not batch.rows:
                continue
            # a JSON key that no earlier row has
            if not batch.columns.keys() <= self.schema.keys():
                raise TypesChanged
            strings = {
                name: _strings(batch, name, self.schema[name], name in chosen)
                for name in {*self.counted, *chosen}
                if name is not None
            }
            yield RowBatch(
                split=self.split,
                texts=strings[self.text],
                pairs=None if self.pair is None else strings[self.pair],
                labels=None if self.label is None else strings[self.label],
                others={name: strings[name] for name in self.counted},
                first=first,
                amount=batch.read,
            )
            first += batch.rows


def columns_of(source: StreamedDataset) -> dict[str, SplitColumns]:
    """Split -> its columns."""
    others = others_of(source)
    return {
        name: SplitColumns(
            split=number,
            schema=split.schema,
            text=source.text_column,
            pair=source.pair_column,
            label=source.label_column,
            counted=[column for column in (*others, *split.nested) if column in split.schema],
        )
        for number, (name, split) in enumerate(source.splits.items())
    }


def batches(source: StreamedDataset) -> Iterator[RowBatch]:
    """All rows, split by split. Raises `TypesChanged` as `SplitColumns.batches`."""
    for name, columns in columns_of(source).items():
        yield from columns.batches(source.splits[name].batches())


def others_of(source: StreamedDataset) -> list[str]:
    """The columns whose distinct values are counted on their own: those that hold plain values, the label
    aside, and the text where it alone is what rows are compared by."""
    excluded = {source.label_column, *((source.text_column,) if source.pair_column is None else ())}
    for split in source.splits.values():
        excluded |= {*split.nested}
    names = dict.fromkeys(name for split in source.splits.values() for name in split.schema)
    return [name for name in names if name not in excluded]


def _strings(batch: Batch, name: str, dtype: pl.DataType, empty_is_missing: bool) -> Strings:
    """(rows,) the values of a column, an empty string where one is missing.

    Of lists, objects and bytes only whether a value is present. ``empty_is_missing`` for columns of texts and
    labels in formats that tell an empty string from none.
    """
    column = batch.columns.get(name)
    if column is None:
        return Strings.of_list([""] * batch.rows)
    if isinstance(column, Strings):
        return column
    series = batch.series(name)
    # lists and objects are no texts: with all rows at hand it is said which row has one
    if empty_is_missing and isinstance(column, list) and first_nested(column) is not None:
        raise TypesChanged
    if isinstance(column, list) and (series.dtype != dtype or dtype.is_float()):
        series = _with_type(series, column, dtype)
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return Strings.of_list(["" if missing else _PRESENT for missing in series.is_null()])
    strings = series if series.dtype == pl.String else series.cast(pl.String)
    # in a column that is neither text nor label, an empty string is a value like any other
    if not empty_is_missing and strings.eq("").any():
        strings = strings.replace("", _PRESENT)
    return Strings.of_series(strings)


def _with_type(series: pl.Series, values: list[Any], dtype: pl.DataType) -> pl.Series:
    """JSON values with the type of their column, which its first rows have."""
    if series.null_count() == len(series):
        return series
    # The first rows hold strings, or nothing: whatever else comes, the column is one of strings.
    if dtype == pl.String or (dtype == pl.Null and series.dtype == pl.String):
        return pl.Series([None if value is None else json_text(value) or None for value in values])
    # In a column with fractions, an int becomes float64, which rounds from 2^53 on: 2^53 + 1 is 2^53.
    if dtype.is_float() and series.dtype.is_numeric() and (series.abs() < _EXACT).all():
        return series.cast(dtype)
    raise TypesChanged
