"""Which rows go, and why: incomplete, empty, out of limits, leaking, contradicting, standing there already.

Pure functions over the rows of a split. Each is asked about the rows that are still there, in this order,
and gives those it drops; a row goes for the first reason found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tokkit.data.cleaning.clean_options import EXACT, LONGEST, MAJORITY, MAJORITY_LABEL, NEAR, NORMALIZED
from tokkit.data.duplicates import near_duplicates, text_keys
from tokkit.progress import SILENT, Progress

MISSING_TEXT, MISSING_PAIR, MISSING_LABEL = "missing text", "missing second text", "missing label"
EMPTY = "empty"
LEAK, CONFLICT = "in another split", "conflicting labels"
_COPIES = {NEAR: "near duplicate", NORMALIZED: "normalized duplicate", EXACT: "exact duplicate"}


@dataclass(frozen=True)
class Row:
    """A row of a split: its number from 0, its text after repairs, its label ("" where there are none), and
    of a pair its second text, repaired too."""

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
        """What makes it a copy of another: its text, or both as `text_keys.join_pairs` writes them."""
        return text_keys.SEPARATOR.join(self.texts)


@dataclass(frozen=True)
class Drop:
    """Why a row goes, and for the sake of which row: (split, number), where there is one."""

    reason: str
    kept: tuple[str, int] | None = None


Drops = dict[int, Drop]
"""Row number -> why it goes."""


@dataclass(frozen=True)
class Limit:
    """A bound on the length of rows in some unit, as its reason says; a pair is as long as both its texts."""

    reason: str
    measure: Callable[[Row], int]
    least: int | None = None
    most: int | None = None


def incomplete(
    texts: Sequence[str | None], labels: Sequence[str | None], pairs: Sequence[str | None] | None = None
) -> Drops:
    """Rows without text, second text (where rows are pairs) or label."""
    columns = {MISSING_TEXT: texts, MISSING_PAIR: texts if pairs is None else pairs, MISSING_LABEL: labels}
    drops: Drops = {}
    for reason, values in columns.items():
        for row, value in enumerate(values):
            if value is None:
                drops.setdefault(row, Drop(reason))
    return drops


def out_of_limits(rows: Iterable[Row], limits: Sequence[Limit]) -> Drops:
    """Rows that nothing is left of, and those shorter or longer than a limit allows."""
    drops: Drops = {}
    for row in rows:
        if not all(row.texts):
            drops[row.number] = Drop(EMPTY)
            continue
        for limit in limits:
            length = limit.measure(row)
            if (limit.least and length < limit.least) or (limit.most and length > limit.most):
                drops[row.number] = Drop(limit.reason)
                break
    return drops


def groups(contents: Sequence[str], how: str, progress: Progress = SILENT) -> list[int]:
    """The group of each content, (rows,): of those that are the same in the sense of ``how`` (`DUPLICATES`).

    ``none`` tells them apart as ``exact`` does.
    """
    if how == NEAR:
        return [int(each) for each in near_duplicates.clusters(contents, progress=progress)]
    keys = _normalized(contents) if how == NORMALIZED else contents
    number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return [number[key] for key in keys]


def leaking(
    rows: Sequence[Row], others: Mapping[str, Sequence[Row]], how: str, progress: Progress = SILENT
) -> Drops:
    """Rows whose text stands in another split too; those of the other splits stay."""
    elsewhere = [(name, row) for name, split in others.items() for row in split]
    together = groups([row.content for row in [*rows, *(row for _, row in elsewhere)]], how, progress)
    found: dict[int, tuple[str, int]] = {}
    for group, (name, row) in zip(together[len(rows) :], elsewhere, strict=True):
        found.setdefault(group, (name, row.number))
    return {
        row.number: Drop(LEAK, found[group])
        for group, row in zip(together[: len(rows)], rows, strict=True)
        if group in found
    }


def by_group(rows: Sequence[Row], of: Sequence[int]) -> list[list[Row]]:
    """The rows of every group that has more than one."""
    grouped: dict[int, list[Row]] = {}
    for row, group in zip(rows, of, strict=True):
        grouped.setdefault(group, []).append(row)
    return [rows for rows in grouped.values() if len(rows) > 1]


def contradicting(grouped: Iterable[Sequence[Row]]) -> list[Sequence[Row]]:
    """The groups whose rows carry two or more labels."""
    return [rows for rows in grouped if len({row.label for row in rows}) > 1]


def conflicting(grouped: Iterable[Sequence[Row]], conflicts: str) -> Drops:
    """Rows of contradicting groups that go: all of them, or those that do not carry the label of most.

    Where no label leads alone, all go.
    """
    drops: Drops = {}
    for rows in contradicting(grouped):
        leading = Counter(row.label for row in rows).most_common(2)
        alone = conflicts == MAJORITY and leading[0][1] > leading[1][1]
        for row in rows:
            if not alone or row.label != leading[0][0]:
                drops[row.number] = Drop(CONFLICT)
    return drops


def copies(split: str, grouped: Iterable[Sequence[Row]], keep: str) -> Drops:
    """All rows of each group but the one kept, each with the reason that says how near it is to that."""
    pairs = [
        (row, kept) for rows in grouped for kept in [_kept(rows, keep)] for row in rows if row is not kept
    ]
    mine = _normalized([row.content for row, _ in pairs])
    theirs = _normalized([kept.content for _, kept in pairs])
    drops: Drops = {}
    for (row, kept), key, kept_key in zip(pairs, mine, theirs, strict=True):
        likeness = EXACT if row.content == kept.content else NORMALIZED if key == kept_key else NEAR
        drops[row.number] = Drop(_COPIES[likeness], (split, kept.number))
    return drops


def _kept(rows: Sequence[Row], keep: str) -> Row:
    """The first row, the first of the longest texts, or the first that carries the most frequent label."""
    if keep == LONGEST:
        return max(rows, key=lambda row: len(row.content))
    if keep == MAJORITY_LABEL:
        counts = Counter(row.label for row in rows)
        return max(rows, key=lambda row: counts[row.label])
    return rows[0]


def _normalized(texts: Sequence[str]) -> list[str]:
    import polars as pl

    return text_keys.normalized(pl.Series(texts, dtype=pl.String)).to_list()
