"""The model card: what a model is, how it was trained, how well it does and on what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokkit.model.heads import STOCK
from tokkit.model.heads.saved import BODY


def write(path: Path, metrics: Mapping[str, Any], settings: Mapping[str, Any], base: str) -> None:
    """The card `README.md`: what the model is, how it was trained, how well it does and on what."""
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

{_labels(metrics)}Trained from {base}.

On {metrics["rows"]} validation rows:

| | this model | always "{_cell(majority["label"])}" |
|---|---|---|
{_scores(metrics, majority)}

The best epoch was picked on these rows, so the scores flatter a little; a test split tells the truth.
{_classes(metrics)}
Settings:

{chosen}

Use it: `tokkit predict THIS_FOLDER "a text"`, or {_loaded_by(settings)}.
""",
        encoding="utf-8",
    )


def _labels(metrics: Mapping[str, Any]) -> str:
    classes = metrics.get("classes")
    return f"Labels: {', '.join(map(_cell, classes))}. " if classes else ""


def _scores(metrics: Mapping[str, Any], majority: Mapping[str, Any]) -> str:
    """The scores that both have, a line each."""
    both = [name for name, value in metrics.items() if isinstance(value, float) and name in majority]
    return "\n".join(
        f"| {name.replace('_', ' ').replace('f1', 'F1')} | {metrics[name]:.4f} | {majority[name]:.4f} |"
        for name in both
    )


def _classes(metrics: Mapping[str, Any]) -> str:
    """The table of classes, where there are such."""
    lines = [
        f"| {_cell(label)} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} | {c['support']} |"
        for label, c in metrics.get("classes", {}).items()
    ]
    heads = ["", "| label | precision | recall | F1 | rows |", "|---|---|---|---|---|"]
    return "\n".join([*heads, *lines, ""]) if lines else ""


def _loaded_by(settings: Mapping[str, Any]) -> str:
    """What of transformers loads it; a head of ours none does."""
    if settings["head"] == STOCK:
        return "`AutoModelForSequenceClassification.from_pretrained`"
    return f"`AutoModel.from_pretrained` on its `{BODY}/`, without the head"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
