"""`predict`: labels and probabilities of texts, in the order of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokkit.data.dataset import Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.loading.read import is_hub
from tokkit.errors import InputError, UsageError
from tokkit.model.folder.model_folder import SavedModel
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.metrics.calibration import shifted
from tokkit.model.network.classifier import Classifier, use_threads
from tokkit.model.options.inference_options import PredictOptions
from tokkit.model.tasks.regression import number_in
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.sources import addresses
from tokkit.sources.formats import format_of
from tokkit.sources.paths import STANDARD_INPUT, is_path, missing


@dataclass(frozen=True)
class PredictResult:
    """A dictionary per text: ``{text, label, probabilities, true_label if known}``.

    Pairs of texts also have ``pair``, and a task may add keys of its own (`Task.predictions`). A row without
    a text stays in its position: its label and its probabilities are None.
    """

    predictions: list[dict[str, Any]]
    raw: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"unit": "share" if self.raw else "per cent", "predictions": self.predictions}


def predict(
    model: str | Path,
    texts: str | Path | Sequence[str | Path],
    *,
    raw: bool = False,
    options: PredictOptions | None = None,
    read_options: DatasetOptions | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> PredictResult:
    """Predictions of a model for texts; paths, web addresses, ``hub:NAME`` and ``-`` are read as data sets.

    A folder of folds predicts with the mean of its models' probabilities. Probabilities are per cent with two
    decimals, with ``raw`` unrounded shares. Where a file's label column has the model's labels, each row also
    gets its ``true_label``. A model of tags uses the tokens of CoNLL files and of list columns, and splits
    other texts at white space.

    ``settings`` are fields of `PredictOptions` and `DatasetOptions`.

    Raises `InputError` for a model without a trained head, and for files that are missing or cannot be read.
    """
    arguments = [texts] if isinstance(texts, str | Path) else list(texts)
    if not arguments:
        raise UsageError("name texts, files, or - for standard input", hint='tokkit predict model/ "a text"')
    use_threads(threads)
    options, read_options = apply_to_both(PredictOptions, options, DatasetOptions, read_options, settings)
    receipt = ModelReceipt.read(model)
    members = [SavedModel.load(member, progress) for member in receipt.models()]
    classifier = members[0].classifier
    task, labels = classifier.task, classifier.labels
    if any(member.classifier.labels != labels for member in members):
        raise InputError(f"{model}: its folds do not have the same classes", hint="name one of them")
    inputs = [row for argument in arguments for row in _read(argument, classifier, read_options, progress)]
    rows = _complete(inputs)
    encoded = members[0].encode(rows, threads, progress)
    member_logits = [member.logits(encoded, options, progress) for member in members]
    if options.calibrated:
        for logits, member in zip(member_logits, members, strict=True):
            logits /= np.float32(member.receipt.temperature)
    logits = member_logits[0] if len(members) == 1 else task.ensemble(member_logits)
    predictions = task.predictions(rows, encoded, logits, labels, raw)
    if options.tuned_thresholds:
        # Shifted logits decide as the thresholds do, but their probabilities mean nothing.
        decided = shifted(logits, labels, receipt.thresholds)
        by_threshold = task.predictions(rows, encoded, decided, labels, raw)
        for prediction, plain in zip(by_threshold, predictions, strict=True):
            prediction["probabilities"] = plain["probabilities"]
        predictions = by_threshold
    # Rows without a text or pair stay in their position, without a prediction.
    remaining = iter(predictions)
    return PredictResult([row.result(next(remaining) if row.complete else None) for row in inputs], raw)


@dataclass(frozen=True)
class _InputRow:
    """A row of the input; ``pair`` where rows are pairs, ``tokens`` where the model gives tags."""

    text: str | None
    true_label: str | None = None
    pair: str | None = None
    paired: bool = False
    tokens: list[str] | None = None

    @property
    def complete(self) -> bool:
        return self.text is not None and (self.pair is not None or not self.paired)

    def result(self, prediction: dict[str, Any] | None) -> dict[str, Any]:
        """The row of the result; an incomplete row has no prediction."""
        pair = {"pair": self.pair} if self.paired else {}
        true = {} if self.true_label is None else {"true_label": self.true_label}
        return {"text": self.text, **pair, **(prediction or {"label": None, "probabilities": None}), **true}


def _complete(inputs: Sequence[_InputRow]) -> Rows:
    """The rows that can be predicted; raises `UsageError` where some are pairs and others single texts."""
    complete = [(position, row) for position, row in enumerate(inputs) if row.complete]
    paired = {row.paired for _, row in complete}
    if len(paired) > 1:
        raise UsageError("single texts and pairs of texts in one call", hint="predict the pairs separately")
    return Rows(
        texts=[row.text or "" for _, row in complete],
        labels=[],
        positions=[position for position, _ in complete],
        left_out={},
        pairs=[row.pair or "" for _, row in complete] if True in paired else [],
        tokens=[row.tokens or [] for _, row in complete],
    )


def _read(
    argument: str | Path, classifier: Classifier, read_options: DatasetOptions, progress: Progress
) -> Iterator[_InputRow]:
    """The rows of one argument: of a data set it names, else the argument itself as one text."""
    by_row = classifier.task.by_row
    if not _is_source(argument):
        yield _InputRow(str(argument), tokens=None if by_row else str(argument).split())
        return
    dataset = read_dataset(argument, read_options, progress)
    for name, split in dataset.splits.items():
        texts, pairs = dataset.texts(name).to_list(), dataset.pairs(name)
        unknown: list[Any] = [None] * len(texts)
        labels = dataset.labels(name).to_list() if dataset.label_column else unknown
        if not _are_known(labels, classifier, read_options.label_column is not None, argument, progress):
            labels = unknown
        second = unknown if pairs is None else pairs.to_list()
        column = None if by_row else dataset.tokens_column
        tokens = split.frame[column].to_list() if column else unknown
        for text, label, pair, words in zip(texts, labels, second, tokens, strict=True):
            # Tokens of CoNLL files or lists are taken as they are; texts are split at white space.
            if not by_row and words is None and text is not None:
                words = text.split()
            yield _InputRow(text, label, pair, paired=pairs is not None, tokens=words)


def _is_source(argument: str | Path) -> bool:
    """Whether an argument names rows to read; raises `InputError` for the name of a missing file."""
    single = isinstance(argument, Path) or len(argument.split()) == 1
    if argument == STANDARD_INPUT or (argument != "" and is_path(Path(argument))):
        return True
    if isinstance(argument, str) and single and (addresses.is_address(argument) or is_hub(argument)):
        return True
    # One word with the ending of a data file is a mistyped path rather than a text to classify.
    if isinstance(argument, Path) or (single and len(argument) < 256 and format_of(Path(argument))):
        raise missing(Path(argument))
    return False


def _are_known(
    labels: Sequence[str | None],
    classifier: Classifier,
    named: bool,
    argument: str | Path,
    progress: Progress,
) -> bool:
    """Whether the model knows these labels; a warning where it knows some, or the column was ``named``."""
    task = classifier.task
    written = {label for label in labels if label is not None}
    # Of a regression every number is a true value, whatever the model has seen.
    if not task.has_classes:
        return all(number_in(label) is not None for label in written)
    names = {name for label in written for name in task.names(label)}
    if names <= set(classifier.labels):
        return True
    if named or names & set(classifier.labels):
        progress.say(f"{argument}: some labels are unknown to the model, so no true labels are given")
    return False
