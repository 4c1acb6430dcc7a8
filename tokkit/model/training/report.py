"""The files of a model folder that report on its training: scores, history, predictions, the model card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tokkit.errors import counted
from tokkit.model.folder import model_folder
from tokkit.model.folder.predictions import prediction_table, write_json
from tokkit.model.network import losses
from tokkit.model.network.batches import part_of
from tokkit.model.network.heads import STOCK
from tokkit.model.network.saved_heads import BODY, WEIGHTS
from tokkit.model.tasks.task import Task
from tokkit.model.training.evaluations import write_history
from tokkit.model.training.session import TrainingResult
from tokkit.model.training.setup import TrainingSetup
from tokkit.progress import Progress
from tokkit.views import plots
from tokkit.views.names import score_name
from tokkit.views.reports.evaluation import baseline_columns, predicts_only
from tokkit.views.text import in_markdown

_VERIFIED_ROWS = 8

_FRONT_MATTER = """---
library_name: {library}
pipeline_tag: {kind}-classification
tags:
- tokkit
---
# {title}

"""


def write(
    folder: Path,
    setup: TrainingSetup,
    result: TrainingResult,
    scores: Mapping[str, Any],
    settings: Mapping[str, Any],
    base: str,
    progress: Progress,
) -> None:
    """Verify the model in ``folder`` and write its scores, history, predictions and card.

    scores     of the best evaluation, with those of the baseline
    settings   that the card lists
    base       what was trained
    """
    classifier, validation, best = setup.classifier, setup.validation, result.best
    baseline, metric = scores.get("baseline"), classifier.task.metric
    if baseline and scores[metric] < baseline[metric]:
        progress.say(
            f"{score_name(metric)} {scores[metric]:.4f} is below the baseline's {baseline[metric]:.4f}: "
            "more --epochs or a higher --lr may help"
        )
    for only in predicts_only(scores):
        progress.say(f"the model {only}: more --epochs or a higher --lr may help")
    # What was written is loaded again and must predict a few rows as the model in memory did.
    rows = np.arange(min(_VERIFIED_ROWS, len(validation.encoded)))
    sample = part_of(validation.encoded, rows)
    predicted = len(rows) if classifier.task.by_row else len(sample.ids)
    model_folder.verify(folder, sample, best.logits[:predicted])
    write_json(folder / "metrics.json", scores)
    write_history(folder / "history.csv", result.history)
    loss = losses.name(classifier.task, setup.options)
    (folder / "curves.png").write_bytes(
        plots.curves(
            [result.history],
            "png",
            loss,
            best=[result.history[best.index]["epoch"]],
            metric=score_name(setup.options.metric or metric),
        )
    )
    table = prediction_table(
        classifier.task, validation.rows, classifier.labels, best.logits, validation.targets
    )
    table.write_parquet(folder / "predictions.parquet")
    write_card(folder / "README.md", classifier.task, scores, settings, base)
    if model_folder.other_ids(folder, classifier):
        progress.say(
            "AutoTokenizer gives other ids than this tokenizer.json, which tokkit uses: its tokenizer_class "
            "rebuilds it; PreTrainedTokenizerFast would not"
        )


def write_card(
    path: Path, task: Task, metrics: Mapping[str, Any], settings: Mapping[str, Any], base: str
) -> None:
    """Write the model card: what the model is, how it was trained, how well it does on which rows."""
    chosen = "\n".join(
        f"- {name}: {in_markdown(value)}" for name, value in sorted(settings.items()) if value is not None
    )
    path.write_text(
        _front_matter(task, task.title, settings["head"])
        + f"""{_labels(metrics)}Trained from {in_markdown(base)}.

On {counted(metrics["rows"], "validation row")}:

{_scores(metrics)}

The best epoch was picked on these rows, so the scores are a little optimistic; a test split gives true ones.
{_classes(metrics)}
Settings:

{chosen}

Use it: `tokkit predict THIS_FOLDER "a text"`, or {_loader(task, settings)}.
""",
        encoding="utf-8",
    )


def write_folds_card(path: Path, task: Task, metrics: Mapping[str, Any], head: str) -> None:
    """Write the card of a folder of folds: its models, and how well they do out of fold.

    metrics  content of the folder's `metrics.json`
    """
    folds, mean, deviation = len(metrics["folds"]), metrics["mean"], metrics["deviation"]
    out_of_fold = metrics["out_of_fold"]
    lines = [
        f"| {score_name(name)} | {mean[name]:.4f} ± {deviation[name]:.4f} | {value:.4f} |"
        for name, value in out_of_fold.items()
        if isinstance(value, float) and name in mean
    ]
    table = "\n".join(["| | mean of the folds | all rows, out of fold |", "|---|---|---|", *lines])
    path.write_text(
        _front_matter(task, f"{task.title}, {counted(folds, 'fold')}", head)
        + _labels(out_of_fold)
        + f"""Each of `fold-1` to `fold-{folds}` is a model of its own, with its own card.

{table}

Each row was predicted by the model that was not trained on it. The best epoch of each model was picked on
these rows, so the scores are a little optimistic; a test split gives true ones.

Use them together, by the mean of their probabilities: `tokkit predict THIS_FOLDER "a text"`; or one alone.
""",
        encoding="utf-8",
    )


def _front_matter(task: Task, title: str, head: str) -> str:
    # The hub shows code that loads a model with its library.
    library = "transformers" if head == STOCK else "tokkit"
    return _FRONT_MATTER.format(kind="text" if task.by_row else "token", title=title, library=library)


def _labels(metrics: Mapping[str, Any]) -> str:
    classes = metrics.get("classes")
    return f"Labels: {', '.join(map(in_markdown, classes))}. " if classes else ""


def _scores(metrics: Mapping[str, Any]) -> str:
    """The table of scores, next to the baseline and the majority class."""
    majority = metrics["majority"]
    references = {
        **baseline_columns(metrics.get("baseline", {})),
        f'majority class ("{in_markdown(majority["label"])}")': majority,
    }
    lines = [
        f"| {score_name(name)} | {metrics[name]:.4f} | "
        + " | ".join(f"{scores[name]:.4f}" if name in scores else "" for scores in references.values())
        + " |"
        for name, value in metrics.items()
        if isinstance(value, float) and name in majority
    ]
    heads = ["| | this model | " + " | ".join(references) + " |", "|---|---" + "|---" * len(references) + "|"]
    return "\n".join([*heads, *lines])


def _classes(metrics: Mapping[str, Any]) -> str:
    """The table of classes; empty for a task without them."""
    lines = [
        f"| {in_markdown(label)} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} "
        f"| {c['support']} |"
        for label, c in metrics.get("classes", {}).items()
    ]
    heads = ["", "| label | precision | recall | F1 | rows |", "|---|---|---|---|---|"]
    return "\n".join([*heads, *lines, ""]) if lines else ""


def _loader(task: Task, settings: Mapping[str, Any]) -> str:
    """What of transformers loads the model; where the head is one of ours, what of tokkit does."""
    if settings["head"] == STOCK:
        return f"`{task.auto_class}.from_pretrained`"
    return (
        'in Python `tokkit.predict("THIS_FOLDER", ["a text"])`. '
        f'transformers has no head "{settings["head"]}": '
        f"its `AutoModel.from_pretrained` loads the `{BODY}/` alone, without the head in `{WEIGHTS}`"
    )
