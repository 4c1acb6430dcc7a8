"""Tables of a cleaned data set, or of a dry run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tokkit.views.tables import Table

Result = Mapping[str, Any]


def clean(result: Result) -> list[Table]:
    """Rows per split, what was repaired and dropped, tokens; of a dry run examples too."""
    dry, tokens = result["dry_run"], result["tokens"]
    title = "Dry run, nothing was written" if dry else f"Written to {result['output']}"
    rows = [(name, split["rows_before"], split["rows_after"]) for name, split in result["splits"].items()]
    tables = [Table(title, ("split", "rows before", "rows after"), rows)]
    if result["repaired"]:
        tables.append(_repaired(result["repaired"], tokens))
    if result["dropped"]:
        tables.append(_dropped(result))
    if tokens:
        measured = [(name, *tokens[name].values()) for name in ("before", "repaired", "after")]
        tables.append(Table("Tokens", ("rows", "tokens", "unknown"), measured))
    return tables + (_examples(result["examples"]) if dry else [])


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
        (reason, _place(example["split"], example["row"]), example["text"], _place(*_kept(example)))
        for reason, samples in examples["dropped"].items()
        for example in samples
    ]
    tables = []
    if repaired:
        tables.append(Table("Examples of repairs", ("rule", "before", "after"), repaired))
    if dropped:
        tables.append(
            Table("Examples of rows that would be dropped", ("reason", "row", "text", "kept row"), dropped)
        )
    return tables


def _visible(text: str) -> str:
    """The text with the white space that a repair changes marked: runs, ends, all but the plain space."""
    marked = _AT_ENDS.sub(lambda spaces: "␣" * len(spaces[0]), text)
    return _OTHER_SPACE.sub(lambda space: space[0].encode("unicode_escape").decode(), marked)


_AT_ENDS = re.compile(r"^ +| +$| {2,}")
_OTHER_SPACE = re.compile(r"(?! )\s")


def _kept(example: Result) -> tuple[str | None, int | None]:
    return example["kept_split"], example["kept_row"]


def _place(split: str | None, row: int | None) -> str | None:
    return None if row is None else f"{split} {row}"
