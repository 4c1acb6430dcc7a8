"""Labels that stand in a column each, 1 where a row carries them, as lists of labels.

toxic  obscene           toxic,obscene
0      1            ->   ["obscene"]
0      0                 []
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tokkit.data.dataset import Split
from tokkit.errors import InputError

if TYPE_CHECKING:
    import polars as pl

BETWEEN_COLUMNS = ","
_ON = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}


def columns_of_labels(split: Split, asked: str | None) -> list[str] | None:
    """The columns that ``--label-column toxic,obscene`` names; None where it is one column.

    Raises `InputError` for one of several that is not there.
    """
    if asked is None or BETWEEN_COLUMNS not in asked or asked in split.frame.columns:
        return None
    names = [name.strip() for name in asked.split(BETWEEN_COLUMNS) if name.strip()]
    for name in names:
        if name not in split.frame.columns:
            raise InputError(
                f'{split.where}: no column "{name}"; it has: {", ".join(split.frame.columns)}',
                hint="--label-column A,B,C names columns that hold 1 where a row carries the label, else 0",
            )
    return names


def with_labels_in_lists(split: Split, asked: str) -> Split:
    """The split with one more column, ``asked``, of lists of labels; null where one of them is missing.

    Raises `InputError` as `columns_of_labels`, and for values that are neither 1 nor 0, nor true nor false.
    """
    import polars as pl

    names = columns_of_labels(split, asked) or []
    carried = {name: _carried(split, name) for name in names}
    each = [pl.when(on).then(pl.lit(name)) for name, on in carried.items()]
    known = pl.all_horizontal(on.is_not_null() for on in carried.values())
    lists = pl.when(known).then(pl.concat_list(each).list.drop_nulls()).alias(asked)
    made = split.original.with_columns(lists)
    return replace(split, frame=made, original=made)


def _carried(split: Split, name: str) -> pl.Series:
    """(rows,) whether a row carries the label, null where that is missing."""
    import polars as pl

    written = split.original[name].cast(pl.String).str.strip_chars().str.to_lowercase()
    written = pl.select(pl.when(written != "").then(written)).to_series()
    carried = written.replace_strict(_ON, default=None, return_dtype=pl.Boolean)
    wrong = (written.is_not_null() & carried.is_null()).arg_true()
    if len(wrong):
        raise InputError(
            f'{split.where}: row {wrong[0] + 1}: column "{name}" holds "{split.original[name][wrong[0]]}"; '
            "1 or 0 was expected, as it is one of several columns of labels",
            hint="--label-column NAME names one column",
        )
    return carried
