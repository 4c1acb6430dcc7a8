"""Tables of labels that are audited, rows that are suggested, and runs that are compared."""

from __future__ import annotations

from typing import Any

from tokkit.errors import counted
from tokkit.views.names import score_name
from tokkit.views.tables import Result, Table, facts, skipped
from tokkit.views.text import p_value, shorten

# Rows and characters of a text that a terminal displays.
_ROWS, _CHARACTERS = 20, 100
_TESTS = {"mcnemar": "McNemar, of accuracy", "exchange": "exchanged rows"}


def audited(result: Result) -> list[Table]:
    """How many labels are suspect, how many of them are likely wrong, and the first of them."""
    suspects, expected = result["suspects"], result["expected_precision"]
    rows = [
        ("rows", result["rows"]),
        ("suspects", len(suspects)),
        ("likely wrong", None if expected is None else round(expected * len(suspects))),
        ("written to", result["output"]),
    ]
    listed = [
        (
            _row(suspect),
            suspect["score"],
            _label(suspect["label"]),
            _label(suspect["suggested"]),
            shorten(suspect["text"], _CHARACTERS),
        )
        for suspect in suspects[:_ROWS]
    ]
    more = f" (first {_ROWS} of {len(suspects):,})" if len(suspects) > _ROWS else ""
    tables = [facts(f"Labels of {counted(result['rows'], 'row', style=',')}", rows)]
    if listed:
        columns = ("row", "score", "label", "suggested", "text")
        tables.append(Table(f"Most suspect labels{more}", columns, listed))
    return [*tables, *skipped(result)]


def suggested(result: Result) -> list[Table]:
    """The rows that are worth a label, and from how many they are picked."""
    rows = [
        ("rows without a label", result["unlabeled"]),
        ("distinct texts", result["distinct"]),
        ("picked", len(result["rows"])),
        ("written to", result["output"]),
    ]
    listed = [
        (_row(row), row["score"], _label(row["suggested"]), shorten(row["text"], _CHARACTERS), row["reason"])
        for row in result["rows"][:_ROWS]
    ]
    more = f" (first {_ROWS} of {len(result['rows']):,})" if len(result["rows"]) > _ROWS else ""
    columns = ("row", "score", "predicted", "text", "reason")
    return [facts("Rows to label", rows), Table(f"Picked rows{more}", columns, listed)]


def runs_compared(result: Result) -> list[Table]:
    """The scores of both runs, and what the new one gained."""
    rows = [
        (
            score_name(difference["metric"]),
            result["old"][difference["metric"]],
            result["new"][difference["metric"]],
            difference["value"],
            _interval(difference),
        )
        for difference in result["differences"]
    ]
    title = f"{result['new']['run']} less {result['old']['run']}, {counted(result['rows'], 'row', style=',')}"
    columns = ("", "old", "new", "difference", "95 % CI")
    test, name = result["test"], _TESTS[result["test"]["test"]]
    return [Table(title, columns, rows), facts("Test", [(name, p_value(test["p_value"]))])]


def _interval(difference: Result) -> str | None:
    low, high = difference["low"], difference["high"]
    return None if low is None else f"{low:+.4f} to {high:+.4f}"


def _row(row: Result) -> str:
    return f"{row['split']} {row['row']}"


def _label(label: Any) -> str | None:
    return " ".join(label) if isinstance(label, list) else label
