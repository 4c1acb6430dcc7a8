"""Which columns hold text, second text, label and id: named by the user, or (second texts never) guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tokkit.errors import InputError, did_you_mean, nearest
from tokkit.sources.column_names import ID_NAMES, LABEL_NAMES, PAIR_NAMES, TEXT_NAMES

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
) -> Columns:
    """The requested columns, by name or number, and those that are guessed.

    Raises `InputError` for a column that is not there, holds lists, or is requested twice, and where there
    is no text, naming the columns there are.
    """
    requested = {"text": text, "pair": pair, "label": label, "id": id}
    named = {
        what: _requested(frame, name, what, where) for what, name in requested.items() if name is not None
    }
    _check_different(frame, named, where)
    chosen = named.get("text") or _text_column(frame, list(named.values()), where)
    others = [name for name in frame.columns if name != chosen and name not in named.values()]
    return Columns(
        chosen,
        named.get("pair"),
        named.get("label") or _label_column(frame, others, where),
        named.get("id") or _id_column(frame, others),
    )


def text_column(frame: pl.DataFrame, name: str | None, where: str) -> str:
    """The column of texts alone, as `choose` has it."""
    return _text_column(frame, (), where) if name is None else _requested(frame, name, "text", where)


def _text_column(frame: pl.DataFrame, excluded: Sequence[str], where: str) -> str:
    """A column of a known name, else the one with the longest strings; none that is excluded."""
    free = [name for name in frame.columns if name not in excluded]
    if by_name := _by_name(free, TEXT_NAMES):
        return _plain(frame, by_name, "text", where)
    strings = [name for name in free if frame[name].dtype == pl.String and name.casefold() not in ID_NAMES]
    # a table of one column whose name holds a separator was most likely cut at another one
    separators = [
        separator for separator in _SEPARATORS if frame.width == 1 and separator in frame.columns[0]
    ]
    if separators:
        quoted = "'\\t'" if separators[0] == "\t" else f"'{separators[0]}'"
        raise InputError(
            f'{where}: the whole line was read as one column, "{frame.columns[0]}": a wrong separator?',
            hint=f"name the separator: --sep {quoted}",
        )
    if not strings:
        raise InputError(
            f"{where}: no column of texts found; it has: {', '.join(frame.columns)}",
            hint=f"name it: --text-column {frame.columns[0]}",
        )
    lengths = {name: frame[name].head(_SAMPLE).str.len_chars().fill_null(0).sum() for name in strings}
    return max(strings, key=lambda name: lengths[name])


def _label_column(frame: pl.DataFrame, names: Sequence[str], where: str) -> str | None:
    """A column of a known name, else that with the fewest distinct values; None where none is like labels."""
    if by_name := _by_name(names, LABEL_NAMES):
        return _plain(frame, by_name, "label", where)
    sample = frame.head(_SAMPLE)
    distinct = {
        name: sample[name].n_unique()
        for name in names
        if name.casefold() not in ID_NAMES and not sample[name].dtype.is_nested()
    }
    # classes are few and repeat; a column with another value in most rows is none
    likely = {
        name: n for name, n in distinct.items() if 1 < n <= min(_MOST_CLASSES, max(2, sample.height // 2))
    }
    return min(likely, key=lambda name: likely[name]) if likely else None


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
    """A column by its name, or a field of objects, as ``review.body``; None where there is neither."""
    if column in frame.columns:
        return frame[column]
    name, *keys = column.split(".")
    series = frame[name] if name in frame.columns else None
    for key in keys:
        if series is None or not isinstance(series.dtype, pl.Struct):
            return None
        series = series.struct.field(key) if key in series.struct.fields else None
    return None if series is None else series.alias(column)


def _plain(frame: pl.DataFrame, column: str, what: str, where: str) -> str:
    """The column; raises `InputError` where it holds lists or objects."""
    series = values(frame, column)
    assert series is not None
    dtype = series.dtype
    if dtype.is_nested() or dtype == pl.Binary:
        others = [name for name in frame.columns if name != column and not frame[name].dtype.is_nested()]
        within = [f"{column}.{key}" for key in series.struct.fields] if isinstance(dtype, pl.Struct) else []
        kind = _KINDS.get(str(dtype.base_type()), "objects")
        raise InputError(
            f'{where}: column "{column}" holds {kind}, not {_CALLED[what]} a row',
            hint=f"name another: --{what}-column {(within or others or ['NAME'])[0]}",
        )
    return column


def _by_name(names: Sequence[str], known: Sequence[str]) -> str | None:
    folded = {name.casefold(): name for name in reversed(names)}
    return next((folded[name] for name in known if name in folded), None)


def _requested(frame: pl.DataFrame, requested: str, what: str, where: str) -> str:
    """A column by name, by number counted from 0, or a field of objects, dots between the names."""
    if values(frame, requested) is None:
        if not requested.isdecimal() or int(requested) >= frame.width:
            near = nearest(requested, frame.columns)
            raise InputError(
                f'{where}: no column "{requested}"{did_you_mean(requested, frame.columns)}; '
                f"it has: {', '.join(frame.columns)}",
                hint=f"name one of them: --{what}-column {near or frame.columns[-1]}",
            )
        requested = frame.columns[int(requested)]
    return _plain(frame, requested, what, where)


def _check_different(frame: pl.DataFrame, named: Mapping[str, str], where: str) -> None:
    """Raises `InputError` for a column that is requested as two things."""
    for what, name in named.items():
        before = next(other for other, same in named.items() if same == name)
        if before != what:
            others = [column for column in frame.columns if column not in named.values()] or ["NAME"]
            raise InputError(
                f'{where}: column "{name}" cannot hold both {_CALLED[before]} and {_CALLED[what]}',
                hint=f"name another: --{what}-column {others[-1]}",
            )
