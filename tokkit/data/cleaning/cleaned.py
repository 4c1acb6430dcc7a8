"""A data set after cleaning: the rows that stay, those that go with their reasons, and both written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data import save
from tokkit.data.cleaning import dropping
from tokkit.data.cleaning.clean_options import NONE, REPORT, CleanOptions
from tokkit.data.cleaning.dropping import Drops, Limit, Row
from tokkit.data.cleaning.repairing import Costs, Repaired
from tokkit.data.dataset import TRAIN, Dataset, Split
from tokkit.data.output import OutputOptions
from tokkit.progress import Progress
from tokkit.sources.tables import TableFormat

if TYPE_CHECKING:
    import polars as pl

_JSON_LINES = TableFormat("jsonl")


@dataclass(frozen=True)
class Cleaned:
    """What became of every row.

    rows         split -> every row as it is after repairs, None where a text or the label is missing
    drops        split -> the rows that go
    conflicting  how many texts stand with two or more labels, and in how many rows
    """

    dataset: Dataset
    repaired: Repaired
    rows: Mapping[str, Sequence[Row | None]]
    drops: Mapping[str, Drops]
    conflicting: tuple[int, int]

    def left(self, split: str) -> list[Row]:
        """The rows of a split that stay."""
        return _left(self.rows[split], self.drops[split])


def decide(
    dataset: Dataset, repaired: Repaired, plan: CleanOptions, costs: Costs | None, progress: Progress
) -> Cleaned:
    """Asks of every row whether it stays, in the order of `dropping`."""
    rows = {name: _rows(dataset, name, repaired) for name in dataset.splits}
    limits = _limits(plan, costs)
    drops: dict[str, Drops] = {}
    left: dict[str, list[Row]] = {}
    for name in dataset.splits:
        drops[name] = _incomplete(dataset, name)
        drops[name] |= dropping.out_of_limits(_left(rows[name], drops[name]), limits)
        left[name] = _left(rows[name], drops[name])
    others = {name: kept for name, kept in left.items() if name != TRAIN}
    if plan.leaks == "drop" and TRAIN in left and others:
        drops[TRAIN] |= dropping.leaking(left[TRAIN], others, plan.duplicates, progress)
        left[TRAIN] = _left(left[TRAIN], drops[TRAIN])
    contradicting: list[Sequence[Row]] = []
    for name, kept in left.items():
        grouped = dropping.by_group(
            kept, dropping.groups([row.content for row in kept], plan.duplicates, progress)
        )
        contradicting += dropping.contradicting(grouped)
        if plan.conflicts != REPORT:
            drops[name] |= dropping.conflicting(grouped, plan.conflicts)
            grouped = [rest for group in grouped if (rest := _left(group, drops[name]))]
        if plan.duplicates != NONE:
            drops[name] |= dropping.copies(name, grouped, plan.keep)
    return Cleaned(dataset, repaired, rows, drops, (len(contradicting), sum(map(len, contradicting))))


def _rows(dataset: Dataset, split: str, repaired: Repaired) -> list[Row | None]:
    complete = dataset.complete(split)
    rows: list[Row | None] = [None] * dataset.split(split).frame.height
    labels = complete.labels or [""] * len(complete.texts)
    pairs: Sequence[str | None] = complete.pairs or [None] * len(complete.texts)
    mended = repaired.texts
    for number, text, label, pair in zip(complete.positions, complete.texts, labels, pairs, strict=True):
        second = None if pair is None else mended.get(pair, pair)
        rows[number] = Row(number, mended.get(text, text), label, second)
    return rows


def _incomplete(dataset: Dataset, split: str) -> Drops:
    pairs = dataset.pairs(split)
    texts = dataset.texts(split).to_list()
    return dropping.incomplete(texts, _labels(dataset, split), None if pairs is None else pairs.to_list())


def _labels(dataset: Dataset, split: str) -> list[str | None]:
    """The labels of a split; empty ones, but not missing, where the data set has none."""
    if dataset.label_column is None:
        return [""] * dataset.split(split).frame.height
    return dataset.labels(split).to_list()


def _left(rows: Sequence[Row | None], drops: Drops) -> list[Row]:
    return [row for row in rows if row is not None and row.number not in drops]


def _limits(plan: CleanOptions, costs: Costs | None) -> list[Limit]:
    def words(row: Row) -> int:
        return sum(len(text.split()) for text in row.texts)

    def characters(row: Row) -> int:
        return sum(map(len, row.texts))

    limits = [
        Limit("too few words", words, least=plan.min_words),
        Limit("too many words", words, most=plan.max_words),
        Limit("too few characters", characters, least=plan.min_characters),
        Limit("too many characters", characters, most=plan.max_characters),
    ]
    if costs is not None:
        limits.append(Limit("too many tokens", lambda row: costs.tokens(row.texts), most=plan.max_tokens))
    return [limit for limit in limits if limit.least is not None or limit.most is not None]


def publish(
    cleaned: Cleaned, out: Path, plan: OutputOptions, receipt: Mapping[str, Any], force: bool
) -> None:
    """Writes the rows that stay, those that go, and the receipt: a file for a file, a folder for a folder.

    receipt   what `files.write_receipt` is to be given, the inputs aside
    """
    dataset = cleaned.dataset
    written = {name: _kept_frame(cleaned, split) for name, split in dataset.splits.items()}
    gone = _dropped_frame(cleaned)
    if plan.is_file(dataset):
        (split,) = dataset.splits.values()
        siblings = (".dropped.jsonl", ".tokkit.json")
        with files.files(out, *siblings, force=force, inputs=dataset.files) as staging:
            plan.write_file(written[split.name], staging / out.name, split)
            if gone is not None:
                save.write(gone, staging / f"{out.name}.dropped.jsonl", _JSON_LINES)
            files.write_receipt(staging / out.name, inputs=dataset.files, **receipt)
        return
    with files.folder(out, force=force, inputs=dataset.files) as staging:
        plan.write_splits(written, staging, dataset)
        if gone is not None:
            save.write(gone, staging / "dropped.jsonl", _JSON_LINES)
        files.write_receipt(staging, inputs=dataset.files, **receipt)


def _kept_frame(cleaned: Cleaned, split: Split) -> pl.DataFrame:
    """The rows that stay, as they were read but for their texts."""
    import polars as pl

    kept = cleaned.left(split.name)
    frame = split.original[[row.number for row in kept]]
    columns = (cleaned.dataset.text_column, cleaned.dataset.pair_column)
    for side, column in enumerate(each for each in columns if each is not None):
        # what is no column is a field of objects
        name, *keys = [column] if column in frame.columns else column.split(".")
        texts = pl.Series(name, [row.texts[side] for row in kept], dtype=pl.String)
        frame = frame.with_columns(_with_field(frame[name], keys, texts).alias(name))
    return frame


def _with_field(objects: pl.Series, keys: Sequence[str], values: pl.Series) -> pl.Series:
    """Objects with one of their fields, or of the fields of a field, replaced; without keys, the values."""
    import polars as pl

    if not keys:
        return values
    field = _with_field(objects.struct.field(keys[0]), keys[1:], values).alias(keys[0])
    return objects.to_frame("whole").select(pl.col("whole").struct.with_fields(field)).to_series()


def _dropped_frame(cleaned: Cleaned) -> pl.DataFrame | None:
    """The rows that go, as they were read, after the columns that say why; None where none goes."""
    import polars as pl
    import polars.selectors as cs

    frames = []
    for name, drops in cleaned.drops.items():
        if not drops:
            continue
        rows = sorted(drops)
        said = pl.DataFrame(
            [{"split": name, **described(row, drops[row])} for row in rows],
            schema_overrides={"kept_split": pl.String, "kept_row": pl.Int64},
            infer_schema_length=None,
        )
        original = cleaned.dataset.split(name).original[rows].with_columns(cs.binary().bin.encode("base64"))
        taken = {column: f"{column}_read" for column in original.columns if column in said.columns}
        frames.append(pl.concat([said, original.rename(taken)], how="horizontal"))
    return pl.concat(frames, how="diagonal_relaxed") if frames else None


def described(row: int, drop: dropping.Drop) -> dict[str, Any]:
    """``{row, reason, kept_split, kept_row}``, rows counted from 1."""
    split, kept = drop.kept or (None, None)
    return {
        "row": row + 1,
        "reason": drop.reason,
        "kept_split": split,
        "kept_row": None if kept is None else kept + 1,
    }
