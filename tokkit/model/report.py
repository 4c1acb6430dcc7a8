"""What is written beside a model: figures, the history of its epochs, predictions, the card."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.model.inference import softmax
from tokkit.model.loop import Epoch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def history_row(epoch: Epoch, scores: dict[str, Any]) -> dict[str, Any]:
    return {
        "epoch": epoch.number,
        "train_loss": round(epoch.loss, 6),
        "train_accuracy": round(epoch.accuracy, 6),
        "validation_loss": scores["loss"],
        "validation_accuracy": scores["accuracy"],
        "validation_macro_f1": scores["macro_f1"],
        "lr": epoch.lr,
    }


def epoch_line(epochs: int, row: dict[str, Any]) -> str:
    return (
        f"epoch {row['epoch']}/{epochs}: "
        f"train loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.4f}; "
        f"validation loss {row['validation_loss']:.4f}, accuracy {row['validation_accuracy']:.4f}, "
        f"macro F1 {row['validation_macro_f1']:.4f}"
    )


def prediction_table(
    texts: Sequence[str],
    targets: Iterable[str],
    logits: NDArray[np.float32],
    labels: Sequence[str],
    losses: NDArray[np.float64],
    positions: Sequence[int],
) -> Any:
    """A polars frame, a row a text: id (its row number), text, label, predicted, loss, per cent by label."""
    import polars as pl

    shares = softmax(logits) * 100
    predicted = [labels[i] for i in logits.argmax(axis=1)]
    return pl.DataFrame(
        {
            "id": list(positions),
            "text": list(texts),
            "label": list(targets),
            "predicted": predicted,
            "loss": losses.round(6),
            **{f"% {label}": shares[:, i].round(2) for i, label in enumerate(labels)},
        }
    )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """One object, readable."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_history(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """`history.csv`, a line an epoch."""
    lines = [",".join(history[0]), *(",".join(map(str, row.values())) for row in history)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_card(path: Path, metrics: Mapping[str, Any], settings: Mapping[str, Any], base: str) -> None:
    """The card `README.md`: what the model is, how it was trained, how well it does and on what."""
    rows = "\n".join(
        f"| {_cell(label)} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} | {c['support']} |"
        for label, c in metrics["classes"].items()
    )
    chosen = "\n".join(f"- {name}: {value}" for name, value in sorted(settings.items()) if value is not None)
    majority = metrics["majority"]
    path.write_text(
        f"""---
library_name: transformers
pipeline_tag: text-classification
tags:
- tokkit
---
# Text classifier

Labels: {", ".join(map(_cell, metrics["classes"]))}. Trained from {base}.

On {metrics["rows"]} validation rows:

| | this model | always "{_cell(majority["label"])}" |
|---|---|---|
| accuracy | {metrics["accuracy"]:.4f} | {majority["accuracy"]:.4f} |
| macro F1 | {metrics["macro_f1"]:.4f} | {majority["macro_f1"]:.4f} |

The best epoch was picked on these rows, so the scores flatter a little; a test split tells the truth.

| label | precision | recall | F1 | rows |
|---|---|---|---|---|
{rows}

Settings:

{chosen}

Use it: `tokkit predict THIS_FOLDER "a text"`, or `AutoModelForSequenceClassification.from_pretrained`.
""",
        encoding="utf-8",
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
