"""What is told of data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.tables import Table

Result = Mapping[str, Any]


def stats(result: Result) -> list[Table]:
    """Everything `stats` found, one table an aspect."""
    splits: Mapping[str, Result] = result["splits"]
    found = [Table("Rows", ("split", *_ROW_COLUMNS), [_split_row(name, s) for name, s in splits.items()])]
    labels = dict.fromkeys(label for split in splits.values() for label in split["classes"])
    if labels:
        columns = [column for name in splits for column in (name, f"{name} %")]
        rows = [(label, *_class_cells(splits, label)) for label in labels]
        found.append(Table("Classes", ("label", *columns), rows))
    found.append(_lengths_table(splits))
    if any(split["by_class"] for split in splits.values()):
        found.append(_lengths_by_class(splits))
    if any("tokens" in split["lengths"] for split in splits.values()):
        found.append(_truncation_table(splits))
    across = result["across"]
    if across["leaks"]:
        found.append(
            Table("Texts in two splits", ("splits", "rows of the second"), list(across["leaks"].items()))
        )
    if result["findings"]:
        rows = [(f["severity"], f["rule"], f["message"], f["fix"]) for f in result["findings"]]
        found.append(Table("Findings", ("severity", "rule", "finding", "what mends it"), rows))
    return found


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
    """Rows per class before and after, and the class weights."""
    rows = [
        (label, n, result["after"].get(label, 0), result["weights"].get(label))
        for label, n in result["before"].items()
    ]
    tables = [Table(f"Written to {result['output']}", ("label", "before", "after", "weight"), rows)]
    if result["left_out"]:
        tables.append(Table("Left out", ("reason", "rows"), list(result["left_out"].items())))
    return tables


_ROW_COLUMNS = ("rows", "missing", "exact copies", "normalized copies", "two labels")


def _split_row(name: str, split: Result) -> tuple[Any, ...]:
    copies = split["duplicates"]
    missing = sum(split["missing"].values())
    return (name, split["rows"], missing, copies["exact"], copies["normalized"], split["conflicting_labels"])


def _class_cells(splits: Mapping[str, Result], label: str) -> list[Any]:
    cells: list[Any] = []
    for split in splits.values():
        n = split["classes"].get(label, 0)
        cells += [n, f"{n / max(sum(split['classes'].values()), 1):.1%}"]
    return cells


_QUANTILES = ("mean", "std", "min", "p50", "p90", "p95", "p99", "max")


def _lengths_table(splits: Mapping[str, Result]) -> Table:
    rows = [
        (name, unit, *(_tenths(summary[q]) for q in _QUANTILES))
        for name, split in splits.items()
        for unit, summary in split["lengths"].items()
    ]
    return Table("Lengths", ("split", "unit", *_QUANTILES), rows)


def _lengths_by_class(splits: Mapping[str, Result]) -> Table:
    unit = "tokens" if all("tokens" in split["lengths"] for split in splits.values()) else "words"
    rows = [
        (name, label, *(_tenths(lengths[unit][q]) for q in _QUANTILES))
        for name, split in splits.items()
        for label, lengths in split["by_class"].items()
    ]
    return Table(f"Lengths by class, in {unit}", ("split", "label", *_QUANTILES), rows)


def _truncation_table(splits: Mapping[str, Result]) -> Table:
    limits = next(iter(splits.values()))["lengths"]["tokens"]["truncated"]
    rows = [
        (
            name,
            *(f"{share:.2%}" for share in split["lengths"]["tokens"]["truncated"].values()),
            f"{split['lengths']['tokens']['unknown_rate']:.2%}",
        )
        for name, split in splits.items()
    ]
    columns = ("split", *(f"> {limit}" for limit in limits), "unknown")
    return Table("Rows cut off at a maximum length in tokens, and unknown tokens", columns, rows)


def _tenths(value: float | None) -> float | int | None:
    return round(value, 1) if isinstance(value, float) else value
