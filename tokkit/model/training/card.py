"""The model card: what a model is, how it was trained, how well it does and on what."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokkit.model.network.heads import STOCK
from tokkit.model.network.saved_heads import BODY
from tokkit.model.tasks.task import Task
from tokkit.views.reports.evaluation import BASELINES, score_name

_HEAD = """library_name: transformers
pipeline_tag: {kind}-classification
tags:
- tokkit"""


def write(path: Path, task: Task, metrics: Mapping[str, Any], settings: Mapping[str, Any], base: str) -> None:
    """The card `README.md`: what the model is, how it was trained, how well it does and on what."""
    chosen = "\n".join(f"- {name}: {value}" for name, value in sorted(settings.items()) if value is not None)
    path.write_text(
        f"""---
{_HEAD.format(kind="text" if task.by_row else "token")}
---
# {task.title}

{_labels(metrics)}Trained from {base}.

On {metrics["rows"]} validation rows:

{_scores(metrics)}

The best epoch was picked on these rows, so the scores flatter a little; a test split tells the truth.
{_classes(metrics)}
Settings:

{chosen}

Use it: `tokkit predict THIS_FOLDER "a text"`, or {_loaded_by(task, settings)}.
""",
        encoding="utf-8",
    )


def write_folds(
    path: Path,
    task: Task,
    folds: int,
    mean: Mapping[str, Any],
    deviation: Mapping[str, Any],
    out_of_fold: Mapping[str, Any],
) -> None:
    """The card of a folder of folds: what stands in it, and how well its models do out of fold."""
    lines = [
        f"| {score_name(name)} | {mean[name]:.4f} ± {deviation[name]:.4f} | {value:.4f} |"
        for name, value in out_of_fold.items()
        if isinstance(value, float) and name in mean
    ]
    table = "\n".join(["| | mean of the folds | all rows, out of fold |", "|---|---|---|", *lines])
    path.write_text(
        f"""---
{_HEAD.format(kind="text" if task.by_row else "token")}
---
# {task.title}, {folds} folds

{_labels(out_of_fold)}Each of `fold-1` to `fold-{folds}` is a model of its own, with a card of its own.

{table}

Each row was answered by the model that had not seen it. Its best epoch was picked on these rows, so the
scores flatter a little; a test split tells the truth.

Use them together, by the mean of their probabilities: `tokkit predict THIS_FOLDER "a text"`; or one alone.
""",
        encoding="utf-8",
    )


def _labels(metrics: Mapping[str, Any]) -> str:
    classes = metrics.get("classes")
    return f"Labels: {', '.join(map(_cell, classes))}. " if classes else ""


def _scores(metrics: Mapping[str, Any]) -> str:
    """The table of scores, beside what costs less."""
    majority = metrics["majority"]
    beside = {f'majority class ("{_cell(majority["label"])}")': majority}
    if baseline := metrics.get("baseline"):
        beside = {BASELINES[baseline["kind"]]: baseline, **beside}
    lines = [
        f"| {score_name(name)} | {metrics[name]:.4f} | "
        + " | ".join(f"{each[name]:.4f}" if name in each else "" for each in beside.values())
        + " |"
        for name, value in metrics.items()
        if isinstance(value, float) and name in majority
    ]
    return "\n".join(
        ["| | this model | " + " | ".join(beside) + " |", "|---|---" + "|---" * len(beside) + "|", *lines]
    )


def _classes(metrics: Mapping[str, Any]) -> str:
    """The table of classes, where there are such."""
    lines = [
        f"| {_cell(label)} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} | {c['support']} |"
        for label, c in metrics.get("classes", {}).items()
    ]
    heads = ["", "| label | precision | recall | F1 | rows |", "|---|---|---|---|---|"]
    return "\n".join([*heads, *lines, ""]) if lines else ""


def _loaded_by(task: Task, settings: Mapping[str, Any]) -> str:
    """What of transformers loads it; a head of ours none does."""
    if settings["head"] == STOCK:
        return f"`{task.auto_class}.from_pretrained`"
    return f"`AutoModel.from_pretrained` on its `{BODY}/`, without the head"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
