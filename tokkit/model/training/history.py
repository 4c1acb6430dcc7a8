"""The history of a training, a line an evaluation: told while it runs, written as `history.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokkit.model.training.loop import Reached

Row = Mapping[str, Any]

_NAMES = {"macro_f1": "macro F1", "span_f1": "span F1"}


def row(reached: Reached, scores: Mapping[str, Any], shown: Sequence[str]) -> dict[str, Any]:
    """What is told of one evaluation: training since the one before, and the validation scores ``shown``."""
    return {
        "epoch": reached.epoch,
        "step": reached.step,
        "train_loss": round(reached.loss, 6),
        "train_accuracy": round(reached.accuracy, 6),
        **{f"validation_{name}": scores[name] for name in ("loss", *shown)},
        "lr": reached.lr,
    }


def line(epochs: int, told: Row) -> str:
    """The sentence of a row."""
    validated = ", ".join(
        f"{_NAMES.get(name, name)} {value:.4f}"
        for column, value in told.items()
        if value is not None and (name := column.removeprefix("validation_")) != column
    )
    return (
        f"epoch {told['epoch']}/{epochs}: "
        f"train loss {told['train_loss']:.4f}, accuracy {told['train_accuracy']:.4f}; validation {validated}"
    )


def write(path: Path, history: Sequence[Row]) -> None:
    """`history.csv`, a line an evaluation; what has no value is empty."""
    values = [["" if value is None else str(value) for value in told.values()] for told in history]
    lines = [",".join(each) for each in ([*history[0]], *values)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
