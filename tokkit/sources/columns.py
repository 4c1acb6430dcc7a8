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


def text_column(frame: pl.DataFrame, asked: str | None, where: str) -> str:
    """The column of texts: the one asked for, a known name, else the one with the longest strings.

    Raises `InputError` where there is none, naming the columns there are.
    """
    if asked is not None:
        return _named(frame, asked, "--text-column", where)
    by_name = _by_name(frame, TEXT_NAMES)
    if by_name:
        return by_name
    strings = [name for name in frame.columns if frame[name].dtype == "String" and name not in ID_NAMES]
    if not strings or (frame.width == 1 and _other_separator(frame.columns[0])):
        raise _no_column("text", frame, where)
    return max(strings, key=lambda name: float(frame[name].head(_SAMPLE).str.len_chars().mean() or 0))  # type: ignore[arg-type]


def label_column(frame: pl.DataFrame, asked: str | None, text: str, where: str) -> str | None:
    """The column of labels: asked for, a known name, else the one with the fewest repeated values.

    None where no column looks like one. Raises `InputError` for a column that is asked for and missing.
    """
    if asked is not None:
        return _named(frame, asked, "--label-column", where)
    by_name = _by_name([name for name in frame.columns if name != text], LABEL_NAMES)
    if by_name:
        return by_name
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


def _by_name(columns: pl.DataFrame | Sequence[str], known: Sequence[str]) -> str | None:
    names = columns if isinstance(columns, list) else columns.columns  # type: ignore[union-attr]
    folded = {name.casefold(): name for name in reversed(names)}
    return next((folded[name] for name in known if name in folded), None)


def _named(frame: pl.DataFrame, asked: str, option: str, where: str) -> str:
    """A column by name, or by number counted from 0."""
    if asked in frame.columns:
        return asked
    if asked.isdigit() and int(asked) < frame.width:
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
