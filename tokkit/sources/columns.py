"""Which column holds the text, which the label: named by the user, else guessed, and the guess is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokkit.errors import InputError, did_you_mean
from tokkit.sources.headers import ID_NAMES, LABEL_NAMES, SEPARATORS, TEXT_NAMES

if TYPE_CHECKING:
    import polars as pl

_SAMPLE = 5000
_MOST_CLASSES = 200
_KINDS = {"List": "lists", "Array": "lists", "Binary": "bytes"}


def text_column(frame: pl.DataFrame, asked: str | None, where: str, label: str | None = None) -> str:
    """The column of texts: the one asked for, a known name, else the one with the longest strings.

    ``label`` is the column that is asked for as label; it is never guessed to be the text.

    Raises `InputError` where there is none, naming the columns there are.
    """
    import polars as pl

    if asked is not None:
        return _plain(frame, _named(frame, asked, "--text-column", where), "text", where)
    taken = None if label is None else _named(frame, label, "--label-column", where)
    by_name = _by_name([name for name in frame.columns if name != taken], TEXT_NAMES)
    if by_name:
        return _plain(frame, by_name, "text", where)
    strings = [
        name
        for name in frame.columns
        if frame[name].dtype == pl.String and name.casefold() not in ID_NAMES and name != taken
    ]
    if not strings or (frame.width == 1 and _other_separator(frame.columns[0])):
        raise _no_column("text", frame, where)
    lengths = {name: frame[name].head(_SAMPLE).str.len_chars().fill_null(0).sum() for name in strings}
    return max(strings, key=lambda name: lengths[name])


def label_column(frame: pl.DataFrame, asked: str | None, text: str, where: str) -> str | None:
    """The column of labels: asked for, a known name, else the one with the fewest distinct values.

    None where no column looks like one. Raises `InputError` for a column that is asked for and missing,
    the column of texts, or one of lists.
    """
    if asked is not None:
        label = _named(frame, asked, "--label-column", where)
        if label == text:
            others = [name for name in frame.columns if name != text] or ["NAME"]
            raise InputError(
                f'{where}: column "{text}" cannot hold both text and label',
                hint=f"name another: --label-column {others[-1]}",
            )
        return _plain(frame, label, "label", where)
    by_name = _by_name([name for name in frame.columns if name != text], LABEL_NAMES)
    if by_name:
        return _plain(frame, by_name, "label", where)
    sample = frame.head(_SAMPLE)
    distinct = {
        name: sample[name].n_unique()
        for name in frame.columns
        if name != text and name.casefold() not in ID_NAMES and not sample[name].dtype.is_nested()
    }
    likely = {
        name: n for name, n in distinct.items() if 1 < n <= min(_MOST_CLASSES, max(2, sample.height // 2))
    }
    return min(likely, key=lambda name: likely[name]) if likely else None


def values(frame: pl.DataFrame, column: str) -> pl.Series | None:
    """A column by its name, or what stands within objects: ``review.body``; None where there is neither."""
    import polars as pl

    if column in frame.columns:
        return frame[column]
    name, *keys = column.split(".")
    found = frame[name] if name in frame.columns else None
    for key in keys:
        if found is None or not isinstance(found.dtype, pl.Struct):
            return None
        found = found.struct.field(key) if key in found.struct.fields else None
    return None if found is None else found.alias(column)


def _plain(frame: pl.DataFrame, column: str, what: str, where: str) -> str:
    """The column; raises `InputError` where it holds lists or objects."""
    import polars as pl

    held = values(frame, column)
    assert held is not None
    dtype = held.dtype
    if dtype.is_nested() or dtype == pl.Binary:
        others = [name for name in frame.columns if name != column and not frame[name].dtype.is_nested()]
        within = [f"{column}.{key}" for key in held.struct.fields] if isinstance(dtype, pl.Struct) else []
        kind = _KINDS.get(str(dtype.base_type()), "objects")
        raise InputError(
            f'{where}: column "{column}" holds {kind}, not a {what} a row',
            hint=f"name another: --{what}-column {(within or others or ['NAME'])[0]}",
        )
    return column


def _by_name(names: Sequence[str], known: Sequence[str]) -> str | None:
    folded = {name.casefold(): name for name in reversed(names)}
    return next((folded[name] for name in known if name in folded), None)


def _named(frame: pl.DataFrame, asked: str, option: str, where: str) -> str:
    """A column by name, by number counted from 0, or a field of objects, dots between the names."""
    if values(frame, asked) is not None:
        return asked
    if asked.isdecimal() and int(asked) < frame.width:
        return frame.columns[int(asked)]
    raise InputError(
        f'{where}: no column "{asked}"{did_you_mean(asked, frame.columns)}; '
        f"it has: {', '.join(frame.columns)}",
        hint=f"name one of them: {option} {frame.columns[-1]}",
    )


def _other_separator(column: str) -> str | None:
    return next((separator for separator in SEPARATORS if separator in column), None)


def _no_column(what: str, frame: pl.DataFrame, where: str) -> InputError:
    separator = _other_separator(frame.columns[0]) if frame.width == 1 else None
    if separator:
        shown = "'\\t'" if separator == "\t" else f"'{separator}'"
        return InputError(
            f'{where}: the whole line was read as one column, "{frame.columns[0]}": a wrong separator?',
            hint=f"name the separator: --sep {shown}",
        )
    return InputError(
        f"{where}: no column of {what}s found; it has: {', '.join(frame.columns)}",
        hint=f"name it: --{what}-column {frame.columns[0]}",
    )
