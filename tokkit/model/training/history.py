"""The history of a training, an epoch a line: told while it runs, written as `history.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokkit.model.training.loop import Epoch


def row(epoch: Epoch, scores: dict[str, Any]) -> dict[str, Any]:
    return {
        "epoch": epoch.number,
        "train_loss": round(epoch.loss, 6),
        "train_accuracy": round(epoch.accuracy, 6),
        "validation_loss": scores["loss"],
        "validation_accuracy": scores["accuracy"],
        "validation_macro_f1": scores["macro_f1"],
        "lr": epoch.lr,
    }


def line(epochs: int, told: dict[str, Any]) -> str:
    return (
        f"epoch {told['epoch']}/{epochs}: "
        f"train loss {told['train_loss']:.4f}, accuracy {told['train_accuracy']:.4f}; "
        f"validation loss {told['validation_loss']:.4f}, accuracy {told['validation_accuracy']:.4f}, "
        f"macro F1 {told['validation_macro_f1']:.4f}"
    )


def write(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """`history.csv`, a line an epoch."""
    lines = [",".join(history[0]), *(",".join(map(str, row.values())) for row in history)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
