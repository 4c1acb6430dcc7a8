"""Tables of data sets that were split, rebalanced or cleaned."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tokkit.views.tables import Result, Table, skipped
from tokkit.views.text import escaped

_AT_ENDS = re.compile(r"^ +| +$| {2,}")
_OTHER_SPACE = re.compile(r"(?! )\s")


def split(result: Result) -> list[Table]:
    """Rows per split and class."""
    labels = dict.fromkeys(label for counts in result["classes"].values() for label in counts)
    columns = ("split", "rows", *labels)
    rows = [
        (name, n, *(result["classes"][name].get(label, 0) for label in labels))
        for name, n in result["splits"].items()
    ]
    return [Table(f"Written to {result['output']}", columns, rows)]


def rebalance(result: Result) -> list[Table]:
    """Rows per class before and after, and the class weights; of a dry run, what they would be."""
    rows = [
        (label, n, result["after"].get(label, 0), result["weights"].get(label))
        for label, n in result["before"].items()
    ]
    return [Table(_title(result), ("label", "before", "after", "weight"), rows), *skipped(result)]


def clean(result: Result) -> list[Table]:
    """Rows per split, what was repaired and dropped, tokens; of a dry run examples too."""
    tokens = result["tokens"]
    rows = [(name, split["rows_before"], split["rows_after"]) for name, split in result["splits"].items()]
    tables = [Table(_title(result), ("split", "rows before", "rows after"), rows)]
    if result["applied"] is not None:
        tables += _applied(result["applied"])
    if result["repaired"]:
        tables.append(_repaired(result["repaired"], tokens))
    if result["merged_labels"]:
        spelled = [
            (label, f'"{spelling}"', rows)
            for label, spellings in result["merged_labels"].items()
            for spelling, rows in spellings.items()
        ]
        tables.append(Table("Merged labels", ("label", "read as", "rows"), spelled))
    if result["dropped"]:
        tables.append(_dropped(result))
    if tokens:
        measured = [(name, *tokens[name].values()) for name in ("before", "repaired", "after")]
        tables.append(Table("Tokens", ("rows", "tokens", "unknown"), measured))
    return tables + (_examples(result["examples"]) if result["dry_run"] else [])


def _title(result: Result) -> str:
    return "Dry run, nothing was written" if result["dry_run"] else f"Written to {result['output']}"


def _applied(applied: Result) -> list[Table]:
    """Decisions by kind, and which label became which."""
    names = ("keep", "drop", "relabel", "undecided", "changed_since")
    rows = [(name.replace("_", " "), applied[name]) for name in names if applied[name]]
    relabeled = [
        (old or None, new, n) for old, of_label in applied["labels"].items() for new, n in of_label.items()
    ]
    tables = [
        Table("Decisions", ("decision", "rows"), rows),
        Table("Relabeled", ("label", "new label", ""), relabeled),
    ]
    return [table for table in tables if table.rows]


def _repaired(rows: Mapping[str, int], tokens: Result | None) -> Table:
    if tokens is None:
        return Table("Repaired", ("rule", "rows"), list(rows.items()))
    saved = [(rule, n, *tokens["saved"][rule].values()) for rule, n in rows.items()]
    return Table("Repaired", ("rule", "rows", "tokens saved", "unknown saved"), saved)


def _dropped(result: Result) -> Table:
    splits: Result = result["splits"] if len(result["splits"]) > 1 else {}
    cells = [
        (reason, *(split["dropped"].get(reason, 0) for split in splits.values()), n)
        for reason, n in result["dropped"].items()
    ]
    return Table("Dropped", ("reason", *splits, "all rows" if splits else "rows"), cells)


def _examples(examples: Result) -> list[Table]:
    repaired = [
        (rule, _visible(example["before"]), _visible(example["after"]))
        for rule, samples in examples["repaired"].items()
        for example in samples
    ]
    dropped = [
        (
            *(reason, _row(example["split"], example["row"]), example["text"]),
            _row(example["kept_split"], example["kept_row"]),
        )
        for reason, samples in examples["dropped"].items()
        for example in samples
    ]
    tables = [
        Table("Examples of repairs", ("rule", "before", "after"), repaired),
        Table("Examples of rows that would be dropped", ("reason", "row", "text", "kept row"), dropped),
    ]
    return [table for table in tables if table.rows]


def _visible(text: str) -> str:
    """The text with the white space that a repair changes marked: runs, ends, all but the plain space."""
    marked = _AT_ENDS.sub(lambda spaces: "␣" * len(spaces[0]), text)
    return _OTHER_SPACE.sub(lambda space: escaped(space[0]), marked)


def _row(split: str | None, row: int | None) -> str | None:
    return None if row is None else f"{split} {row}"
