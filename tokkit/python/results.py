"""Results as a notebook displays them and as `print` writes them, and as frames where they are tables.

Each kind of result gets its methods when a function returns the first of it: no room below this one imports
`views` or pandas for them.
"""

from __future__ import annotations

import reprlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from typing import Any

from tokkit.views import html
from tokkit.views.reports.summary import brief
from tokkit.views.tables import Table, beginning
from tokkit.views.terminal import as_text

Rows = Sequence[Mapping[str, Any]]
Tables = Callable[[Mapping[str, Any]], Sequence[Table]]

# Function -> the report of its result: a function of a module of `views.reports`.
REPORTS = {
    **dict.fromkeys(("train_bpe", "train_char", "train_unigram", "train_word"), "training.training"),
    **{"train_wordpiece": "training.training", "count": "training.counts", "merge_counts": "training.counts"},
    **{"add_tokens": "editing.added", "trim": "editing.trimmed", "wrap": "editing.wrapped"},
    **{"tokenize": "tokenize.tokenize", "compare": "compare.comparison", "stats": "inspection.stats"},
    **{"doctor": "inspection.doctor", "suggest_tokens": "editing.suggestions"},
    **{"clean": "data.clean", "split": "data.split", "rebalance": "data.rebalance"},
    **{"predict": "predictions.predictions", "features": "features.features"},
    "explore": "exploring.explored",
    "export": "exports.exported",
    **{
        "card": "hub.card",
        "check_card": "hub.card_check",
        "push": "hub.pushed",
        "find_datasets": "hub.found_datasets",
    },
    "reproduce": "hub.reproduced",
    **{"audit": "review.audited", "compare_runs": "review.runs_compared", "suggest_rows": "review.suggested"},
    "compare_settings": "finetuning.settings_compared",
}

# Function -> the rows of its result.
ROWS: dict[str, Callable[[Any], Rows]] = {
    "predict": lambda result: result.predictions,
    "suggest_tokens": lambda result: result.suggestions,
    "find_datasets": lambda result: result.as_dict()["datasets"],
    "compare_settings": lambda result: result.combinations,
    "audit": lambda result: result.suspects,
    "suggest_rows": lambda result: result.rows,
    "compare": lambda result: _named("tokenizer", result.tokenizers),
    "evaluate": lambda result: _named("model", result.metrics),
}


# Rows of a table that `print` writes.
_PRINTED_ROWS = 10
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxstring, _SHORT.maxother = 1, 2, 60, 60


def with_display(name: str, result: Any) -> Any:
    """The result of a function; its class can then be displayed, and has ``to_pandas`` if it is a table."""
    kind: Any = type(result)
    if hasattr(result, "as_dict") and not hasattr(kind, "_repr_html_"):
        kind.__repr__ = _shortened
        kind.__str__ = lambda self: _as_text(name, self.as_dict())
        kind._repr_html_ = lambda self: html.fragment(_report(name, self.as_dict()))
        if name in ROWS:
            kind.to_pandas = lambda self: _frame(ROWS[name](self))
    return result


def _shortened(result: Any) -> str:
    """``StatsResult(source='reviews.csv', splits={'train': {...}}, ...)``, of one line."""
    written = (f"{item.name}={_SHORT.repr(getattr(result, item.name))}" for item in fields(result))
    return f"{type(result).__name__}({', '.join(written)})"


def _as_text(name: str, record: Mapping[str, Any]) -> str:
    """The tables that a terminal displays, of long ones the first rows."""
    tables = brief(record, "") if name == "stats" else _report(name, record)
    columns = shutil.get_terminal_size((100, 24)).columns
    text = as_text([beginning(table, _PRINTED_ROWS) for table in tables], columns, color=False)
    return "\n".join(map(str.rstrip, text.splitlines())).rstrip()


def _report(name: str, record: Mapping[str, Any]) -> Sequence[Table]:
    report = REPORTS.get(name)
    if "total_seconds" in record:
        report = "dry_run.dry_run"
    elif name == "evaluate":
        report = "evaluation.comparison" if "models" in record else "evaluation.evaluation"
    elif name == "finetune":
        report = "finetuning.cross_validation" if "folds" in record else "finetuning.finetuning"
    elif name == "predict" and "output" in record:
        report = "predictions.written"
    elif name == "blocks":
        report = "blocks.overview"
    module, _, function = (report or "").partition(".")
    tables: Tables = getattr(import_module(f"tokkit.views.reports.{module}"), function)
    return tables(record)


def _named(key: str, items: Mapping[str, Mapping[str, Any]]) -> Rows:
    """A row per item, its name first, with its plain values."""
    return [
        {key: name, **{field: value for field, value in item.items() if not isinstance(value, dict | list)}}
        for name, item in items.items()
    ]


def _frame(rows: Rows) -> Any:
    # half a second, which only those who use pandas should spend
    return import_module("pandas").DataFrame(list(rows))
