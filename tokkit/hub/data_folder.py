"""The card of a folder of rows: what `stats` says of it, and what its receipt says of how it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.dataset import SPLITS, split_named
from tokkit.errors import InputError, UsageError, counted
from tokkit.files import Fields
from tokkit.inspection.stats import StatsResult, stats
from tokkit.progress import Progress
from tokkit.review.recorded_commands import typed_command
from tokkit.sources.formats import format_of, recognize
from tokkit.sources.paths import is_hidden
from tokkit.views.cards.data_card import DataRecord, data_card
from tokkit.views.cards.markdown import Card
from tokkit.views.cards.sections import Origin

# Formats that the datasets library reads as tables: it takes .txt for lines of text, whatever is in them.
_READABLE = ("csv", "tsv", "json", "jsonl", "parquet", "arrow")
_AGAIN = "copy the whole folder again; the command that is in its tokkit.json wrote all of it"


def build_data_card(folder: Path, progress: Progress) -> Card:
    """The rows are examined where `stats` reads them: not those of folds, and not ids."""
    receipt = files.receipt_fields(folder, _AGAIN)
    result, command = receipt.fields("result"), receipt.text("command")
    examined = None if command == "encode" else _examined(folder, progress)
    inputs = result.objects("inputs", default=())
    files_by_split = split_files(folder)
    record = DataRecord(
        made_by=command,
        splits=_recorded_rows(result) if examined is None else examined.splits,
        files=files_by_split,
        separator=separator_of(folder, files_by_split),
        origin=Origin(
            command=typed_command(receipt),
            inputs=[(item.text("name"), item.integer("bytes", default=0)) for item in inputs],
            versions=result.fields("versions").content,
        ),
        columns=_columns(examined, result),
        label_kind=None if examined is None else examined.label_kind,
        findings=None if examined is None else [finding.message for finding in examined.findings],
        changes=list(_changes(command, result)),
    )
    return data_card(record)


def split_files(folder: Path) -> dict[str, list[str]]:
    """Split -> its files in a folder of splits, in order, as far as `datasets` reads them as tables.

    Empty for folds and for other folders.
    """
    by_split: dict[str, list[str]] = {}
    for path in sorted(folder.iterdir()):
        split = split_named(path.name)
        readable = format_of(path) in _READABLE and not is_hidden(path, folder)
        if path.is_file() and split is not None and readable:
            by_split.setdefault(split, []).append(path.name)
    return {split: by_split[split] for split in SPLITS if split in by_split}


def separator_of(folder: Path, by_split: Mapping[str, list[str]]) -> str | None:
    """The separator of csv files, where it is not the usual one."""
    names = [name for paths in by_split.values() for name in paths if format_of(Path(name)) == "csv"]
    separator = recognize(folder / names[0]).separator if names else None
    return None if separator == "," else separator


def _examined(folder: Path, progress: Progress) -> StatsResult | None:
    try:
        return stats(folder, progress=progress)
    # Folds are several data sets, which no command reads as one.
    except (InputError, UsageError) as error:
        progress.say(f"{folder}: its rows were not examined: {error.message}")
        return None


def _recorded_rows(result: Fields) -> dict[str, dict[str, Any]]:
    """Split -> its rows, as the receipt has them; a split may have its figures next to them."""
    splits = result.fields("splits", default=None)
    if splits is None:
        return {"all": {"rows": result.integer("rows", default=0)}}
    return {name: {"rows": _rows(splits, name)} for name in splits.content}


def _rows(splits: Fields, name: str) -> int:
    if isinstance(splits.content[name], Mapping):
        of_split: Fields = splits.fields(name)
        rows: int = of_split.integer("rows" if "rows" in of_split.content else "rows_after")
        return rows
    alone: int = splits.integer(name)
    return alone


def _columns(examined: StatsResult | None, result: Fields) -> dict[str, str | None]:
    if examined is not None:
        return {"text": examined.text_column, "pair": examined.pair_column, "label": examined.label_column}
    # Ids are in columns of their own names, and labels keep theirs.
    columns = result.fields("columns", default=None)
    label = None if columns is None else columns.text("label_column", default=None)
    return {} if label is None else {"label": "label"}


def _changes(command: str, result: Fields) -> Iterator[str]:
    """Sentences about what a command did to the rows."""
    if command == "clean":
        before, after = (result.integer(name, default=0) for name in ("rows_before", "rows_after"))
        yield f"{after:,} of {counted(before, 'row', style=',')} are left."
        for what, name in (("dropped", "dropped"), ("repaired", "repaired")):
            counts: Fields | None = result.fields(name, default=None)
            for reason, rows in (counts.content if counts is not None else {}).items():
                yield f"{what}, {reason}: {counted(rows, 'row', style=',')}"
    if command == "rebalance":
        before, after = (result.fields(name) for name in ("before", "after"))
        for label in before.content:
            yield f"{label}: {before.integer(label):,} rows before, {after.integer(label, default=0):,} after"
