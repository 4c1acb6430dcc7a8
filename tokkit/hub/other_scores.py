"""Scores of a model on other rows, from a folder of `evaluate` into the folder of the model, without rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import InputError
from tokkit.files import Fields
from tokkit.model.folder.card import TEST_SCORES
from tokkit.model.folder.receipt import METRICS

# Tables in the metrics of an evaluation that hold rows of the user.
ROWS = ("worst", "best_rows", "label_issues")
_PICTURES = ("confusion.png", "reliability.png")
_HINT = "name a folder that the command evaluate wrote (-o) for this model alone"


def without_rows(metrics: dict[str, Any]) -> dict[str, Any]:
    """The metrics without the rows in them."""
    return {name: value for name, value in metrics.items() if name not in ROWS}


def add_test_scores(model: Path, evaluation: Path) -> list[Path]:
    """Copy scores and pictures of an evaluation into the folder of its model; returns what was written.

    Raises `InputError` for a folder that `evaluate` did not write for one model, and for that of another.
    """
    receipt = files.receipt_fields(evaluation, _HINT)
    if (command := receipt.text("command")) != "evaluate":
        raise InputError(f"{evaluation}: was written by tokkit {command}, not by evaluate", _HINT)
    if not (evaluation / METRICS).exists():
        raise InputError(f"{evaluation}: compares several models", _HINT)
    result = receipt.fields("result")
    inputs = result.objects("inputs", "a list of files, each with its sha256")
    folders = [item for item in inputs if "files" in item.content]
    evaluated = {file.text("sha256") for item in folders for file in item.objects("files", default=())}
    if not set(_weights(model)) <= evaluated:
        raise InputError(
            f"{evaluation}: evaluates another model than {model}, or an earlier state of it",
            hint=_HINT,
        )
    data: list[Fields] = [item for item in inputs if "files" not in item.content]
    hub = next((item for item in data if item.text("hub", default=None)), None)
    split = result.text("evaluated_split", default=None)
    if not data or split is None:
        raise InputError(f"{evaluation}: its rows are those of the folds, which the card has", _HINT)
    content = {
        "name": hub.text("hub").removeprefix("datasets/") if hub else data[0].text("name").partition(".")[0],
        "split": split,
        "hub": hub.text("hub").removeprefix("datasets/") if hub else None,
        "revision": hub.text("revision", default=None) if hub else None,
        "metrics": without_rows(dict(Fields.of_file(evaluation / METRICS, _HINT).content)),
    }
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    files.write_file(model / TEST_SCORES, text.encode(), force=True)
    written = [model / TEST_SCORES]
    for name in _PICTURES:
        if (evaluation / name).exists():
            files.write_file(model / name, (evaluation / name).read_bytes(), force=True)
            written.append(model / name)
    return written


def _weights(model: Path) -> Iterator[str]:
    for path in sorted(model.rglob("*.safetensors")):
        yield files.sha256_of(path)
