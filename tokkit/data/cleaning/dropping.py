"""The reasons for dropping a row: incomplete, empty, out of limits, leaking, conflicting labels, duplicate.

Pure functions over the rows of a split. They run in this order, each over the rows that are left, and return
the rows that it drops: a row is dropped for the first reason that applies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tokkit.data.cleaning.clean_options import EXACT, LONGEST, MAJORITY, MAJORITY_LABEL, NEAR, NORMALIZED
from tokkit.data.duplicates import groups, text_keys
from tokkit.progress import SILENT, Progress

LEAK, CONFLICT = "in another split", "conflicting labels"
_COPIES = {NEAR: "near duplicate", NORMALIZED: "normalized duplicate", EXACT: "exact duplicate"}


@dataclass(frozen=True)
class Row:
    """A row of a split after repairs.

    number   from 0
    label    "" where the data set has no labels
    pair     the second text of a pair
    """

    number: int
    text: str
    label: str
    pair: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Its text, or both."""
        return (self.text,) if self.pair is None else (self.text, self.pair)

    @property
    def content(self) -> str:
        """What two copies share: the text, or both as `text_keys.join_pairs` writes them."""
        return text_keys.SEPARATOR.join(self.texts)


@dataclass(frozen=True)
class Drop:
    """Why a row is dropped, and the row it duplicates, if any: (split, number)."""

    reason: str
    duplicate_of: tuple[str, int] | None = None


# Row number -> why it is dropped.
Drops = dict[int, Drop]


@dataclass(frozen=True)
class Limit:
    """A bound on the length of rows in some unit, which the reason names."""

    reason: str
    measure: Callable[[Row], int]
    least: int | None = None
    most: int | None = None


def incomplete(columns: Mapping[str, pl.Series]) -> Drops:
    """Rows where one of the columns, as `Dataset.required` gives them, is missing; the first one counts."""
    drops: Drops = {}
    for what, values in columns.items():
        for row in values.is_null().arg_true():
            drops.setdefault(row, Drop(f"missing {what}"))
    return drops


def out_of_limits(rows: Iterable[Row], limits: Sequence[Limit]) -> Drops:
    """Rows with a text that is empty, and those shorter or longer than a limit allows."""
    # repairs may leave nothing: a text of tags or controls alone
    drops: Drops = {}
    for row in rows:
        if not all(row.texts):
            drops[row.number] = Drop("empty")
            continue
        for limit in limits:
            length = limit.measure(row)
            if (limit.least and length < limit.least) or (limit.most and length > limit.most):
                drops[row.number] = Drop(limit.reason)
                break
    return drops


def group_numbers(contents: Sequence[str], how: str, progress: Progress = SILENT) -> list[int]:
    """The group of each content, (rows,), of those that are the same in the sense of ``how`` (`DUPLICATES`).

    ``none`` compares as ``exact`` does.
    """
    series = pl.Series(contents, dtype=pl.String)
    if how == NEAR:
        return groups.near_rows(series, progress).to_list()
    return groups.equal_rows(text_keys.normalized(series) if how == NORMALIZED else series).to_list()


def leaking(
    rows: Sequence[Row], others: Mapping[str, Sequence[Row]], how: str, progress: Progress = SILENT
) -> Drops:
    """Rows whose text is in another split too; the rows of the other splits are not dropped."""
    elsewhere = [(name, row) for name, split in others.items() for row in split]
    contents = [row.content for row in [*rows, *(row for _, row in elsewhere)]]
    numbers = group_numbers(contents, how, progress)
    first_row: dict[int, tuple[str, int]] = {}
    for group, (name, row) in zip(numbers[len(rows) :], elsewhere, strict=True):
        first_row.setdefault(group, (name, row.number))
    return {
        row.number: Drop(LEAK, first_row[group])
        for group, row in zip(numbers[: len(rows)], rows, strict=True)
        if group in first_row
    }


def by_group(rows: Sequence[Row], numbers: Sequence[int]) -> list[list[Row]]:
    """The rows of every group that has more than one."""
    rows_of: dict[int, list[Row]] = {}
    for row, number in zip(rows, numbers, strict=True):
        rows_of.setdefault(number, []).append(row)
    return [group for group in rows_of.values() if len(group) > 1]


def contradicting(groups: Iterable[Sequence[Row]]) -> list[Sequence[Row]]:
    """The groups whose rows have two or more labels."""
    return [rows for rows in groups if len({row.label for row in rows}) > 1]


def conflicting(groups: Iterable[Sequence[Row]], conflicts: str) -> Drops:
    """Rows of contradicting groups: all of them, or with ``majority`` those without the most frequent label.

    In a tie all are dropped.
    """
    drops: Drops = {}
    for rows in contradicting(groups):
        # a contradicting group has two labels at least
        (label, most), (_, second) = Counter(row.label for row in rows).most_common(2)
        has_majority = conflicts == MAJORITY and most > second
        for row in rows:
            if not has_majority or row.label != label:
                drops[row.number] = Drop(CONFLICT)
    return drops


def copies(split: str, groups: Iterable[Sequence[Row]], keep: str) -> Drops:
    """All rows of each group but the one kept; the reason says how similar a row is to that."""
    pairs: list[tuple[Row, Row]] = []
    for rows in groups:
        kept_row = _row_to_keep(rows, keep)
        pairs += [(row, kept_row) for row in rows if row is not kept_row]
    # one call for all: each distinct text is normalized once
    keys = _normalized([row.content for row, _ in pairs])
    kept_keys = _normalized([kept_row.content for _, kept_row in pairs])
    drops: Drops = {}
    for (row, kept_row), key, kept_key in zip(pairs, keys, kept_keys, strict=True):
        likeness = EXACT if row.content == kept_row.content else NORMALIZED if key == kept_key else NEAR
        drops[row.number] = Drop(_COPIES[likeness], (split, kept_row.number))
    return drops


def _row_to_keep(rows: Sequence[Row], keep: str) -> Row:
    """The first row, the first of the longest texts, or the first with the most frequent label."""
    # `max` returns the first of equal rows, so ties keep the first row
    if keep == LONGEST:
        return max(rows, key=lambda row: len(row.content))
    if keep == MAJORITY_LABEL:
        counts = Counter(row.label for row in rows)
        return max(rows, key=lambda row: counts[row.label])
    return rows[0]


def _normalized(texts: Sequence[str]) -> list[str]:
    return text_keys.normalized(pl.Series(texts, dtype=pl.String)).to_list()
