"""The rows that an exported model is checked on: those held out in training, or those of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import TEST, VALIDATION, Dataset, Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, counted
from tokkit.model.folder.held_out import read_predictions
from tokkit.model.folder.receipt import PREDICTIONS, ModelReceipt
from tokkit.model.network.classifier import Classifier
from tokkit.model.options.export_options import STATIC, ExportOptions
from tokkit.progress import Progress


@dataclass(frozen=True)
class SampleRows:
    """checked      rows to compare predictions on; labels empty where they are not the model's
    calibration  rows that ranges are measured on; none of them is checked
    source       where they are from
    files        of a data set that was named
    """

    checked: Rows
    calibration: Rows
    source: str
    files: Sequence[Path] = ()


def sample_rows(
    receipt: ModelReceipt,
    classifier: Classifier,
    on: str | Path | None,
    options: ExportOptions,
    read_options: DatasetOptions,
    progress: Progress,
) -> SampleRows:
    """Rows spread evenly over the source, at most as many as the options say.

    Raises `InputError` where there are none, and where calibration would leave none to check.
    """
    if on is not None:
        dataset = read_dataset(on, read_options, progress, trained=receipt.columns)
        split = next(
            (name for name in (TEST, VALIDATION) if name in dataset.splits), next(iter(dataset.splits))
        )
        rows, source, named = (
            _of_dataset(dataset, split, classifier),
            dataset.split(split).where,
            dataset.files,
        )
    else:
        rows, source = _held_out(receipt, classifier), f"the rows held out in training ({PREDICTIONS})"
        named = []
    needed = options.calibration_rows + 1 if options.int8 == STATIC else 1
    if len(rows.texts) < needed:
        count = counted(len(rows.texts), "row")
        raise InputError(
            f"{source}: {count} to check the exported model on, but at least {needed} are needed",
            hint="name more labeled rows (--on), or calibrate on fewer (--calibration-rows)",
        )
    every = np.array(rows.positions)
    calibration = _evenly(every, options.calibration_rows) if options.int8 == STATIC else every[:0]
    checked = _evenly(np.setdiff1d(every, calibration), options.rows)
    return SampleRows(rows.only(checked.tolist()), rows.only(calibration.tolist()), source, named)


def _of_dataset(dataset: Dataset, split: str, classifier: Classifier) -> Rows:
    rows, task = dataset.complete(split), classifier.task
    if not task.by_row and not rows.tokens:
        raise InputError(
            f"{dataset.source}: has no tokens, which a {task.name} model is checked on",
            hint="name rows with tags (--on)",
        )
    known = set(classifier.labels)
    if task.has_classes and not {name for label in set(rows.labels) for name in task.names(label)} <= known:
        return Rows(rows.texts, [], rows.positions, {}, pairs=rows.pairs, tokens=rows.tokens)
    return rows


def _held_out(receipt: ModelReceipt, classifier: Classifier) -> Rows:
    """The rows of `predictions.parquet`; of tags those whose tokens its texts give back."""
    path = receipt.folder / PREDICTIONS
    on = "name labeled rows (--on)"
    if not path.is_file():
        raise InputError(
            f"{receipt.folder}: has no rows held out in training to check the export on", hint=on
        )
    table = read_predictions(path, ["text", "label"])
    texts, labels = table["text"].to_list(), table["label"].to_list()
    pairs = table["pair"].to_list() if "pair" in table.columns else []
    tokens = [] if classifier.task.by_row else [text.split() for text in texts]
    complete = [
        row
        for row, text in enumerate(texts)
        # A model trained on ids has no texts; a token with a space in it cannot be told from two.
        if text and (not tokens or len(tokens[row]) == len(classifier.task.names(labels[row])))
    ]
    if not complete:
        raise InputError(f"{path}: holds no texts to check the export on", hint=on)
    rows = Rows(texts, labels, list(range(len(texts))), {}, pairs=pairs, tokens=tokens)
    return rows.only(complete)


def _evenly(numbers: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most that many of the numbers, spread evenly."""
    return numbers[np.unique(np.linspace(0, len(numbers) - 1, min(most, len(numbers))).astype(np.int64))]
