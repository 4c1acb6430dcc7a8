"""The rows of all splits in one table, with what `stats` finds wrong with them, and the sample of a page.

split   row   text   pair   label   id   hash   group   exact   normalized   near   leak   conflict
train   0     a b    null   joy     7    ...    0       false   false        false  true   false
train   1     A B!   null   joy     8    ...    0       false   true         false  false  false
test    0     a b    null   joy     9    ...    0       false   false        false  true   false
"""

from __future__ import annotations

import numpy as np
import polars as pl

from tokkit.data.dataset import Dataset
from tokkit.data.duplicates import groups, text_keys
from tokkit.data.row_hash import row_hashes
from tokkit.progress import Progress, stage, stop_if_cancelled

SPLIT, ROW, TEXT, PAIR, LABEL, ID, HASH, CONTENT = (
    *("split", "row", "text", "pair", "label", "id", "hash", "content"),
)
# Findings of a row, in the order of their bits in the page.
EXACT, NORMALIZED, NEAR, LEAK, CONFLICT = ("exact", "normalized", "near", "leak", "conflict")
GROUP, COPIES = "group", "copies"


def all_rows(dataset: Dataset, *, near: bool, progress: Progress) -> pl.DataFrame:
    """Every row of every split, in order.

    content      what makes two rows copies, as `Dataset.contents` gives it; null where a text is missing
    exact        whether an earlier row of the split has the same text; ``normalized`` and ``near`` likewise.
                 Their sums over a split are the ``duplicates`` of `stats`, but near duplicates are searched
                 among all splits
    leak         whether another split has the same text
    conflict     whether rows with the same text have other labels, in any split
    group        index of the first row among its copies in the widest of these senses
    copies       rows of the group
    """
    with stage(progress, "finding duplicates"):
        rows = pl.concat([_split_rows(dataset, name) for name in dataset.splits])
        stop_if_cancelled(progress)
        exact, keys = groups.equal_rows(rows[CONTENT]), text_keys.normalized(rows[CONTENT])
        senses = {EXACT: exact, NORMALIZED: groups.equal_rows(keys)}
    if near:
        senses[NEAR] = groups.near_rows(rows[CONTENT], progress)
    # Each sense contains those before it: copies in the last one are all there are.
    widest = list(senses.values())[-1]
    rows = rows.with_columns(**{f"{name}_group": group for name, group in senses.items()}, group=widest)
    # Rows without a text are alone in their groups, and are copies of nothing.
    has_text = pl.col(CONTENT).is_not_null()
    labels = pl.col(LABEL).drop_nulls().n_unique().over(f"{EXACT}_group")
    return rows.with_columns(
        **{
            name: has_text & (pl.int_range(pl.len()).over(SPLIT, f"{name}_group") > 0)
            if name in senses
            else pl.lit(False)
            for name in (EXACT, NORMALIZED, NEAR)
        },
        leak=has_text & (pl.col(SPLIT).n_unique().over(f"{EXACT}_group") > 1),
        conflict=has_text & (labels > 1),
        copies=pl.len().over(GROUP),
    ).drop(f"{name}_group" for name in senses)


def sampled(rows: pl.DataFrame, most: int, seed: int) -> pl.DataFrame:
    """At most so many of the rows, in their order, with ``position``, their index among all rows."""
    rows = rows.with_row_index("position").cast({"position": pl.Int64})
    if rows.height <= most:
        return rows
    chosen = np.random.default_rng(seed).choice(rows.height, most, replace=False)
    return rows[np.sort(chosen)]


def _split_rows(dataset: Dataset, name: str) -> pl.DataFrame:
    texts, pairs = dataset.texts(name), dataset.pairs(name)
    none = pl.repeat(None, texts.len(), dtype=pl.String, eager=True)
    id_column = dataset.id_column
    return pl.DataFrame(
        {
            SPLIT: pl.repeat(name, texts.len(), dtype=pl.String, eager=True),
            ROW: pl.int_range(texts.len(), dtype=pl.Int64, eager=True),
            TEXT: texts,
            PAIR: none if pairs is None else pairs,
            LABEL: none if dataset.label_column is None else dataset.labels(name),
            ID: none if id_column is None else as_strings(dataset.split(name).frame[id_column]),
            HASH: row_hashes(dataset, name),
            CONTENT: dataset.contents(name),
        }
    )


def as_strings(values: pl.Series) -> pl.Series:
    """The values of a column of ids as strings."""
    if values.dtype.is_nested() or values.dtype == pl.Object:
        return pl.Series([None if value is None else str(value) for value in values], dtype=pl.String)
    return values.cast(pl.String)
