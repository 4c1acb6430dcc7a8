"""The rows of a split after `RowOptions`: columns renamed and added, rows filtered, sorted and sampled.

The order is fixed, whatever the order of the flags: rename, add, where, sort, sample, select.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from tokkit.data.dataset import Split, no_column
from tokkit.data.loading.dataset_options import RowOptions
from tokkit.data.loading.expressions import compile_condition, compile_value
from tokkit.errors import InputError, UsageError, nearest
from tokkit.options import LARGEST_SEED
from tokkit.progress import Progress

_SEED = 42


def apply_row_options(split: Split, options: RowOptions, progress: Progress) -> Split:
    """The split with the options applied; how many rows ``where`` leaves is reported.

    Raises `UsageError` for an option that cannot be parsed, `InputError` for a column that does not exist and
    where no row is left.
    """
    frame, mixed = split.original, split.mixed
    if options.rename:
        names = _names_after(frame, options.rename, split.where)
        frame, mixed = frame.rename(names), {names.get(name, name): row for name, row in mixed.items()}
    for assignment in options.add:
        frame = add_column(frame, assignment)
    if options.where is not None:
        rows = filtered(frame, options.where)
        report_filtered(options.where, split.where, rows.height, frame.height, progress)
        frame = rows
    if options.sort is not None:
        frame = _sort(frame, options.sort, split.where)
    if options.sample is not None:
        frame = _sample(frame, options.sample)
    if options.select:
        selected = [name.strip() for name in options.select.split(",")]
        _check_columns(frame, selected, "--select", split.where)
        frame = frame.select(list(dict.fromkeys(selected)))
    return replace(split, frame=frame, original=frame, mixed=mixed)


def new_names(
    flag: str, text: str, partition: Callable[[str, str], tuple[str, str, str]] = str.rpartition
) -> dict[str, str]:
    """Old name -> new name of ``OLD=NEW,OLD=NEW``, divided at the last equals sign or by ``partition``."""
    pairs = [[part.strip() for part in partition(pair, "=")] for pair in text.split(",")]
    if any(not old or not new for old, _, new in pairs):
        raise UsageError(f'{flag}: write OLD=NEW,OLD=NEW, not "{text}"')
    return {old: new for old, _, new in pairs}


def new_label_names(text: str) -> dict[str, str]:
    """Old label -> new label of ``--label-names``, white space around an old one with and without it.

    >>> new_label_names("0=joy, 1=anger")
    {'0': 'joy', ' 1': 'anger', '1': 'anger'}
    """
    names = new_names("--label-names", text)
    exact = [pair.rpartition("=")[0] for pair in text.split(",")]
    return {name: names[old.strip()] for old in exact for name in (old, old.strip())}


def _names_after(frame: pl.DataFrame, text: str, where: str) -> dict[str, str]:
    names = new_names("--rename", text, str.partition)
    _check_columns(frame, list(names), "--rename", where)
    after = [names.get(name, name) for name in frame.columns]
    twice = next((name for name, columns in Counter(after).items() if columns > 1), None)
    if twice is not None:
        raise UsageError(f'--rename {text}: two columns would be called "{twice}"')
    return names


def add_column(frame: pl.DataFrame, text: str) -> pl.DataFrame:
    name, equals, expression = (part.strip() for part in text.partition("="))
    # "n==1" is a comparison that lacks its name, not a column n with the value "=1"
    if not name or not equals or expression.startswith("="):
        raise UsageError(f'--add: write NAME=EXPR, not "{text}"', hint="as in both=title + ' ' + body")
    value = compile_value(expression, frame.schema, f"--add {name}")
    return frame.with_columns(value.expression.alias(name))


def filtered(frame: pl.DataFrame, text: str) -> pl.DataFrame:
    return frame.filter(compile_condition(text, frame.schema, "--where"))


def report_filtered(text: str, where: str, rows: int, of: int, progress: Progress) -> None:
    """Report how many rows a condition leaves; raises `InputError` for none."""
    progress.say(f"{where}: {rows} of {of} rows, those where {text}")
    if not rows:
        raise InputError(
            f"{where}: no row is left where {text}",
            hint="leave --where out and look at the rows",
        )


def _sort(frame: pl.DataFrame, text: str, where: str) -> pl.DataFrame:
    """By value, texts by code point but integers by value; missing ones last, equal ones in order."""
    column, colon, order = text.rpartition(":")
    if text in frame.columns or not colon:
        column, order = text, "asc"
    if order not in ("asc", "desc"):
        raise UsageError(f'--sort {text}: asc or desc was expected after the colon, not "{order}"')
    _check_columns(frame, [column], "--sort", where)
    keys = frame[column]
    if keys.dtype.is_nested():
        raise InputError(
            f'{where}: column "{column}" holds lists or objects, which have no order',
            hint="sort by another column",
        )
    # all columns of a csv file are text; 18 digits fit into 64 bits
    if keys.dtype == pl.String and keys.drop_nulls().str.contains(r"^-?\d{1,18}$").all():
        keys = keys.cast(pl.Int64)
    descending = order == "desc"
    rows = pl.arg_sort_by(keys, descending=descending, nulls_last=True, maintain_order=True)
    return frame[frame.select(rows).to_series()]


def _sample(frame: pl.DataFrame, text: str) -> pl.DataFrame:
    match = re.fullmatch(r"(\d{1,18})(?::(\d{1,18}))?", text.strip())
    if match is None or int(match[1]) < 1 or int(match[2] or 0) > LARGEST_SEED:
        raise UsageError(f'--sample: write a number of rows, N or N:SEED, not "{text}"')
    if int(match[1]) >= frame.height:
        return frame
    import numpy as np  # 70 ms to load, which most commands on a data set do without

    # sorted row numbers: a sample keeps the order of the file
    rng = np.random.default_rng(int(match[2] or _SEED))
    return frame[np.sort(rng.choice(frame.height, int(match[1]), replace=False))]


def _check_columns(frame: pl.DataFrame, names: Sequence[str], flag: str, where: str) -> None:
    for name in names:
        if name not in frame.columns:
            hint = (
                f"name one of them:\n{flag} {shlex.quote(nearest(name, frame.columns) or frame.columns[0])}"
            )
            raise no_column(where, name, frame.columns, hint)
