"""What is done with the rows of a split once they are read: columns renamed and made, rows chosen and sorted.

In this order, whatever the order of the flags: rename, add, where, sort, sample, select.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tokkit.data.dataset import Split
from tokkit.data.loading import expressions
from tokkit.errors import InputError, UsageError, did_you_mean, nearest
from tokkit.options import LARGEST_SEED, Options, option
from tokkit.progress import Progress

if TYPE_CHECKING:
    import polars as pl

_SEED = 42


@dataclass(frozen=True)
class RowOptions(Options):
    """Which rows and columns of a data set are taken, and how they are called."""

    rename: str | None = option(None, "other names for columns", metavar="OLD=NEW,...")
    add: tuple[str, ...] = option(
        (), "a column made of others, title + ' ' + body say; repeatable", metavar="NAME=EXPR"
    )
    where: str | None = option(
        None, "take only rows for which this holds: label != 'joy' and words(text) > 2", metavar="EXPR"
    )
    sort: str | None = option(None, "sort each split by a column", metavar="COLUMN[:desc]")
    sample: str | None = option(
        None,
        "draw so many rows of each split, which keep their order; another SEED draws others",
        metavar="N[:SEED]",
    )
    select: str | None = option(None, "take only these columns", metavar="A,B,...")


def worked(split: Split, options: RowOptions, progress: Progress) -> Split:
    """The split after all that the options ask for; how many rows ``where`` leaves is said.

    Raises `UsageError` for an option that cannot be read, `InputError` for a column that is not there and
    where no row is left.
    """
    frame = split.original
    if options.rename:
        frame = _renamed(frame, options.rename, split.where)
    for each in options.add:
        frame = _added(frame, each)
    if options.where is not None:
        kept = frame.filter(expressions.condition(options.where, frame.schema, "--where"))
        progress.say(f"{split.where}: {kept.height} of {frame.height} rows, those where {options.where}")
        frame = kept
        if not frame.height:
            raise InputError(
                f"{split.where}: no row is left where {options.where}",
                hint="leave --where out and look at the rows: tokkit stats DATASET",
            )
    if options.sort is not None:
        frame = _sorted(frame, options.sort, split.where)
    if options.sample is not None:
        frame = _sampled(frame, options.sample)
    if options.select:
        wanted = [name.strip() for name in options.select.split(",")]
        _check_there(frame, wanted, "--select", split.where)
        frame = frame.select(list(dict.fromkeys(wanted)))
    return replace(split, frame=frame, original=frame)


def _renamed(frame: pl.DataFrame, text: str, where: str) -> pl.DataFrame:
    pairs = [[part.strip() for part in pair.partition("=")] for pair in text.split(",")]
    if any(not old or not new for old, _, new in pairs):
        raise UsageError(f'--rename: write OLD=NEW,OLD=NEW, not "{text}"')
    names = {old: new for old, _, new in pairs}
    _check_there(frame, list(names), "--rename", where)
    after = [names.get(name, name) for name in frame.columns]
    twice = next((name for name in after if after.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f'--rename {text}: two columns would be called "{twice}"')
    return frame.rename(names)


def _added(frame: pl.DataFrame, text: str) -> pl.DataFrame:
    name, equals, expression = (part.strip() for part in text.partition("="))
    if not name or not equals or expression.startswith("="):
        raise UsageError(f'--add: write NAME=EXPR, not "{text}"', hint="--add \"both=title + ' ' + body\"")
    made = expressions.compiled(expression, frame.schema, f"--add {name}")
    return frame.with_columns(made.expression.alias(name))


def _sorted(frame: pl.DataFrame, text: str, where: str) -> pl.DataFrame:
    """By value, texts by code point but whole numbers by value; missing ones last, equal ones in order."""
    import polars as pl

    column, colon, order = text.rpartition(":")
    if text in frame.columns or not colon:
        column, order = text, "asc"
    if order not in ("asc", "desc"):
        raise UsageError(f'--sort {text}: asc or desc was expected after the colon, not "{order}"')
    _check_there(frame, [column], "--sort", where)
    keys = frame[column]
    if keys.dtype.is_nested():
        raise InputError(
            f'{where}: column "{column}" holds lists or objects, which have no order',
            hint="--sort another column",
        )
    if keys.dtype == pl.String and keys.drop_nulls().str.contains(r"^-?\d{1,18}$").all():
        keys = keys.cast(pl.Int64)
    descending = order == "desc"
    places = pl.DataFrame({"key": keys}).with_row_index("row")
    return frame[places.sort("key", descending=descending, nulls_last=True, maintain_order=True)["row"]]


def _sampled(frame: pl.DataFrame, text: str) -> pl.DataFrame:
    import numpy as np

    match = re.fullmatch(r"(\d{1,18})(?::(\d{1,18}))?", text.strip())
    if match is None or int(match[1]) < 1 or int(match[2] or 0) > LARGEST_SEED:
        raise UsageError(f'--sample: write a number of rows, N or N:SEED, not "{text}"')
    if int(match[1]) >= frame.height:
        return frame
    rng = np.random.default_rng(int(match[2] or _SEED))
    return frame[np.sort(rng.choice(frame.height, int(match[1]), replace=False))]


def _check_there(frame: pl.DataFrame, names: Sequence[str], flag: str, where: str) -> None:
    for name in names:
        if name not in frame.columns:
            raise InputError(
                f'{where}: no column "{name}"{did_you_mean(name, frame.columns)}; '
                f"it has: {', '.join(frame.columns)}",
                hint=f"name one of them: {flag} {nearest(name, frame.columns) or frame.columns[0]}",
            )
