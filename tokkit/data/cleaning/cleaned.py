"""A data set after cleaning: which rows are dropped and why, and the tables of both kinds of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import polars.selectors as cs

from tokkit.data.cleaning import dropping
from tokkit.data.cleaning.clean_options import NONE, REPORT, CleanOptions
from tokkit.data.cleaning.dropping import Drop, Drops, Limit, Row
from tokkit.data.cleaning.repairing import Repairs, TokenCosts
from tokkit.data.dataset import TRAIN, Dataset, Split
from tokkit.progress import Progress


@dataclass(frozen=True)
class CleanedDataset:
    """What became of every row.

    rows         split -> its rows after repairs, without those that lack a text or the label
    drops        split -> the rows dropped
    conflicting  how many texts have two or more labels, and in how many rows
    """

    dataset: Dataset
    repairs: Repairs
    rows: Mapping[str, Sequence[Row]]
    drops: Mapping[str, Drops]
    conflicting: tuple[int, int]

    def kept_rows(self, split: str) -> list[Row]:
        """The rows of a split that are not dropped."""
        return _without(self.rows[split], self.drops[split])

    def kept_frame(self, split: Split) -> pl.DataFrame:
        """The rows that are not dropped, as they were read but for their texts."""
        rows = self.kept_rows(split.name)
        frame = split.original[[row.number for row in rows]]
        columns = (self.dataset.text_column, self.dataset.pair_column)
        for side, column in enumerate(column for column in columns if column is not None):
            # a text column that is no column of the table is a field within objects: "data.text"
            name, *keys = [column] if column in frame.columns else column.split(".")
            texts = pl.Series(name, [row.texts[side] for row in rows], dtype=pl.String)
            frame = frame.with_columns(_with_field(frame[name], keys, texts).alias(name))
        return frame

    def dropped_frame(self) -> pl.DataFrame | None:
        """The rows dropped, as they were read, after the columns that say why; None without any."""
        frames = []
        for name, drops in self.drops.items():
            if not drops:
                continue
            rows = sorted(drops)
            reasons = pl.DataFrame(
                [{"split": name, **drop_record(row, drops[row])} for row in rows],
                schema_overrides={"kept_split": pl.String, "kept_row": pl.Int64},
                infer_schema_length=None,
            )
            # JSON lines have no bytes
            original = self.dataset.split(name).original[rows].with_columns(cs.binary().bin.encode("base64"))
            # a column of the source that is called like ours keeps its values under another name
            renamed = {column: f"{column}_read" for column in original.columns if column in reasons.columns}
            frames.append(pl.concat([reasons, original.rename(renamed)], how="horizontal"))
        # splits may have different columns, and integers in one may be text in another
        return pl.concat(frames, how="diagonal_relaxed") if frames else None


def decide(
    dataset: Dataset, repairs: Repairs, options: CleanOptions, costs: TokenCosts | None, progress: Progress
) -> CleanedDataset:
    """Decides for every row whether it is dropped, in the order of `dropping`: the first reason counts."""
    rows = {name: _repaired_rows(dataset, name, repairs) for name in dataset.splits}
    limits = _limits(options, costs)
    drops: dict[str, Drops] = {}
    kept_rows: dict[str, list[Row]] = {}
    for name in dataset.splits:
        drops[name] = dropping.incomplete(dataset.required(name))
        # lengths are those after repairs: that is what a model would read
        drops[name] |= dropping.out_of_limits(rows[name], limits)
        kept_rows[name] = _without(rows[name], drops[name])
    # only training rows are dropped for a leak: validation and test are what scores are compared on
    others = {name: of_split for name, of_split in kept_rows.items() if name != TRAIN}
    if options.leaks == "drop" and TRAIN in kept_rows and others:
        drops[TRAIN] |= dropping.leaking(kept_rows[TRAIN], others, options.duplicates, progress)
        kept_rows[TRAIN] = _without(kept_rows[TRAIN], drops[TRAIN])
    contradicting: list[Sequence[Row]] = []
    for name, of_split in kept_rows.items():
        numbers = dropping.group_numbers([row.content for row in of_split], options.duplicates, progress)
        groups = dropping.by_group(of_split, numbers)
        contradicting += dropping.contradicting(groups)
        # conflicts before copies: else the first label would win where all rows are to go
        if options.conflicts != REPORT:
            drops[name] |= dropping.conflicting(groups, options.conflicts)
            groups = [rest for group in groups if (rest := _without(group, drops[name]))]
        if options.duplicates != NONE:
            drops[name] |= dropping.copies(name, groups, options.keep)
    return CleanedDataset(dataset, repairs, rows, drops, (len(contradicting), sum(map(len, contradicting))))


def drop_record(row: int, drop: Drop) -> dict[str, Any]:
    """``{row, reason, kept_split, kept_row}``, rows counted from 1."""
    split, number = drop.duplicate_of or (None, None)
    kept_row = None if number is None else number + 1
    return {"row": row + 1, "reason": drop.reason, "kept_split": split, "kept_row": kept_row}


def _repaired_rows(dataset: Dataset, split: str, repairs: Repairs) -> list[Row]:
    complete, repaired = dataset.complete(split), repairs.texts
    texts = [repaired.get(text, text) for text in complete.texts]
    pairs: list[str | None] = [repaired.get(text, text) for text in complete.pairs] or [None] * len(texts)
    # rows without label column compare as rows of one label: no conflicts
    labels = complete.labels or [""] * len(texts)
    return [Row(*row) for row in zip(complete.positions, texts, labels, pairs, strict=True)]


def _without(rows: Sequence[Row], drops: Drops) -> list[Row]:
    return [row for row in rows if row.number not in drops]


def _limits(options: CleanOptions, costs: TokenCosts | None) -> list[Limit]:
    """The limits that are set; a pair is as long as both its texts."""

    def words(row: Row) -> int:
        return sum(len(text.split()) for text in row.texts)

    def characters(row: Row) -> int:
        return sum(map(len, row.texts))

    limits = [
        Limit("too few words", words, least=options.min_words),
        Limit("too many words", words, most=options.max_words),
        Limit("too few characters", characters, least=options.min_characters),
        Limit("too many characters", characters, most=options.max_characters),
    ]
    if costs is not None:
        limits.append(Limit("too many tokens", lambda row: costs.tokens(row.texts), most=options.max_tokens))
    return [limit for limit in limits if limit.least is not None or limit.most is not None]


def _with_field(objects: pl.Series, keys: Sequence[str], values: pl.Series) -> pl.Series:
    """Objects with the field under ``keys`` replaced; without keys, the values."""
    if not keys:
        return values
    field = _with_field(objects.struct.field(keys[0]), keys[1:], values).alias(keys[0])
    return objects.to_frame("whole").select(pl.col("whole").struct.with_fields(field)).to_series()
