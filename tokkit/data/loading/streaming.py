"""A data set as batches of rows, for work that looks at each row once and does not need all in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from tokkit.data.dataset import ONE, Dataset, Rows, Split
from tokkit.data.loading import list_columns
from tokkit.data.loading.dataset_options import DatasetOptions, RowOptions
from tokkit.data.loading.load import chosen_columns, dataset_of, say_guess
from tokkit.data.loading.read import SplitFiles, find_splits
from tokkit.data.loading.row_transforms import apply_row_options, filtered, report_filtered
from tokkit.data.loading.trained_columns import NO_COLUMNS, TrainedColumns
from tokkit.errors import InputError
from tokkit.files import redacted
from tokkit.progress import SILENT, Progress, SayOnce
from tokkit.sources import streams
from tokkit.sources.formats import TableFormat
from tokkit.sources.formats.batch import (
    Batch,
    JsonValues,
    concatenate,
    first_rows,
    nested_among_others,
    slices,
)
from tokkit.sources.formats.spans import FileRows

if TYPE_CHECKING:
    from tokkit.runtime.strings import Strings

Result = TypeVar("Result")


class TypesChanged(Exception):
    """A later row changes the type of a column, so that the values of earlier rows change too."""


@dataclass(frozen=True)
class SplitStream:
    """The rows of a split.

    schema    the types of its columns, by name
    original  as `Split.original`, where all rows are in memory
    tables    as `SplitFiles.tables`
    """

    schema: Mapping[str, pl.DataType]
    parts: Sequence[Callable[[], Iterator[Batch]]]
    files: tuple[Path, ...]
    format: TableFormat
    original: pl.DataFrame | None = None
    mixed: Mapping[str, str] = field(default_factory=dict)
    tables: Sequence[FileRows] = ()

    @property
    def nested(self) -> list[str]:
        """The columns that hold lists, objects or bytes."""
        others = (pl.Binary, pl.Object)
        return [name for name, dtype in self.schema.items() if dtype.is_nested() or dtype in others]

    def batches(self) -> Iterator[Batch]:
        return chain.from_iterable(part() for part in self.parts)


@dataclass(frozen=True)
class StreamedDataset:
    """A data set whose rows are read when they are iterated over.

    size   the sum of `Batch.read` over all batches, None where compression hides it
    unit   what that counts
    label_kind  as `Dataset.label_kind`
    """

    source: str
    splits: Mapping[str, SplitStream]
    text_column: str
    label_column: str | None
    pair_column: str | None
    size: int | None
    unit: str
    tokens_column: str | None = None
    label_kind: str = ONE

    @classmethod
    def of(cls, dataset: Dataset) -> StreamedDataset:
        """A data set that is in memory."""
        streams = {name: _in_memory(split) for name, split in dataset.splits.items()}
        return cls(
            source=dataset.source,
            splits=streams,
            text_column=dataset.text_column,
            label_column=dataset.label_column,
            pair_column=dataset.pair_column,
            size=sum(split.frame.height for split in dataset.splits.values()),
            unit="rows",
            tokens_column=dataset.tokens_column,
            label_kind=dataset.label_kind,
        )

    def row_blocks(self) -> Iterator[RowBlock]:
        """All rows in their order. Raises `TypesChanged` where a column has another type than before."""
        schema: pl.Schema | None = None
        for name, split in self.splits.items():
            first = 0
            for batch in split.batches():
                frame = concatenate([batch])
                if split.original is not None:
                    original, mixed = split.original.slice(first, batch.rows), set(split.mixed)
                else:
                    original, mixed = frame, nested_among_others(batch)
                    schema = schema or original.schema
                    if original.schema != schema or mixed & {self.text_column, self.pair_column}:
                        raise TypesChanged
                texts, pairs = (
                    None if column is None else _present(frame[column])
                    for column in (self.text_column, self.pair_column)
                )
                assert texts is not None
                tokens = None if self.tokens_column is None else frame[self.tokens_column]
                yield RowBlock(name, frame, original, texts, pairs, tokens, mixed, batch.read)
                first += batch.rows


def string_columns(
    batches: Iterable[Batch], names: Sequence[str], types: dict[str, str]
) -> Iterator[tuple[list[Strings], int]]:
    """Batches of some columns as strings, empty where missing; and `Batch.read` of each batch.

    types   column of JSON -> its type as far as it is known, which this adds to

    Raises `TypesChanged` where a column of JSON has another type than before.
    """
    # loads Numba, which commands that read all rows at once may do without
    from tokkit.runtime.strings import Strings

    for batch in batches:
        strings = []
        for name in names:
            column = batch.columns.get(name)
            if not isinstance(column, Strings):
                series = concatenate([batch])[name]
                is_filled = series.null_count() < len(series)
                if is_filled and types.setdefault(name, str(series.dtype)) != str(series.dtype):
                    raise TypesChanged
                column = Strings.of_series(_present(series))
            strings.append(column)
        yield strings, batch.read


@dataclass(frozen=True)
class RowBlock:
    """Some rows, as they are in their file and as a model reads them.

    split          the name of theirs
    frame          as `Split.frame`
    original       all columns
    texts, pairs   (rows,) strings, null where missing; ``pairs`` is None where rows are single texts
    tokens         (rows,) lists of strings; None where rows are no lists
    mixed          as `Split.mixed`
    read           as `Batch.read`
    """

    split: str
    frame: pl.DataFrame
    original: pl.DataFrame
    texts: pl.Series
    pairs: pl.Series | None
    tokens: pl.Series | None
    mixed: Collection[str]
    read: int

    def complete(self, *, by_row: bool = True) -> Rows:
        """The rows that have a text, and a second one where rows are pairs; without labels.

        by_row   whether tokens are left out; else a text without any is split at white space
        """
        present = self.texts.is_not_null()
        left_out = {"no text": present.len() - int(present.sum())}
        if self.pairs is not None:
            present &= self.pairs.is_not_null()
            left_out["no second text"] = present.len() - int(present.sum()) - left_out["no text"]
        texts = self.texts.filter(present).to_list()
        tokens: list[list[str]] = []
        if not by_row:
            tokens = (
                [text.split() for text in texts]
                if self.tokens is None
                else self.tokens.filter(present).to_list()
            )
        return Rows(
            texts=texts,
            labels=[],
            positions=present.arg_true().to_list(),
            left_out={reason: rows for reason, rows in left_out.items() if rows},
            pairs=[] if self.pairs is None else self.pairs.filter(present).to_list(),
            tokens=tokens,
        )


def _in_memory(split: Split) -> SplitStream:
    parts = [partial(slices, split.frame)]
    return SplitStream(split.frame.schema, parts, split.files, split.format, split.original, split.mixed)


def over_batches(
    source: str | Path,
    options: DatasetOptions,
    progress: Progress,
    work: Callable[[StreamedDataset], Result],
    trained: TrainedColumns = NO_COLUMNS,
) -> tuple[StreamedDataset, Result]:
    """The data set at a path, glob, address or ``-``, and what ``work`` gives for it.

    Rows are read in batches, unless an option or the format needs all of them at once. Where a later row
    changes the type of a column (`TypesChanged`), ``work`` begins anew, with the types of all rows.

    trained  as in `read_dataset`

    Raises `InputError` and `UsageError` as `read_dataset`.
    """
    progress = SayOnce(progress)
    split_files = find_splits(str(source), options, progress)
    streamed = _streamed(str(source), split_files, options, progress, trained)
    if streamed is not None:
        try:
            return streamed, work(streamed)
        except TypesChanged:
            pass
    streamed = StreamedDataset.of(dataset_of(str(source), split_files, options, progress, trained))
    return streamed, work(streamed)


def _streamed(
    source: str,
    split_files: Mapping[str, SplitFiles],
    options: DatasetOptions,
    progress: Progress,
    trained: TrainedColumns,
) -> StreamedDataset | None:
    """The data set, its columns chosen by the first rows; None where only all rows tell what they hold."""
    for_all_rows = ("label_names", "label_sep", "missing_label", "id_column", "sort", "sample")
    if any(getattr(options, name) not in (None, (), False) for name in for_all_rows):
        return None
    if any(split.whole for split in split_files.values()):
        return None
    values = JsonValues()
    samples = {
        name: [first_rows(values.noted(part(), 0)) for part in split.parts]
        for name, split in split_files.items()
    }
    # files with other columns or types are compared, and joined, as tables
    if any(sample.schema != parts[0].schema for parts in samples.values() for sample in parts):
        return None
    if any(getattr(options, name) for name in _BY_ROW):
        # what JSON holds has the types that all rows determine
        if any(split.format.name not in _TYPED for split in split_files.values()):
            return None
        samples = {
            name: [_transformed(parts[0], split_files[name], options)] for name, parts in samples.items()
        }
        if not all(sample.height for (sample,) in samples.values()):
            return None
        split_files = {name: _by_row(split, options, progress) for name, split in split_files.items()}
        options = replace(options, rename=None, add=(), where=None, select=None)
    schemas = {name: _types(parts[0]) for name, parts in samples.items()}
    name, split = next(iter(split_files.items()))
    sample = samples[name][0]
    first = Split(name, sample, split.files, split.format, sample, split.known)
    try:
        if trained.computed(first, options) is not first:
            return None
    except InputError:
        return None
    options = trained.requested(first, options, progress)
    # lists of labels, and what can only be refused with all rows at hand
    if list_columns.names_several(first, options.label_column) or list_columns.list_columns(first, options):
        return None
    try:
        chosen = chosen_columns(options, first)
    except InputError:
        return None
    # no figure is computed from ids, and only all rows tell whether each is different
    chosen = replace(chosen, id=None)
    for column in filter(None, (chosen.text, chosen.pair, chosen.label)):
        types = [schema.get(column) for schema in schemas.values()]
        # of fractions that are all whole numbers, as labels are, the fraction is left out
        if any(dtype is None or dtype.is_nested() or dtype.is_float() for dtype in types):
            return None
    say_guess(options, chosen, first, progress)
    values.say_changed(str(split.files[0]), sample, progress.say)
    files = [path for split in split_files.values() for path in split.files]
    return StreamedDataset(
        source=redacted(source),
        splits={
            name: SplitStream(schemas[name], split.parts, split.files, split.format, tables=split.tables)
            for name, split in split_files.items()
        },
        text_column=chosen.text,
        label_column=chosen.label,
        pair_column=chosen.pair,
        size=sum(path.stat().st_size for path in files) if all(map(streams.is_plain, files)) else None,
        unit="bytes",
    )


# Options that change one row after the other, and formats whose types its first rows determine.
_BY_ROW = ("rename", "add", "where", "select")
_TYPED = ("csv", "tsv", "text", "fasttext", "parquet", "arrow")


def _by_row(split: SplitFiles, options: RowOptions, progress: Progress) -> SplitFiles:
    """The files of a split as one part, whose rows are those after the options."""
    return replace(split, parts=[partial(_transformed_batches, split, options, progress)], tables=())


def _transformed(frame: pl.DataFrame, files: SplitFiles, options: RowOptions) -> pl.DataFrame:
    """Some rows of a split after the options of `_BY_ROW`, of which none may be left."""
    first = Split(files.name, frame, files.files, files.format, frame)
    frame = apply_row_options(first, replace(options, where=None, select=None), SILENT).frame
    if options.where is not None:
        frame = filtered(frame, options.where)
    selected = replace(options, rename=None, add=(), where=None)
    return apply_row_options(replace(first, frame=frame, original=frame), selected, SILENT).frame


def _transformed_batches(files: SplitFiles, options: RowOptions, progress: Progress) -> Iterator[Batch]:
    """All rows of a split after the options; how many ``where`` leaves is reported after the last."""
    rows = left = 0
    for batch in chain.from_iterable(part() for part in files.parts):
        frame = _transformed(concatenate([batch]), files, options)
        yield Batch({name: frame[name] for name in frame.columns}, frame.height, batch.read)
        rows, left = rows + batch.rows, left + frame.height
    if options.where is not None:
        where = Split(files.name, pl.DataFrame(), files.files, files.format, pl.DataFrame()).where
        report_filtered(options.where, where, left, rows, progress)


def _present(column: pl.Series) -> pl.Series:
    """The values as strings, null where one is missing or empty."""
    strings = column.cast(pl.String)
    return strings.set(strings == "", None)


def _types(sample: pl.DataFrame) -> dict[str, pl.DataType]:
    """The types of the columns; null of strings without any: further rows of JSON may hold anything there."""
    return {
        column.name: pl.Null()
        if column.dtype == pl.String and column.null_count() == len(column)
        else column.dtype
        for column in sample
    }
