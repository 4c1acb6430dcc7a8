"""What is told of frozen features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.reports.model import evaluation
from tokkit.views.tables import Table

Result = Mapping[str, Any]

_BASELINES = {"bag_of_words": "bag of words", "probe": "probe"}
"""Key of a baseline's scores -> what it is called."""


def features(result: Result) -> list[Table]:
    """What the file holds, the baselines side by side, and all scores of the best informed of them."""
    splits = ", ".join(f"{name} {rows:,}" for name, rows in result["splits"].items())
    held: list[tuple[str, Any]] = [
        ("file", result["output"]),
        ("rows", f"{result['rows']:,} ({splits})"),
        ("hidden states", f"{result['width']} wide, layer {result['layer']} of {result['model']}"),
        ("pooling", result["pooling"]),
    ]
    held += [(f"left out: {reason}", n) for reason, n in result["left_out"].items()]
    if result["truncated"]:
        held.append(("texts cut short", result["truncated"]))
    if "map" in result:
        held.append(("map", result["map"]))
    scored = {name: result[key] for key, name in _BASELINES.items() if result[key]}
    return [Table("Features", ("", "value"), held), *(_baselines(scored) if scored else [])]


def _baselines(scored: Mapping[str, Result]) -> list[Table]:
    """Each baseline beside the majority guess, then all scores of the last one."""
    last = list(scored.values())[-1]
    majority = last["majority"]
    rows = [
        (f'always "{majority["label"]}"', majority["accuracy"], majority["macro_f1"], None),
        *((name, each["accuracy"], each["macro_f1"], each["loss"]) for name, each in scored.items()),
    ]
    title = f"Logistic regressions, scored on {last['split']}"
    columns = ("", "accuracy", "macro F1", "loss")
    return [Table(title, columns, rows), *evaluation(last)]
