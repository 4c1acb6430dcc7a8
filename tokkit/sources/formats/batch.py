"""What every reader gives: batches of rows as columns, whose concatenation is the table of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from tokkit.errors import InputError, counted
from tokkit.sources import columns
from tokkit.sources.formats import Say

if TYPE_CHECKING:
    from tokkit.runtime.strings import Strings  # loads Numba, which small files do without

# most rows of a batch, and bytes of the file for it: whichever comes first ends it
ROWS, BYTES = 1 << 14, 1 << 23
# rows that are Python's objects at a time: few enough for the processor's cache
_STEP = 256
# rows from which the columns of texts and labels are guessed
SAMPLE = 5000
# beyond 2**53 a whole number may have no equal among the fractions
_EXACT = 2**53
# lists and objects next to texts are written as such again; of 1 and 2.5 the values stay
_UNCHANGED: dict[str, set[type]] = {"texts": {str, list, dict}, "lists": {list}, "numbers": {int, float}}
_TYPES = {int: "numbers", float: "numbers", bool: "true and false", str: "texts", dict: "objects"}

Row = TypeVar("Row")


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    columns  name -> (rows,) values, in the order of the file. Text formats give strings, of which an empty
             one is a missing value; formats with types of their own keep them; JSON gives lists, whose type
             only all rows of the file determine.
    rows     how many there are
    read     bytes of the file that were read for them
    """

    columns: Mapping[str, Strings | pl.Series | list[Any]]
    rows: int
    read: int = 0

    def __post_init__(self) -> None:
        # polars panics on such a name where a table is handed over to another library
        for name in self.columns:
            if "\0" in name:
                raise InputError(
                    f'a column is called "{name}", which holds a NUL character',
                    hint="rename it in the program that wrote the file",
                )

    def texts(self, name: str) -> list[str]:
        """The strings of a column, or of a field of objects (``review.body``), where there is one."""
        column = self.columns.get(name)
        if isinstance(column, list):
            return [text for value in column if value is not None and (text := json_text(value))]
        if column is None or isinstance(column, pl.Series):
            values = columns.values(concatenate([self]), name) if column is None else column
            return [] if values is None else values.drop_nulls().cast(pl.String).to_list()
        return [text for text in column.to_list() if text]

    def series(self, name: str) -> pl.Series:
        """A column with the type that the rows of this batch give it."""
        column = self.columns[name]
        if isinstance(column, list):
            return json_series(name, column)
        return column if isinstance(column, pl.Series) else column.series()

    def head(self, rows: int) -> Batch:
        """The first of the rows."""
        columns = {
            name: column[:rows] if isinstance(column, list) else column.head(rows)
            for name, column in self.columns.items()
        }
        return Batch(columns, min(rows, self.rows), self.read)


def batches_of(
    rows: Iterator[Row],
    read: list[int],
    columns_of: Callable[[list[Row]], Mapping[str, Iterable[Any]]],
    column_of: Callable[[str, list[Any]], pl.Series | list[Any]],
) -> Iterator[Batch]:
    """The rows as batches, turned into columns some at a time.

    read        bytes of the file for the rows, added to by their source
    columns_of  some rows as columns; one that these rows lack is null in them
    column_of   name and values of a column of a batch as it holds them
    """
    step = min(ROWS, _STEP)
    while True:
        columns: dict[str, list[Any]] = {}
        count = 0
        while count < ROWS and sum(read) < BYTES and (some := list(islice(rows, step))):
            for name, values in columns_of(some).items():
                columns.setdefault(name, [None] * count).extend(values)
            count += len(some)
            for column in columns.values():
                column += [None] * (count - len(column))
        if not count:
            return
        yield Batch({name: column_of(name, column) for name, column in columns.items()}, count, sum(read))
        read.clear()


def string_series(name: str, values: Sequence[str | None]) -> pl.Series:
    """A column of strings, null where one is empty."""
    return pl.Series(name, [value or None for value in values], dtype=pl.String)


def slices(frame: pl.DataFrame) -> Iterator[Batch]:
    """A table as batches; `Batch.read` counts rows."""
    for first in range(0, max(1, frame.height), ROWS):
        some = frame.slice(first, ROWS)
        yield Batch({name: some[name] for name in some.columns}, some.height, some.height)


def with_types(batches: Iterator[Batch], name: str) -> Iterator[Batch]:
    """The same rows, the column ``name`` with the strings that a table has for its values.

    How a JSON number is written depends on all rows: of 1 and 2.5 the first is 1.0. Such a column, rare for
    texts, is read whole.
    """
    first = next(batches)
    column = first.columns.get(name)
    rows = chain([first], batches)
    if isinstance(column, list) and not all(isinstance(value, str | None) for value in column):
        return slices(concatenate(rows))
    return rows


def first_rows(batches: Iterable[Batch], rows: int = SAMPLE) -> pl.DataFrame:
    """The table of the first rows; no more batches are read than they need."""
    parts: list[Batch] = []
    for batch in batches:
        parts.append(batch.head(rows))
        rows -= batch.rows
        if rows <= 0:
            break
    return concatenate(parts)


def concatenate(batches: Iterable[Batch]) -> pl.DataFrame:
    """The table that the batches of a file make, null where a batch lacks a column."""
    parts: dict[str, list[pl.Series | list[Any]]] = {}
    rows = 0
    for batch in batches:
        # as Series at once: the bytes that `Strings` share with their batch are then free
        for name, column in batch.columns.items():
            # a column that begins in a later batch is null in the rows before
            if name not in parts:
                parts[name] = [[None] * rows] if rows else []
            parts[name].append(column if isinstance(column, list) else batch.series(name))
        for name in parts.keys() - batch.columns.keys():
            parts[name].append([None] * batch.rows)
        rows += batch.rows
    # by name: of a series without one, polars makes column_0
    return pl.DataFrame({name: _joined(name, columns) for name, columns in parts.items()})


def _joined(name: str, parts: list[pl.Series | list[Any]]) -> pl.Series:
    series = [part for part in parts if isinstance(part, pl.Series)]
    # a JSON column: only all its values together have a type
    if len(series) < len(parts):
        return json_series(name, list(chain.from_iterable(parts)))
    return (series[0] if len(series) == 1 else pl.concat(series)).alias(name)


def json_series(name: str, values: list[Any]) -> pl.Series:
    """A column of JSON values: it keeps their type where all share one, else it is of strings.

    >>> json_series("n", [1, 2.5, None]).to_list(), json_series("n", [1, "x"]).to_list()
    ([1.0, 2.5, None], ['1', 'x'])
    >>> json_series("labels", [["price", "noise"], "price"]).to_list()
    [['price', 'noise'], ['price']]
    """
    values = _with_lists(values) if list in kinds_of(values) else _of_one_type(values)
    kinds = kinds_of(values)
    # an empty string is a missing value, as an empty field of csv is
    if kinds <= {str}:
        return string_series(name, values)
    if len(kinds) == 1:
        try:
            return pl.Series(name, _aligned(values))
        except (TypeError, OverflowError, pl.exceptions.PolarsError):  # lists of several types
            pass
    texts = [None if value is None else json_text(value) or None for value in values]
    return pl.Series(name, texts, dtype=pl.String)


def json_text(value: Any) -> str:
    """A JSON value as a string: a string is itself, anything else as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def kinds_of(values: Iterable[Any]) -> set[type]:
    """The types of the values that are not missing."""
    return set(map(type, values)) - {type(None)}


def first_nested(values: Sequence[Any]) -> tuple[int, str] | None:
    """The index of the first JSON value that is a list or an object, and which it is.

    >>> first_nested(["a", {"b": 1}])
    (1, 'an object')
    """
    if not {list, dict} & set(map(type, values)):
        return None
    index = next(i for i, value in enumerate(values) if isinstance(value, list | dict))
    return index, "a list" if isinstance(values[index], list) else "an object"


def nested_among_others(batch: Batch) -> set[str]:
    """The columns of JSON values of which some are lists or objects, and which are read as strings."""
    return {
        name
        for name, values in batch.columns.items()
        if isinstance(values, list)
        and first_nested(values) is not None
        and not batch.series(name).dtype.is_nested()
    }


class JsonValues:
    """Where the lists and objects of JSON columns begin that hold other values, too."""

    def __init__(self) -> None:
        self._kinds: dict[str, set[type]] = {}
        self._first: dict[str, tuple[int, int, str]] = {}

    def noted(self, batches: Iterator[Batch], part: int) -> Iterator[Batch]:
        """The same batches, those of part number ``part``."""
        rows = 0
        for batch in batches:
            for name, values in batch.columns.items():
                if isinstance(values, list):
                    self._kinds.setdefault(name, set()).update(kinds_of(values))
                    if name not in self._first and (nested := first_nested(values)) is not None:
                        self._first[name] = part, rows + nested[0], nested[1]
            rows += batch.rows
            yield batch

    def say_changed(self, where: str, frame: pl.DataFrame, say: Say) -> None:
        """Says which columns hold values of several types that become one: 1 next to "a" is the text "1"."""
        for name, kinds in self._kinds.items():
            dtype = frame.schema[name]
            become = "texts" if dtype == pl.String else "lists" if dtype.is_nested() else "numbers"
            if len(kinds) > 1 and (changed := kinds - _UNCHANGED[become]):
                types = ", ".join(dict.fromkeys(text for kind, text in _TYPES.items() if kind in changed))
                say(f'{where}: column "{name}" holds several types: {types} are read and written as {become}')

    def mixed(self, files: Sequence[Path], frame: pl.DataFrame) -> dict[str, str]:
        """Column -> its first row with a list or an object, where its values are of no one type."""
        return {
            name: f"{files[part]}: row {row + 1} holds {kind}"
            for name, (part, row, kind) in self._first.items()
            if len(self._kinds[name]) > 1 or not frame[name].dtype.is_nested()
        }


def _of_one_type(values: list[Any]) -> list[Any]:
    """Plain values as one type where they are of one: true and false among 1 and 0, 1 among fractions."""
    kinds = kinds_of(values)
    if bool in kinds and kinds <= {bool, int, float} and kinds != {bool}:
        # two spellings of the same two classes; true next to 2 is something else
        if all(value is None or value in (0, 1) for value in values):
            return [None if value is None else int(value) for value in values]
    elif kinds == {int, float} and all(value is None or abs(value) < _EXACT for value in values):
        return [None if value is None else float(value) for value in values]
    return values


def _with_lists(values: list[Any]) -> list[Any]:
    """Lists of values of one type, strings at worst; a plain value among lists is a list of itself.

    Lists that hold lists or objects, and lists among objects, stay as they are.
    """
    # an empty string is a missing value, among lists too
    lists = [
        value if isinstance(value, list) else None if value is None or value == "" else [value]
        for value in values
    ]
    flat = [item for value in lists if value is not None for item in value]
    if {list, dict} & kinds_of(flat):
        return values
    flat = _of_one_type(flat)
    if len(kinds_of(flat)) > 1:
        flat = [None if item is None else json_text(item) for item in flat]
    items = iter(flat)
    return [None if value is None else [next(items) for _ in value] for value in lists]


def _aligned(values: list[Any]) -> list[Any]:
    """The same values, but objects with the same keys at any depth: of others polars drops what is new.

    >>> _aligned([{"a": 1}, {"b": 2}, None])
    [{'a': 1, 'b': None}, {'a': None, 'b': 2}, None]
    """
    kinds = kinds_of(values)
    if kinds == {dict}:
        # values of one key are a column, which may hold objects again
        keys = dict.fromkeys(key for value in values if value is not None for key in value)
        filled = [value for value in values if value is not None]
        columns = [_aligned([value.get(key) for value in filled]) for key in keys]
        rows = iter([dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)] or filled)
        return [None if value is None else next(rows) for value in values]
    if kinds == {list}:
        items = iter(_aligned([item for value in values if value is not None for item in value]))
        return [None if value is None else [next(items) for _ in value] for value in values]
    return _of_one_type(values)


class BadRows:
    """Rows of one file that cannot be read: the first is an error, or all are skipped and counted.

    >>> bad = BadRows(Path("a.csv"), skip=True)
    >>> bad.add(4, "3 fields where 2 are named", hint="correct that line")
    >>> bad.report(print)
    a.csv: skipped 1 row: 3 fields where 2 are named (a.csv:4)
    """

    # lines that are named for each reason
    LISTED = 5

    def __init__(self, path: Path, skip: bool = False) -> None:
        self._path = path
        self._skip = skip
        self._lines: dict[str, list[int]] = {}

    def add(self, line: int, reason: str, hint: str, message: str | None = None) -> None:
        """A bad row that begins at ``line``; raises `InputError` unless bad rows are skipped.

        ``reason`` is what many rows may share, ``message`` what is said of this one.
        """
        if not self._skip:
            raise InputError(f"{self._path}:{line}: {message or reason}", hint=hint)
        self._lines.setdefault(reason, []).append(line)

    def report(self, say: Say) -> None:
        """Say how many rows were skipped for each reason, and on which lines the first of them begin."""
        for reason, lines in self._lines.items():
            first, *others = lines[: self.LISTED]
            where = ", ".join([f"{self._path}:{first}", *map(str, others)])
            rows = counted(len(lines), "row")
            more = " ..." if len(lines) > self.LISTED else ""
            say(f"{self._path}: skipped {rows}: {reason} ({where}{more})")
