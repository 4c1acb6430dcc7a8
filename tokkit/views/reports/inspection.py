"""Tables of a tokenizer compared with its model and its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.reports.findings import findings
from tokkit.views.tables import Table

Result = Mapping[str, Any]
_SHOWN_LABELS = 5


def doctor(result: Result) -> list[Table]:
    """Findings, or that there are none; the model's configuration; the tokenizer on the data."""
    tables = findings(result) or [
        Table("Findings", ("rules checked", "findings"), [(len(result["checked"]), 0)])
    ]
    if result["config"]:
        rows = [(f["field"], _value(f["value"]), f["may_change"], f["why"]) for f in result["config"]]
        columns = ("field", "value", "may change", "why")
        tables.append(Table(f"Configuration of {result['model']}", columns, rows))
    if result["measured"]:
        tables.append(_measured(result["measured"]))
    if result["skipped"]:
        reasons: dict[str, list[str]] = {}
        for rule, why in result["skipped"].items():
            reasons.setdefault(why, []).append(rule)
        left_out = [(why, ", ".join(names)) for why, names in reasons.items()]
        tables.append(Table("Not checked", ("because", "rules"), left_out))
    return tables


def _measured(measured: Result) -> Table:
    groups = [("all", "", measured)]
    for kind in ("split", "class", "script"):
        groups += [(kind, name, figures) for name, figures in measured[f"by_{kind}"].items()]
    limit = measured["limit"]
    title = "The tokenizer on the data" + (f"; truncated: longer than {limit} tokens" if limit else "")
    columns = (
        "of",
        "name",
        "texts",
        "words",
        "tokens",
        "unknown",
        "tokens per word",
        "per character",
        "truncated",
    )
    return Table(title, columns, [(kind, name, *_figures(figures)) for kind, name, figures in groups])


def _figures(figures: Result) -> tuple[Any, ...]:
    truncated = figures["truncated"]
    return (
        *(figures[name] for name in ("texts", "words", "tokens")),
        f"{figures['unknown_rate']:.2%}",
        round(figures["fertility"], 2),
        round(figures["tokens_per_character"], 2),
        None if truncated is None else f"{truncated:.2%}",
    )


def _value(value: Any) -> str | int | float | None:
    if isinstance(value, dict):
        names = [str(each) for each in value.values()]
        return ", ".join(names[:_SHOWN_LABELS]) + (", ..." if len(names) > _SHOWN_LABELS else "")
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
