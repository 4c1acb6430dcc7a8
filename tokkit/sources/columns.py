"""Which columns hold text, second text, label and id: named by the user, or (second texts never) guessed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl

from tokkit.errors import InputError, did_you_mean, nearest
from tokkit.sources.column_names import ID_NAMES, LABEL_NAMES, PAIR_NAMES, TEXT_NAMES, UNNAMED

_SAMPLE = 5000
_SEPARATORS = (",", "\t", ";", "|")
_MOST_CLASSES = 200
_CALLED = {"text": "a text", "pair": "a second text", "label": "a label", "id": "an id"}
_KINDS = {"List": "lists", "Array": "lists", "Binary": "bytes"}


@dataclass(frozen=True)
class Columns:
    """Names of columns; ``pair`` is that of a second text, all but ``text`` may be None."""

    text: str
    pair: str | None = None
    label: str | None = None
    id: str | None = None


def choose(
    frame: pl.DataFrame,
    where: str,
    *,
    text: str | None = None,
    pair: str | None = None,
    label: str | None = None,
    id: str | None = None,
    mixed: Mapping[str, str] = MappingProxyType({}),
) -> Columns:
    """The requested columns, by name or number, and those that are guessed.

    mixed   column -> the first of its rows with a list or an object, of those where other rows have none

    Raises `InputError` for a column that is not there, holds lists, or is requested twice, and where there
    is no text, naming the columns there are.
    """
    requested = {"text": text, "pair": pair, "label": label, "id": id}
    named = {
        what: _requested(frame, name, what, where, mixed)
        for what, name in requested.items()
        if name is not None
    }
    _check_different(frame, named, where)
    chosen = named.get("text") or _text_column(frame, list(named.values()), where, mixed)
    others = [name for name in frame.columns if name != chosen and name not in named.values()]
    label = named.get("label") or _label_column(frame, others, where, mixed)
    for what, name in {"text": chosen, "label": label, **named}.items():
        if name is not None and name in mixed:
            raise InputError(
                f'{mixed[name]} in column "{name}": {_CALLED[what]} was expected',
                hint=f"correct those rows, or name another column (--{what}-column)",
            )
    return Columns(chosen, named.get("pair"), label, named.get("id") or _id_column(frame, others))


def text_column(
    frame: pl.DataFrame, name: str | None, where: str, mixed: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The column of texts alone, as `choose` has it; a ``mixed`` one is not refused."""
    if name is None:
        return _text_column(frame, (), where, mixed)
    return _requested(frame, name, "text", where, mixed)


def _text_column(
    frame: pl.DataFrame, excluded: Sequence[str], where: str, mixed: Mapping[str, str] = MappingProxyType({})
) -> str:
    """A column of a known name, else the one with the longest strings; none of labels by its name."""
    free = [name for name in frame.columns if name not in excluded]
    if by_name := _by_name(free, TEXT_NAMES):
        return _plain(frame, by_name, "text", where, mixed)
    free = [name for name in free if not _names_rows(name) and name not in mixed]
    texts = [name for name in free if name.casefold() not in LABEL_NAMES]
    strings = [name for name in texts if frame[name].dtype == pl.String]
    # a table of one column whose name holds a separator was most likely cut at another one
    separators = [
        separator for separator in _SEPARATORS if frame.width == 1 and separator in frame.columns[0]
    ]
    if separators:
        quoted = "'\\t'" if separators[0] == "\t" else f"'{separators[0]}'"
        raise InputError(
            f'{where}: the whole line was read as one column, "{frame.columns[0]}": a wrong separator?',
            hint=f"name the separator:\n--sep {quoted}",
        )
    if not strings:
        raise InputError(
            f"{where}: no column of texts found; it has: {', '.join(frame.columns)}",
            hint=f"name it:\n--text-column {shlex.quote(_likely_text(frame, texts or free))}",
        )
    lengths = {name: frame[name].head(_SAMPLE).str.len_chars().fill_null(0).sum() for name in strings}
    return max(strings, key=lambda name: lengths[name])


def _likely_text(frame: pl.DataFrame, names: Sequence[str]) -> str:
    """A field of strings within objects, one of a known name if there is any; else a column."""
    paths = [path for name in names for path in _string_fields(frame.schema[name], name)]
    known = [path for path in paths if path.rpartition(".")[2].casefold() in TEXT_NAMES]
    return (known or paths or names or frame.columns[-1:])[0]


def _string_fields(dtype: Any, path: str) -> list[str]:
    """The fields of strings within objects, dots between the names."""
    if not isinstance(dtype, pl.Struct):
        return [path] if dtype == pl.String else []
    fields = dtype.to_schema().items()
    return [inner for name, field in fields for inner in _string_fields(field, f"{path}.{name}")]


def _label_column(
    frame: pl.DataFrame, names: Sequence[str], where: str, mixed: Mapping[str, str]
) -> str | None:
    """A column of a known name, else that with the fewest distinct values; None where none is like labels."""
    if by_name := _by_name(names, LABEL_NAMES):
        return _plain(frame, by_name, "label", where, mixed)
    sample = frame.head(_SAMPLE)
    distinct = {
        name: sample[name].n_unique()
        for name in names
        if not _names_rows(name) and name not in mixed and not sample[name].dtype.is_nested()
    }
    # classes are few and repeat; a column with another value in most rows is none
    likely = {
        name: n for name, n in distinct.items() if 1 < n <= min(_MOST_CLASSES, max(2, sample.height // 2))
    }
    return min(likely, key=lambda name: likely[name]) if likely else None


def _names_rows(name: str) -> bool:
    """Whether a column is most likely of ids, or an index of pandas, which has no name."""
    return name.casefold() in ID_NAMES or name.startswith(UNNAMED)


def _id_column(frame: pl.DataFrame, names: Sequence[str]) -> str | None:
    """A column of a known name with another value in every row."""
    named = _by_name(names, ID_NAMES)
    return named if named is not None and is_id(frame[named]) else None


def is_id(values: pl.Series) -> bool:
    """Whether every row has a value, and another one."""
    return not values.dtype.is_nested() and not values.null_count() and values.n_unique() == values.len()


def pair_of(frame: pl.DataFrame, text: str) -> str | None:
    """The column that usually holds the second text of a pair, where there is one."""
    return _by_name(frame.columns, [PAIR_NAMES.get(text.casefold(), "")])


def values(frame: pl.DataFrame, column: str) -> pl.Series | None:
    """A column by its name, or a field of objects, as ``review.body``; None where there is neither.

    Of objects in lists, as ``entities.label``, it is a list of the fields.
    """
    if column in frame.columns:
        return frame[column]
    name, *keys = column.split(".")
    series = frame[name] if name in frame.columns else None
    for key in keys:
        series = None if series is None else _field(series, key)
    return None if series is None else series.alias(column)


def _field(objects: pl.Series, key: str) -> pl.Series | None:
    """A field of objects, or of each object in lists; None where there is none of that name."""
    dtype = objects.dtype
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        known = key in dtype.inner.to_schema()
        return objects.list.eval(pl.element().struct.field(key)) if known else None
    known = isinstance(dtype, pl.Struct) and key in dtype.to_schema()
    return objects.struct.field(key) if known else None


def _plain(
    frame: pl.DataFrame, column: str, what: str, where: str, mixed: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The column; raises `InputError` where it holds lists or objects, unless it is ``mixed``."""
    if column in mixed:  # which `choose` refuses, naming a row
        return column
    series = values(frame, column)
    assert series is not None
    dtype = series.dtype
    if dtype.is_nested() or dtype == pl.Binary:
        elsewhere = LABEL_NAMES if what == "text" else TEXT_NAMES
        others = [
            name
            for name in frame.columns
            if name != column
            and not (frame[name].dtype.is_nested() or _names_rows(name))
            and name.casefold() not in elsewhere
        ]
        within = [f"{column}.{key}" for key in series.struct.fields] if isinstance(dtype, pl.Struct) else []
        kind = _KINDS.get(str(dtype.base_type()), "objects")
        raise InputError(
            f'{where}: column "{column}" holds {kind}, not {_CALLED[what]} a row',
            hint=f"name another:\n--{what}-column {shlex.quote((within or others)[0])}"
            if within or others
            else f"give every row {_CALLED[what]}, or name another column",
        )
    return column


def _by_name(names: Sequence[str], known: Sequence[str]) -> str | None:
    folded = {name.casefold(): name for name in reversed(names)}
    return next((folded[name] for name in known if name in folded), None)


def _requested(
    frame: pl.DataFrame,
    requested: str,
    what: str,
    where: str,
    mixed: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A column by name, by number counted from 0, or a field of objects, dots between the names."""
    if values(frame, requested) is None:
        if not requested.isdecimal() or int(requested) >= frame.width:
            near = nearest(requested, frame.columns)
            raise InputError(
                f'{where}: no column "{requested}"{did_you_mean(requested, frame.columns)}; '
                f"it has: {', '.join(frame.columns)}",
                hint=f"name one of them:\n--{what}-column {shlex.quote(near or _likely(frame, what))}",
            )
        requested = frame.columns[int(requested)]
    return _plain(frame, requested, what, where, mixed)


def _likely(frame: pl.DataFrame, what: str) -> str:
    """A column to suggest: for texts the one of the longest strings, else the last one."""
    strings = frame.select(pl.col(pl.String).str.len_chars().mean())
    lengths = strings.row(0, named=True) if strings.height else {}
    longest = max(lengths, key=lambda name: lengths[name] or 0, default=None)
    return longest if what == "text" and longest is not None else frame.columns[-1]


def _check_different(frame: pl.DataFrame, named: Mapping[str, str], where: str) -> None:
    """Raises `InputError` for a column that is requested as two things."""
    for what, name in named.items():
        before = next(other for other, same in named.items() if same == name)
        if before != what:
            others = [column for column in frame.columns if column not in named.values()] or ["NAME"]
            raise InputError(
                f'{where}: column "{name}" cannot hold both {_CALLED[before]} and {_CALLED[what]}',
                hint=f"name another:\n--{what}-column {shlex.quote(others[-1])}",
            )
