"""Other spellings of several labels a row, as lists of their names.

[0, 0, 1]                           ["2"]              a list with 1 for each label that a row carries
{"POS": 1.0, "NEG": 0.0}            ["POS"]            an object of them, as `cats` of spaCy
"['price', 'noise']", "[0 1]"       a list             written as text, by Python, JSON or NumPy
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from tokkit.errors import InputError, counted
from tokkit.sources.formats.batch import json_series

_ON = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
_LONGEST = 100_000  # characters of a list that is written as text
_NUMPY_STRINGS = re.compile(r"""['"]\s+['"]""")
_NUMPY_NUMBERS = re.compile(r"\[[\s\d.+-]*\]")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")


def carried(values: pl.Series, where: str, column: str) -> pl.Series:
    """(rows,) whether a row carries the label of a column of 1 and 0, null where that is missing.

    Raises `InputError` for a value that is neither 1 nor 0, nor true nor false.
    """
    on = _as_booleans(values)
    written = values.cast(pl.String).str.strip_chars()
    wrong = (written.is_not_null() & (written != "") & on.is_null()).arg_true()
    if len(wrong):
        raise InputError(
            f'{where}: row {wrong[0] + 1}: column "{column}" holds "{values[wrong[0]]}"; '
            "1 or 0 was expected, as it is one of several columns of labels",
            hint="name one column (--label-column)",
        )
    return on


def _as_booleans(values: pl.Series) -> pl.Series:
    written = values.cast(pl.String).str.strip_chars().str.to_lowercase()
    return written.replace_strict(_ON, default=None, return_dtype=pl.Boolean)


def lists_of_carried(labels: Mapping[str, pl.Series]) -> pl.Series:
    """(rows,) the names of the labels that each row carries; null where one of them is missing."""
    frame = pl.DataFrame(labels)
    names = [pl.when(pl.col(name)).then(pl.lit(name)) for name in labels]
    known = pl.all_horizontal(pl.col(name).is_not_null() for name in labels)
    return frame.select(pl.when(known).then(pl.concat_list(names).list.drop_nulls())).to_series()


# Lists of 1 and 0 --------------------------------------------------------------------------------------


def width_of_multi_hot(lists: pl.Series) -> int | None:
    """How many labels lists of 1 and 0 are of; None where they hold labels.

    A list with the same number twice is no list of labels, nor are [0, 1] and [1, 0] where nothing else is
    there: every row would carry both.
    """
    filled = lists.drop_nulls()
    if lists.dtype.inner.is_nested():  # type: ignore[attr-defined]
        return None
    filled = filled.filter(filled.list.len() > 0)
    on = _as_booleans(filled.explode())
    if not filled.len() or on.null_count():
        return None
    longest = filled.cast(pl.List(pl.String)).list
    repeats = (longest.n_unique() < longest.len()).any()
    both = (longest.len() == 2).all() and filled.len() > 1
    return int(filled.list.len().mode().max()) if repeats or both else None  # type: ignore[arg-type]


def lists_of_multi_hot(lists: pl.Series, width: int, where: str) -> pl.Series:
    """Lists of 1 and 0 as lists of the numbers, from 0, of the labels that are 1.

    Raises `InputError` for a list of another length than the others.
    """
    wrong = (lists.list.len() != width).fill_null(False).arg_true()
    if len(wrong):
        values = counted(lists.list.len()[wrong[0]], "value")
        raise InputError(
            f"{where}: row {wrong[0] + 1}: {values} in a list of 1 and 0, where other rows have {width}",
            hint="correct that row: one value for each label",
        )
    names = [
        None if row is None else [str(i) for i, on in enumerate(row) if on]
        for row in _booleans_of(lists).to_list()
    ]
    return pl.Series(lists.name, names, dtype=pl.List(pl.String))


def _booleans_of(lists: pl.Series) -> pl.Series:
    written = pl.element().cast(pl.String).str.strip_chars().str.to_lowercase()
    return lists.list.eval(written.replace_strict(_ON, default=None, return_dtype=pl.Boolean))


# Objects of 1 and 0 ------------------------------------------------------------------------------------


def is_object_of_labels(values: pl.Series) -> bool:
    """Whether all fields of objects hold 1 and 0, or true and false."""
    if not isinstance(values.dtype, pl.Struct):
        return False
    fields = [values.struct.field(name) for name in values.struct.fields]
    plain = all(field.dtype.is_numeric() or field.dtype == pl.Boolean for field in fields)
    return bool(fields) and plain and all(_as_booleans(f).null_count() == f.null_count() for f in fields)


def lists_of_objects(values: pl.Series) -> pl.Series:
    """Objects of 1 and 0 as lists of the names that are 1; a field that is missing is 0, an object null."""
    labels = {name: _as_booleans(values.struct.field(name)).fill_null(False) for name in values.struct.fields}
    lists = lists_of_carried(labels)
    return pl.select(pl.when(values.is_not_null()).then(lists)).to_series().alias(values.name)


# Lists written as text ---------------------------------------------------------------------------------


def are_lists_as_text(values: pl.Series) -> bool:
    """Whether all strings are in brackets, and the first of them is a list."""
    if values.dtype != pl.String:
        return False
    written = values.drop_nulls().str.strip_chars()
    written = written.filter(written != "")
    brackets = written.len() > 0 and written.str.starts_with("[").all() and written.str.ends_with("]").all()
    return brackets and any(_parsed(text) is not None for text in written.head(20).to_list())


def lists_of_text(values: pl.Series, where: str) -> pl.Series:
    """Lists that are written as text, as lists; raises `InputError` for a row that holds something else."""
    lists: list[Any] = []
    for row, text in enumerate(values.to_list()):
        parsed = None if text is None or not text.strip() else _parsed(text.strip())
        if parsed is None and text is not None and text.strip():
            raise InputError(
                f'{where}: row {row + 1}: column "{values.name}" holds lists as text, and this is none: '
                f"{text[:40]}",
                hint="""write it as JSON does, ["price", "noise"], or the labels as price|noise""",
            )
        lists.append(parsed)
    series = json_series(values.name, lists)
    return (
        series
        if series.dtype != pl.String
        else pl.Series(values.name, [None] * len(lists), pl.List(pl.String))
    )


def _parsed(text: str) -> list[Any] | None:
    """The list that a text is, as JSON, Python or NumPy write it; None for all else.

    >>> _parsed("['price' 'noise']"), _parsed("[0 1]")
    (['price', 'noise'], [0, 1])
    """
    if len(text) > _LONGEST:
        return None
    value: Any
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            if _NUMPY_STRINGS.search(text):  # which Python takes for one string
                value = [single or double for single, double in _QUOTED.findall(text)]
            elif _NUMPY_NUMBERS.fullmatch(text):
                value = [json.loads(number.rstrip(".")) for number in text[1:-1].split()]
            else:
                value = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    plain = isinstance(value, list) and not any(isinstance(item, list | dict | tuple | set) for item in value)
    return value if plain else None
