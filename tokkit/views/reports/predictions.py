"""Reports of `predict`: a row per text, with the columns of its task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from tokkit.views.tables import Bar, Result, Table, facts

Row = Mapping[str, Any]

_OTHERS_DISPLAYED = 2


def predictions(result: Result) -> list[Table]:
    """A row per text: what is predicted, with which probability, and the true label where known."""
    rows = result["predictions"]
    unit = "%" if result["unit"] == "per cent" else result["unit"]
    # Rows without a text have no keys of a task: the first row that has one decides.
    form = next((key for key in _FORMS if any(key in row for row in rows)), "label")
    columns: dict[str, Callable[[Row], Any]] = {"text": itemgetter("text")}
    if any("pair" in row for row in rows):
        columns["second text"] = lambda row: row.get("pair")
    columns |= {heading.format(unit=unit): cell for heading, cell in _FORMS[form].items()}
    if form != "spans" and any("true_label" in row for row in rows):
        columns["true label"] = lambda row: row.get("true_label") or ""
    if form in ("label", "labels"):
        columns["others"] = _others
    cells = [[cell(row) for cell in columns.values()] for row in rows]
    return [Table("Predictions", list(columns), cells)]


def written(result: Result) -> list[Table]:
    """What was written, and how often each class is predicted."""
    counts = [
        ("rows", "rows"),
        ("rows without a text", "without_prediction"),
        ("truncated rows", "truncated"),
    ]
    numbers = [(name, result[key]) for name, key in counts if result[key] or key == "rows"]
    tables = [facts(f"Predictions in {result['output']}", numbers)]
    if result["classes"]:
        share = [
            (label, rows, Bar(rows / max(result["rows"], 1))) for label, rows in result["classes"].items()
        ]
        tables.append(Table("Predicted classes", ["label", "rows", "share of rows"], share))
    return tables


def _labels(row: Row) -> str | None:
    if row["label"] is None:
        return None
    shares = row["probabilities"]
    return ", ".join(f"{label} {shares[label]:.4g}" for label in row["labels"]) or "none"


def _spans(row: Row) -> str | None:
    if row["label"] is None:
        return None
    return ", ".join(f"{span['text']}: {span['type']} {span['probability']:.4g}" for span in row["spans"])


def _others(row: Row) -> str:
    """The likeliest of the labels that are not predicted."""
    shares = row["probabilities"] or {}
    predicted = row.get("labels", [row["label"]])
    ranked = sorted(shares, key=lambda label: -shares[label])
    others = [label for label in ranked if label not in predicted][:_OTHERS_DISPLAYED]
    return ", ".join(f"{label} {shares[label]:.4g}" for label in others)


# By a key that only rows of the task have: the headings, and the cell of a row under each.
_FORMS: Mapping[str, Mapping[str, Callable[[Row], Any]]] = {
    "spans": {"spans, {unit}": _spans},
    "labels": {"labels, {unit}": _labels},
    "value": {"value": lambda row: row.get("value")},
    "label": {
        "label": itemgetter("label"),
        "{unit}": lambda row: (row["probabilities"] or {}).get(row["label"]),
    },
}
