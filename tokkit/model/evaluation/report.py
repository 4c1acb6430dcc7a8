"""What is told of a model's answers: figures, and a table of every row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.model.inference import softmax

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
