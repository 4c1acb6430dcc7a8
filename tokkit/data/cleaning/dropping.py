"""The reasons for dropping a row: a decision, incomplete, empty, out of limits, leaking, conflicting labels,
duplicate.

The rows of a split are a table:

    row                     number, from 0
    text, pair              after repairs; pair is the second text, null where rows are single texts
    label                   "" where the data set has none
    reason                  why the row is dropped, null of those that stay
    kept_split, kept_row    the row that a leak or a duplicate is a copy of

The functions run in this order, each over the rows that are left: a row is dropped for the first reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from tokkit.data.cleaning.clean_options import EXACT, LONGEST, MAJORITY, MAJORITY_LABEL, NEAR, NORMALIZED
from tokkit.data.dataset import TRAIN
from tokkit.data.duplicates import groups, text_keys
from tokkit.progress import SILENT, Progress

DECIDED, LEAK, CONFLICT = "decided in review", "in another split", "conflicting labels"
_COPIES = {NEAR: "near duplicate", NORMALIZED: "normalized duplicate", EXACT: "exact duplicate"}


def table_of_rows(
    columns: Mapping[str, pl.Series], repaired: Mapping[str, str], reviewed: Collection[int] = ()
) -> pl.DataFrame:
    """The table of rows; those that were reviewed, and those that lack a value, have their reason, that of
    the first column they lack.

    columns    as `Dataset.required` gives them
    repaired   text -> the text after repairs
    reviewed   rows that a person decided to drop
    """
    none = pl.repeat(None, len(columns["text"]), dtype=pl.String, eager=True)
    pair, label = columns.get("second text", none), columns.get("label", none)
    rows = pl.DataFrame({"text": columns["text"], "pair": pair, "label": label}).with_row_index("row")
    missing = [pl.when(values.is_null()).then(pl.lit(f"missing {what}")) for what, values in columns.items()]
    decided = pl.when(pl.col("row").is_in(list(reviewed))).then(pl.lit(DECIDED))
    return rows.with_columns(
        pl.col("text", "pair").replace(dict(repaired)),
        pl.col("label").fill_null(""),
        reason=pl.coalesce(decided, *missing),
        kept_split=none,
        kept_row=none.cast(pl.Int64),
    )


def drop(rows: pl.DataFrame, condition: pl.Expr, reason: str) -> pl.DataFrame:
    """The rows, with the reason for those that meet the condition and have none yet."""
    return rows.with_columns(reason=pl.coalesce("reason", pl.when(condition).then(pl.lit(reason))))


def left(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that have no reason to be dropped."""
    return rows.filter(pl.col("reason").is_null())


def grouped(rows: pl.DataFrame, how: str, progress: Progress = SILENT) -> pl.DataFrame:
    """The rows left, with their content and the group of those that are the same in the sense of ``how``.

    how       one of `DUPLICATES`; ``none`` compares as ``exact`` does
    content   the text, or both as `text_keys.join_pairs` writes them
    group     number of the first row of the group in this table
    """
    content = pl.concat_str("text", "pair", separator=text_keys.SEPARATOR, ignore_nulls=True)
    rows = left(rows).drop("reason", "kept_split", "kept_row").with_columns(content=content)
    if how == NEAR:
        return rows.with_columns(group=groups.near_rows(rows["content"], progress))
    keys = text_keys.normalized(rows["content"]) if how == NORMALIZED else rows["content"]
    return rows.with_columns(group=groups.equal_rows(keys))


def leaking(splits: Mapping[str, pl.DataFrame], how: str, progress: Progress = SILENT) -> pl.DataFrame:
    """The training rows whose text is in another split too, and the first such row there."""
    names = [TRAIN, *(name for name in splits if name != TRAIN)]
    rows = grouped(
        pl.concat([splits[name].with_columns(split=pl.lit(name)) for name in names]), how, progress
    )
    elsewhere = rows.filter(pl.col("split") != TRAIN).unique("group", keep="first", maintain_order=True)
    copied = elsewhere.select("group", kept_split="split", kept_row=pl.col("row").cast(pl.Int64))
    leaks = rows.filter(pl.col("split") == TRAIN).select("row", "group").join(copied, on="group")
    return leaks.select("row", "kept_split", "kept_row", reason=pl.lit(LEAK))


def contradicting(rows: pl.DataFrame) -> pl.DataFrame:
    """The `grouped` rows of groups that have two or more labels."""
    return rows.filter(pl.col("label").n_unique().over("group") > 1)


def conflicting(rows: pl.DataFrame, conflicts: str) -> pl.DataFrame:
    """Of contradicting `grouped` rows, all, or with ``majority`` those without the most frequent label.

    In a tie all are dropped.
    """
    rows = contradicting(rows).with_columns(votes=pl.len().over("group", "label"))
    if conflicts == MAJORITY:
        rows = rows.with_columns(leads=pl.col("votes") == pl.col("votes").max().over("group"))
        is_tie = pl.col("label").filter(pl.col("leads")).n_unique().over("group") > 1
        rows = rows.filter(is_tie | ~pl.col("leads"))
    return rows.select("row", reason=pl.lit(CONFLICT))


def copies(split: str, rows: pl.DataFrame, keep: str) -> pl.DataFrame:
    """All `grouped` rows but one of each group; the reason says how similar a row is to that.

    keep   the first row, the first of the longest texts, or the first with the most frequent label
    """
    longest_first = -pl.col("content").str.len_chars().cast(pl.Int64)
    frequent_first = -pl.len().over("group", "label").cast(pl.Int64)
    order = {LONGEST: longest_first, MAJORITY_LABEL: frequent_first}.get(keep, pl.lit(0))
    first = rows.with_columns(order=order).sort("order", "row").unique("group", keep="first")
    first = first.select("group", kept_row=pl.col("row").cast(pl.Int64), kept_content="content")
    rows = rows.join(first, on="group", maintain_order="left").filter(pl.col("row") != pl.col("kept_row"))
    # one call for all: each distinct text is normalized once
    keys, kept_keys = (text_keys.normalized(rows[name]) for name in ("content", "kept_content"))
    likeness = (
        pl.when(pl.col("content") == pl.col("kept_content"))
        .then(pl.lit(_COPIES[EXACT]))
        .when(keys == kept_keys)
        .then(pl.lit(_COPIES[NORMALIZED]))
        .otherwise(pl.lit(_COPIES[NEAR]))
    )
    return rows.select("row", "kept_row", reason=likeness, kept_split=pl.lit(split))
