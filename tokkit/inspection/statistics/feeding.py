"""The rows of a data set as they are measured: batches of columns, from files or from tables in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tokkit.data.dataset import Dataset
from tokkit.data.loading.streaming import StreamedDataset
from tokkit.inspection.statistics.sums import Rows

_AT_ONCE = 1 << 15
"""Rows of a table that are measured at a time."""


def rows_of(source: Dataset | StreamedDataset) -> Iterator[Rows]:
    """All rows, split by split."""
    return _rows_of_files(source) if isinstance(source, StreamedDataset) else _rows_of_tables(source)


def size_of(source: Dataset | StreamedDataset) -> tuple[int | None, str]:
    """The sum of the amounts of all rows, None where compression hides it, and what is counted."""
    if isinstance(source, StreamedDataset):
        return source.size, "bytes"
    return sum(split.frame.height for split in source.splits.values()), "rows"


def others_of(source: Dataset | StreamedDataset) -> list[str]:
    """The columns whose distinct values are counted on their own: those that hold plain values, the label
    aside, and the text where it alone is what rows are compared by."""
    chosen = (source.label_column, *((source.text_column,) if source.pair_column is None else ()))
    if isinstance(source, StreamedDataset):
        return [name for name in source.columns if name not in (*chosen, *source.nested)]
    frames = [split.frame for split in source.splits.values()]
    return [
        name
        for name in dict.fromkeys(name for frame in frames for name in frame.columns)
        if name not in chosen
        and not any(_is_nested(frame.schema[name]) for frame in frames if name in frame.columns)
    ]


def _is_nested(dtype: Any) -> bool:
    import polars as pl

    return bool(dtype.is_nested() or dtype in (pl.Binary, pl.Object))


def _rows_of_files(source: StreamedDataset) -> Iterator[Rows]:
    chosen = [source.text_column, source.pair_column, source.label_column]
    counted = [*others_of(source), *source.nested]
    for number, files in enumerate(source.splits.values()):
        first = 0
        for file in files:
            for batch in file.batches([name for name in chosen if name is not None]):
                columns = dict(zip(source.columns, batch.columns, strict=True))
                others = {name: columns[name] for name in counted}
                texts = columns[source.text_column]
                pairs, labels = (
                    None if name is None else columns[name]
                    for name in (source.pair_column, source.label_column)
                )
                yield Rows(number, texts, pairs, labels, others, first, batch.read)
                first += len(texts)


def _rows_of_tables(source: Dataset) -> Iterator[Rows]:
    import polars as pl

    from tokkit.runtime.strings import Strings

    others = others_of(source)
    for number, split in enumerate(source.splits.values()):
        for first in range(0, split.frame.height, _AT_ONCE):
            frame = split.frame.slice(first, _AT_ONCE)
            columns = {
                # an empty string is a value: what is missing is counted in the frame
                other: Strings.of_series(frame[other].cast(pl.String).replace("", "\0"))
                for other in others
                if other in frame.columns
            }
            texts = Strings.of_series(frame[source.text_column])
            pairs, labels = (
                None if name is None else Strings.of_series(frame[name])
                for name in (source.pair_column, source.label_column)
            )
            yield Rows(number, texts, pairs, labels, columns, first, frame.height)
