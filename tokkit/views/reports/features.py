"""Reports of `features`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.reports.evaluation import evaluation
from tokkit.views.tables import Result, Table, facts

_BASELINE_NAMES = {"bag_of_words": "TF-IDF", "probe": "probe"}


def features(result: Result) -> list[Table]:
    """What is in the file, the baselines side by side, and all scores of the last of them."""
    splits = ", ".join(f"{name} {rows:,}" for name, rows in result["splits"].items())
    values: list[tuple[str, Any]] = [
        ("file", result["output"]),
        ("rows", f"{result['rows']:,} ({splits})"),
        ("hidden states", f"{result['width']} wide, layer {result['layer']} of {result['model']}"),
        ("pooling", result["pooling"]),
        *((f"skipped rows: {reason}", n) for reason, n in result["left_out"].items()),
        ("truncated rows", result["truncated"] or None),
        ("map", result.get("map")),
    ]
    scored = {name: result[key] for key, name in _BASELINE_NAMES.items() if result[key]}
    return [facts("Features", values), *(_baselines(scored) if scored else [])]


def _baselines(scored: Mapping[str, Result]) -> list[Table]:
    """Each baseline and the majority class, then all scores of the last baseline."""
    # The probe where there is one: it is trained on what the model knows, words are the reference.
    last = list(scored.values())[-1]
    majority = last["majority"]
    rows = [
        (f'majority class ("{majority["label"]}")', majority["accuracy"], majority["macro_f1"], None),
        *((name, scores["accuracy"], scores["macro_f1"], scores["loss"]) for name, scores in scored.items()),
    ]
    title = f"Logistic regression, scored on {last['split']}"
    columns = ("", "accuracy", "macro F1", "loss")
    return [Table(title, columns, rows), *evaluation(last)]
