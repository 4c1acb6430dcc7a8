"""The model folder: what `AutoModelForSequenceClassification` loads, its tokenizer, figures and a card.

config.json, model.safetensors        the classifier
tokenizer.json, tokenizer_config.json the tokenizer, copied as it was
metrics.json, history.csv, curves.png, predictions.parquet, README.md
tokkit.json                           the receipt
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, TokkitError
from tokkit.model.classifier import LOADING, Classifier, checkpoint_path, loading, quiet
from tokkit.model.inference import softmax
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.load import load as load_tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tokkit.model.encoding import Encoded

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
)
_CLOSE = 1e-3


def write_classifier(folder: Path, classifier: Classifier) -> None:
    """Writes configuration, weights and the tokenizer's files; what stood there is replaced."""
    with quiet():
        classifier.model.save_pretrained(str(folder))
    for name in (*_TOKENIZER_FILES, "merges.txt"):
        source = classifier.tokenizer.folder / name
        if source.exists():
            shutil.copyfile(source, folder / name)


def load_classifier(name: str | Path, progress: Progress = SILENT) -> Classifier:
    """A classifier as it was saved, in evaluation mode, with its tokenizer.

    Raises `InputError` for a folder that is none and for a checkpoint whose classification head is
    missing: its answers would be drawn at random.
    """
    from transformers import AutoModelForSequenceClassification

    where = checkpoint_path(name, progress)
    tokenizer = load_tokenizer(where, progress)
    with loading(name):
        model, info = AutoModelForSequenceClassification.from_pretrained(
            where, **LOADING, output_loading_info=True
        )
    new = sorted(info.get("missing_keys", ()))
    if new:
        raise InputError(
            f"{name}: has no trained classification head ({', '.join(new[:2])}): its answers would be random",
            hint=f"tokkit finetune DATASET --model {name} -o model/ trains one",
        )
    labels = tuple(str(model.config.id2label[i]) for i in range(model.config.num_labels))
    return Classifier.of(model.eval(), tokenizer, labels)


def verify(folder: Path, encoded: Encoded, expected: NDArray[np.float32]) -> None:
    """Loads what was written and compares its logits of a few rows, (rows, classes), with those expected."""
    import numpy as np
    import torch

    from tokkit.model.inference import predict_logits

    logits = predict_logits(load_classifier(folder), encoded, torch.device("cpu"), budget=1024)
    if not np.allclose(logits, expected, atol=_CLOSE):
        raise TokkitError(f"{folder}: the model written does not answer as the one trained: a bug")


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
