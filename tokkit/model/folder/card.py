"""The card of a model folder, from its receipt, `metrics.json` and the scores of a test, where there are any.

Nothing of the receipt's ``run`` is used: the card is the same wherever and whenever the folder is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError, UsageError
from tokkit.files import Fields
from tokkit.model.folder.receipt import METRICS
from tokkit.model.metrics.count_intervals import class_intervals, overall_intervals
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import TASKS
from tokkit.options import apply_to_both
from tokkit.views.cards.commands import command_line
from tokkit.views.cards.markdown import Card
from tokkit.views.cards.model_card import ModelRecord, Scores, model_card
from tokkit.views.cards.sections import Origin

# The head that transformers has a class for.
STOCK = FinetuneOptions.head
# Scores on other rows, which `card --evaluation` copies from a folder of `evaluate`.
TEST_SCORES = "evaluation.json"
HUB = "hub:"

_AGAIN = "copy the whole folder again; the command finetune wrote all of it"
PICTURES = {
    "folds.png": "Scores of the folds",
    "curves.png": "Loss and score by epoch",
    "confusion.png": "Confusion matrix",
    "reliability.png": "Reliability: accuracy by confidence",
}
# A score that only one task has -> the task.
_TASK_OF = {"scheme": "tags", "pearson": "regression", "mean_average_precision": "multi-label"}


def write_card(folder: Path) -> None:
    """Write the card of a folder that has all its other files."""
    (folder / files.CARD).write_text(build_card(folder).text, encoding="utf-8")


def build_card(folder: Path) -> Card:
    """The card of a folder that `finetune` wrote.

    Raises `InputError` where its receipt or `metrics.json` is missing or damaged, and for compared settings,
    which are no model.
    """
    receipt = files.receipt_fields(folder, _AGAIN)
    if (command := receipt.text("command")) != "finetune":
        raise InputError(f"{folder}: was written by tokkit {command}, and is no model that finetune wrote")
    try:
        return model_card(_record(folder, receipt))
    # `Fields` checks what is read by name; tables of scores are read as a whole.
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{folder / METRICS}: its scores are damaged ({type(error).__name__}: {error})", hint=_AGAIN
        ) from error


def _record(folder: Path, receipt: Fields) -> ModelRecord:
    result = receipt.fields("result")
    settings = result.fields("settings")
    if "compare" in settings.content:
        raise InputError(
            f"{folder}: compares settings, and is no model",
            hint=f"name the folder of one, if its models were kept: {folder / 'combination-1'}",
        )
    scores = Fields.of_file(folder / METRICS, _AGAIN)
    folds = len(result.list_of("folds", dict, "a list of results, one per fold", default=[]))
    held_out = scores.fields("out_of_fold") if folds else scores
    sources = result.fields("sources", default=Fields(receipt.path, {}, _AGAIN))
    named = {name: sources.text(name, default=None) for name in ("dataset", "model")}
    inputs = result.objects("inputs", "a list of files, each with its sha256", default=())
    task = TASKS[next((task for key, task in _TASK_OF.items() if key in held_out.content), "single-label")]
    head = settings.text("head", default=STOCK)
    size = settings.text("size", default="tiny")
    model = named["model"]
    return ModelRecord(
        title=task.title,
        by_token=not task.by_row,
        stock=task.auto_class if head == STOCK else None,
        head=head,
        base=f"a new encoder of size {size}" if model is None else model.removeprefix(HUB),
        base_model=_hub_name(model),
        origin=Origin(
            command=_command(folder, sources.content, settings.content),
            inputs=[(item.text("name"), item.integer("bytes", default=0)) for item in inputs],
            settings=_of_training(settings.content),
            versions=_plain(result, "versions"),
        ),
        validation=validation_scores(held_out, inputs, named["dataset"]),
        datasets=list(hub_datasets(inputs)),
        rows=_plain(result, "rows"),
        class_rows=_plain(result, "class_rows"),
        left_out={} if folds else _plain(result, "left_out"),
        folds=folds,
        mean=_plain(scores, "mean"),
        deviation=_plain(scores, "deviation"),
        test=_test_scores(folder),
        pictures={name: title for name, title in PICTURES.items() if (folder / name).exists()},
        max_length=settings.integer("max_length", default=None),
        labels=list(held_out.content.get("classes", {})),
    )


def hub_datasets(inputs: Sequence[Fields]) -> dict[str, str | None]:
    """The data sets of the hub among the inputs of a receipt -> their commits."""
    return {
        item.text("hub").removeprefix("datasets/"): item.text("revision", default=None)
        for item in inputs
        if item.text("hub", default="").startswith("datasets/")
    }


def validation_scores(metrics: Fields, inputs: Sequence[Fields], dataset: str | None) -> Scores:
    """The scores of the training, with intervals.

    inputs    of the receipt
    dataset   the data set as it was named; None where the receipt does not say
    """
    metrics.integer("rows")
    of_hub = hub_datasets(inputs)
    return Scores(
        name=next(iter(of_hub), None) or _data_name(dataset, inputs),
        split="validation",
        metrics=metrics.content,
        intervals=overall_intervals(metrics.content),
        classes=class_intervals(metrics.content.get("classes", {})),
        hub=next(iter(of_hub), None),
        revision=next(iter(of_hub.values()), None),
    )


def _test_scores(folder: Path) -> Scores | None:
    path = folder / TEST_SCORES
    if not path.exists():
        return None
    test = Fields.of_file(path, "write it again (the command card, with --evaluation)")
    metrics = test.fields("metrics").content
    return Scores(
        name=test.text("name"),
        split=test.text("split"),
        metrics=metrics,
        intervals=metrics.get("intervals", {}),
        classes=class_intervals(metrics.get("classes", {})),
        hub=test.text("hub", default=None),
        revision=test.text("revision", default=None),
    )


def _plain(content: Fields, name: str) -> Mapping[str, Any]:
    values: Fields | None = content.fields(name, default=None)
    return {} if values is None else values.content


def _of_training(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that say how it was trained, and not how its data were read."""
    names = {item.name for item in fields(FinetuneOptions)}
    return {name: value for name, value in settings.items() if name in names}


def _command(folder: Path, sources: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    """The command that trains it again; None where the receipt does not name what was read."""
    known = {item.name for group in (FinetuneOptions, DatasetOptions) for item in fields(group)}
    given = {name: value for name, value in settings.items() if name in known and name != "resume"}
    # Of a file of weights the receipt has the name alone, which need not be here.
    if "." in (weights := str(given.get("class_weights"))) and "=" not in weights:
        sources = {**sources, "class_weights": given.pop("class_weights")}
    try:
        options = apply_to_both(FinetuneOptions, None, DatasetOptions, None, given)
    except UsageError as error:
        raise InputError(f"{folder / files.RECEIPT}: {error.message}", hint=_AGAIN) from error
    if sources.get("dataset") is None:
        return None
    return command_line("finetune", sources, ["dataset"], options, "model")


def _hub_name(name: str | None) -> str | None:
    """The repository of a name on the hub: ``hub:OWNER/NAME@REVISION`` -> ``OWNER/NAME``."""
    if name is None or not name.startswith(HUB):
        return None
    return name.removeprefix(HUB).partition("@")[0]


def _data_name(dataset: str | None, inputs: Sequence[Fields]) -> str:
    """What the data set is called: its name without suffixes, or that of its first file."""
    files_read = (item.text("name") for item in inputs if "files" not in item.content)
    name = dataset or next(files_read, "data")
    return name.removeprefix(HUB).partition(".")[0] or "data"
