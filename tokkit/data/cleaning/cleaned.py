"""A data set after cleaning: which rows are dropped and why, and the tables of both kinds of rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl
import polars.selectors as cs

from tokkit.data.cleaning import dropping
from tokkit.data.cleaning.clean_options import NONE, REPORT, CleanOptions
from tokkit.data.cleaning.repairing import Repairs, TokenCosts
from tokkit.data.column_values import with_column
from tokkit.data.dataset import TRAIN, Dataset, Split
from tokkit.data.duplicates.text_keys import WORD
from tokkit.progress import Progress


@dataclass(frozen=True)
class CleanedDataset:
    """What became of every row.

    rows         split -> its rows after repairs, with the reasons of those that are dropped (see `dropping`)
    conflicting  how many texts have two or more labels, and in how many rows
    merged       name of a label -> rows of each of its spellings, which differ from those read
    """

    dataset: Dataset
    repairs: Repairs
    rows: Mapping[str, pl.DataFrame]
    conflicting: tuple[int, int]
    merged: Mapping[str, Mapping[str, int]]

    def kept_rows(self, split: str) -> pl.DataFrame:
        """The rows of a split that are not dropped."""
        return dropping.left(self.rows[split])

    def kept_frame(self, split: Split) -> pl.DataFrame:
        """The rows that are not dropped, as read but for their texts, and for labels that were merged."""
        rows = self.kept_rows(split.name)
        frame = split.original[rows["row"]]
        if self.merged and self.dataset.label_column is not None:
            label = self.dataset.label_column
            frame = with_column(frame, label, split.frame[label][rows["row"]])
        if self.dataset.tokens_column is not None:  # no rule repairs tokens, and their text is made of them
            return frame
        for side, column in (("text", self.dataset.text_column), ("pair", self.dataset.pair_column)):
            if column is not None:
                frame = with_column(frame, column, rows[side])
        return frame

    def dropped_rows(self, split: str) -> pl.DataFrame:
        """``split``, ``row``, ``reason``, ``kept_split`` and ``kept_row`` of those dropped, rows from 1."""
        dropped = self.rows[split].filter(pl.col("reason").is_not_null())
        row, kept_row = pl.col("row").cast(pl.Int64) + 1, pl.col("kept_row") + 1
        return dropped.select(pl.lit(split).alias("split"), row, "reason", "kept_split", kept_row)

    def dropped_frame(self) -> pl.DataFrame | None:
        """The rows dropped, as they were read, after the columns that say why; None without any."""
        frames = []
        for name in self.rows:
            reasons = self.dropped_rows(name)
            original = self.dataset.split(name).original[reasons["row"] - 1]
            # a column of the source that is called like ours keeps its values under another name
            renamed = {column: f"{column}_read" for column in original.columns if column in reasons.columns}
            # JSON lines have no bytes
            original = original.with_columns(cs.binary().bin.encode("base64")).rename(renamed)
            if reasons.height:
                frames.append(pl.concat([reasons, original], how="horizontal"))
        # splits may have different columns, and integers in one may be text in another
        return pl.concat(frames, how="diagonal_relaxed") if frames else None


def decide(
    dataset: Dataset,
    repairs: Repairs,
    options: CleanOptions,
    costs: TokenCosts | None,
    progress: Progress,
    merged: Mapping[str, Mapping[str, int]],
    reviewed: Mapping[str, Collection[int]] = MappingProxyType({}),
) -> CleanedDataset:
    """Decides for every row whether it is dropped, in the order of `dropping`: the first reason counts.

    reviewed   split -> rows that a person decided to drop, from 0
    """
    splits = {}
    for name in dataset.splits:
        # lengths are those after repairs: that is what a model would read
        rows = dropping.table_of_rows(dataset.required(name), repairs.texts, reviewed.get(name, ()))
        splits[name] = _drop_out_of_limits(rows, options, costs)
    # only training rows are dropped for a leak: validation and test are what scores are compared on
    if options.leaks == "drop" and TRAIN in splits and len(splits) > 1:
        splits[TRAIN] = splits[TRAIN].update(dropping.leaking(splits, options.duplicates, progress), on="row")
    conflicting_texts = conflicting_rows = 0
    for name, rows in splits.items():
        grouped = dropping.grouped(rows, options.duplicates, progress)
        contradicting = dropping.contradicting(grouped)
        conflicting_texts += contradicting["group"].n_unique()
        conflicting_rows += contradicting.height
        # conflicts before copies: else the first label would win where all rows are to go
        if options.conflicts != REPORT:
            dropped = dropping.conflicting(grouped, options.conflicts)
            rows = rows.update(dropped, on="row")
            grouped = grouped.join(dropped, on="row", how="anti")
        if options.duplicates != NONE:
            rows = rows.update(dropping.copies(name, grouped, options.keep), on="row")
        splits[name] = rows
    return CleanedDataset(dataset, repairs, splits, (conflicting_texts, conflicting_rows), merged)


def _drop_out_of_limits(rows: pl.DataFrame, options: CleanOptions, costs: TokenCosts | None) -> pl.DataFrame:
    """Drops rows with an empty text, and those outside the limits; a pair is as long as both its texts."""
    texts = pl.col("text", "pair")
    # repairs may leave nothing: a text of tags or controls alone
    rows = dropping.drop(rows, pl.any_horizontal(texts == ""), "empty")
    lengths = {"words": texts.str.count_matches(WORD), "characters": texts.str.len_chars()}
    for unit, length in lengths.items():
        least, most = getattr(options, f"min_{unit}"), getattr(options, f"max_{unit}")
        if least is not None:
            rows = dropping.drop(rows, pl.sum_horizontal(length) < least, f"too few {unit}")
        if most is not None:
            rows = dropping.drop(rows, pl.sum_horizontal(length) > most, f"too many {unit}")
    if costs is not None and options.max_tokens is not None:
        kept_rows = dropping.left(rows).select("row", "text", "pair").iter_rows()
        long = [row for row, *sides in kept_rows if costs.tokens(filter(None, sides)) > options.max_tokens]
        rows = dropping.drop(rows, pl.col("row").is_in(long), "too many tokens")
    return rows
