"""The model card: what a model is, how it was trained, how well it does and on what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write(path: Path, metrics: Mapping[str, Any], settings: Mapping[str, Any], base: str) -> None:
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
