"""A data set after cleaning: the rows that stay, those that go with their reasons, and both written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data import save
from tokkit.data.cleaning import dropping
from tokkit.data.cleaning.cleaning_plan import CleaningPlan
from tokkit.data.cleaning.dropping import Drops, Limit, Row
from tokkit.data.cleaning.repairing import Costs, Repaired
from tokkit.data.dataset import TRAIN, Dataset, Split
from tokkit.progress import Progress
from tokkit.sources.tables import TableFormat

if TYPE_CHECKING:
    import polars as pl

_JSON_LINES = TableFormat("jsonl")


@dataclass(frozen=True)
class Cleaned:
    """What became of every row.

    rows         split -> every row as it is after repairs, None where text or label is missing
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
    dataset: Dataset, repaired: Repaired, plan: CleaningPlan, costs: Costs | None, progress: Progress
) -> Cleaned:
    """Asks of every row whether it stays, in the order of `dropping`."""
    rows = {name: _rows(dataset, name, repaired) for name in dataset.splits}
    limits = _limits(plan, costs)
    drops: dict[str, Drops] = {}
    left: dict[str, list[Row]] = {}
    for name in dataset.splits:
        drops[name] = dropping.incomplete(dataset.texts(name).to_list(), _labels(dataset, name))
        drops[name] |= dropping.out_of_limits(_left(rows[name], drops[name]), limits)
        left[name] = _left(rows[name], drops[name])
    others = {name: kept for name, kept in left.items() if name != TRAIN}
    if plan.leaks == "drop" and TRAIN in left and others:
        drops[TRAIN] |= dropping.leaking(left[TRAIN], others, plan.duplicates, progress)
        left[TRAIN] = _left(left[TRAIN], drops[TRAIN])
    contradicting: list[Sequence[Row]] = []
    for name, kept in left.items():
        grouped = dropping.by_group(
            kept, dropping.groups([row.text for row in kept], plan.duplicates, progress)
        )
        contradicting += dropping.contradicting(grouped)
        if plan.conflicts != dropping.REPORT:
            drops[name] |= dropping.conflicting(grouped, plan.conflicts)
            grouped = [rest for group in grouped if (rest := _left(group, drops[name]))]
        if plan.duplicates != dropping.NONE:
            drops[name] |= dropping.copies(name, grouped, plan.keep)
    return Cleaned(dataset, repaired, rows, drops, (len(contradicting), sum(map(len, contradicting))))


def _rows(dataset: Dataset, split: str, repaired: Repaired) -> list[Row | None]:
    complete = dataset.complete(split)
    rows: list[Row | None] = [None] * dataset.split(split).frame.height
    labels = complete.labels or [""] * len(complete.texts)
    for number, text, label in zip(complete.positions, complete.texts, labels, strict=True):
        rows[number] = Row(number, repaired.texts.get(text, text), label)
    return rows


def _labels(dataset: Dataset, split: str) -> list[str | None]:
    """The labels of a split; empty ones, but not missing, where the data set has none."""
    if dataset.label_column is None:
        return [""] * dataset.split(split).frame.height
    return dataset.labels(split).to_list()


def _left(rows: Sequence[Row | None], drops: Drops) -> list[Row]:
    return [row for row in rows if row is not None and row.number not in drops]


def _limits(plan: CleaningPlan, costs: Costs | None) -> list[Limit]:
    def words(text: str) -> int:
        return len(text.split())

    limits = [
        Limit("too few words", words, least=plan.min_words),
        Limit("too many words", words, most=plan.max_words),
        Limit("too few characters", len, least=plan.min_characters),
        Limit("too many characters", len, most=plan.max_characters),
    ]
    if costs is not None:
        limits.append(Limit("too many tokens", costs.tokens, most=plan.max_tokens))
    return [limit for limit in limits if limit.least is not None or limit.most is not None]


def publish(cleaned: Cleaned, out: Path, receipt: Mapping[str, Any], force: bool) -> None:
    """Writes the rows that stay, those that go, and the receipt: a file for a file, a folder for a folder.

    receipt   what `files.write_receipt` is to be given, the inputs aside
    """
    dataset = cleaned.dataset
    written = {name: _kept_frame(cleaned, split) for name, split in dataset.splits.items()}
    gone = _dropped_frame(cleaned)
    if len(dataset.splits) == 1 and not Path(dataset.source).is_dir():
        (split,) = dataset.splits.values()
        siblings = (".dropped.jsonl", ".tokkit.json")
        with files.files(out, *siblings, force=force, inputs=dataset.files) as staging:
            save.write(written[split.name], staging / out.name, save.format_for(out, split.format))
            if gone is not None:
                save.write(gone, staging / f"{out.name}.dropped.jsonl", _JSON_LINES)
            files.write_receipt(staging / out.name, inputs=dataset.files, **receipt)
        return
    with files.folder(out, force=force, inputs=dataset.files) as staging:
        for name, split in dataset.splits.items():
            ending = save.suffix_for(split.files[0], split.format)
            save.write(written[name], staging / f"{name}{ending}", split.format)
        if gone is not None:
            save.write(gone, staging / "dropped.jsonl", _JSON_LINES)
        files.write_receipt(staging, inputs=dataset.files, **receipt)


def _kept_frame(cleaned: Cleaned, split: Split) -> pl.DataFrame:
    """The rows that stay, as they were read but for the text."""
    import polars as pl

    kept = cleaned.left(split.name)
    frame = split.original[[row.number for row in kept]]
    name, *keys = [cleaned.dataset.text_column]
    if name not in frame.columns:  # a field of objects
        name, *keys = name.split(".")
    texts = pl.Series(name, [row.text for row in kept], dtype=pl.String)
    return frame.with_columns(_with_field(frame[name], keys, texts).alias(name))


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
