"""`predict`: labels and probabilities for texts, in the order they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.data.dataset import Dataset, Rows
from tokkit.data.loading import hub
from tokkit.data.loading.load import DatasetOptions, read_dataset
from tokkit.errors import InputError, UsageError
from tokkit.model.folder import model_folder as folder
from tokkit.model.folder.ensemble import ensemble_probabilities, members
from tokkit.model.folder.receipt import Remembered
from tokkit.model.metrics.thresholds import shifted
from tokkit.model.network.classifier import Classifier
from tokkit.model.network.inference import budget_for, choose_device, predict_logits, use_threads
from tokkit.model.options.evaluate_options import PredictOptions
from tokkit.model.tasks.regression import number_in
from tokkit.options import merged_pair
from tokkit.progress import SILENT, Progress
from tokkit.sources import addresses
from tokkit.sources.paths import STANDARD_INPUT, missing
from tokkit.sources.tables import format_of


@dataclass(frozen=True)
class PredictResult:
    """A dictionary a text: ``{text, label, probabilities, true_label if known}``.

    Of pairs of texts also ``pair``; the model's task may tell more (`Task.predictions`). A row without a text
    keeps its place: its label is None and it has no probabilities.
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
    options: DatasetOptions | None = None,
    inference: PredictOptions | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> PredictResult:
    """What the model says of each text; a path, an address on the web and ``hub:NAME`` are read, ``-`` is
    standard input.

    A folder of folds answers with the mean of its models' probabilities. Probabilities are per cent with two
    decimals, with ``raw`` unrounded shares. Where a file's label column holds the model's labels, each is
    given beside the prediction as ``true_label``. A model of tags takes the tokens of CoNLL files and of
    lists as they stand, and cuts other texts at white space.

    ``settings`` are fields of `PredictOptions` and `DatasetOptions`.

    Raises `InputError` for a model without a trained head, and for files that are missing or cannot be read.
    """
    arguments = [texts] if isinstance(texts, str | Path) else list(texts)
    if not arguments:
        raise UsageError("name texts, files, or - for standard input", hint='tokkit predict model/ "a text"')
    use_threads(threads)
    inference, options = merged_pair(PredictOptions, inference, DatasetOptions, options, settings)
    places = members(model) or [Path(model)]
    classifiers = [folder.load_classifier(place, progress) for place in places]
    _check_alike(model, classifiers)
    first = classifiers[0]
    asked = [row for argument in arguments for row in _rows(argument, first, options, progress)]
    rows = _present(asked)
    first.trained.check(model, rows, progress)
    encoded = first.task.encode(rows, first.tokenizer, first.max_length, threads=threads, progress=progress)
    if encoded.truncated:
        progress.say(f"{encoded.truncated} texts are cut at {first.max_length} tokens")
    device = choose_device(inference.device)
    budget = budget_for(device, inference.tokens_per_batch)
    logits = [predict_logits(each, encoded, device, budget, progress) for each in classifiers]
    if inference.calibrated:
        logits = [Remembered.of(place).calibrated(each) for place, each in zip(places, logits, strict=True)]
    if len(logits) > 1:
        mean = ensemble_probabilities([first.task.shares(each) for each in logits])
        logits = [first.task.logits_of(mean)]
    predictions = first.task.predictions(rows, encoded, logits[0], first.labels, raw)
    if inference.tuned_thresholds:
        moved = shifted(logits[0], first.labels, Remembered.of(model).thresholds)
        decided = first.task.predictions(rows, encoded, moved, first.labels, raw)
        predictions = [
            {**one, "probabilities": plain["probabilities"]}
            for one, plain in zip(decided, predictions, strict=True)
        ]
    told = iter(predictions)
    return PredictResult([row.told(next(told) if row.is_there else None) for row in asked], raw)


@dataclass(frozen=True)
class _Asked:
    """A row as it was asked for; ``pair`` of rows that are pairs, ``tokens`` of rows cut into tokens."""

    text: str | None
    true: str | None = None
    pair: str | None = None
    paired: bool = False
    tokens: list[str] | None = None

    @property
    def is_there(self) -> bool:
        return self.text is not None and (self.pair is not None or not self.paired)

    def told(self, prediction: dict[str, Any] | None) -> dict[str, Any]:
        """The row of the result, in which what is missing keeps its place."""
        paired = {"pair": self.pair} if self.paired else {}
        true = {} if self.true is None else {"true_label": self.true}
        return {"text": self.text, **paired, **(prediction or {"label": None, "probabilities": None}), **true}


def _check_alike(model: str | Path, classifiers: Sequence[Classifier]) -> None:
    if any(each.labels != classifiers[0].labels for each in classifiers):
        raise InputError(f"{model}: its folds do not have the same classes", hint="name one of them")


def _present(asked: Sequence[_Asked]) -> Rows:
    """The rows that have all they need; raises `UsageError` where some are pairs and others are not."""
    there = [(number, row) for number, row in enumerate(asked) if row.is_there]
    paired = {row.paired for _, row in there}
    if len(paired) > 1:
        raise UsageError(
            "single texts beside pairs of texts", hint="ask for the pairs in a call of their own"
        )
    return Rows(
        texts=[row.text or "" for _, row in there],
        labels=[],
        positions=[number for number, _ in there],
        left_out={},
        pairs=[row.pair or "" for _, row in there] if True in paired else [],
        tokens=[row.tokens or [] for _, row in there],
    )


def _rows(
    argument: str | Path, classifier: Classifier, options: DatasetOptions, progress: Progress
) -> list[_Asked]:
    """Every row that an argument stands for."""
    by_token = not classifier.task.by_row
    if argument != STANDARD_INPUT and not _is_path(argument) and not _is_remote(argument):
        if isinstance(argument, Path) or _looks_like_file(argument):
            raise missing(Path(argument))
        return [_Asked(argument, tokens=argument.split() if by_token else None)]
    dataset = read_dataset(argument, options, progress, lists=True)
    return [
        row
        for name in dataset.splits
        for row in _rows_of(dataset, name, argument, classifier, options, progress)
    ]


def _rows_of(
    dataset: Dataset,
    split: str,
    argument: str | Path,
    classifier: Classifier,
    options: DatasetOptions,
    progress: Progress,
) -> list[_Asked]:
    frame = dataset.split(split).frame
    texts = dataset.texts(split).to_list()
    nothing = [None] * len(texts)
    labels = dataset.labels(split).to_list() if dataset.label_column else nothing
    if not _are_known(labels, classifier, options.label_column is not None, argument, progress):
        labels = nothing
    pairs = dataset.pairs(split)
    tokens: Sequence[list[str] | None] = nothing
    if not classifier.task.by_row:
        held = frame[dataset.tokens_column].to_list() if dataset.tokens_column else nothing
        tokens = [
            words if words is not None else text.split() if text is not None else None
            for words, text in zip(held, texts, strict=True)
        ]
    return [
        _Asked(text, true, pair, pairs is not None, words)
        for text, true, pair, words in zip(
            texts, labels, nothing if pairs is None else pairs.to_list(), tokens, strict=True
        )
    ]


def _are_known(
    labels: Sequence[str | None],
    classifier: Classifier,
    asked: bool,
    argument: str | Path,
    progress: Progress,
) -> bool:
    """Whether these are the model's labels; said where they were to be, or some are and some are not."""
    task = classifier.task
    written = {label for label in labels if label is not None}
    if not task.has_classes:
        return all(number_in(label) is not None for label in written)
    names = {name for label in written for name in task.names(label)}
    if names <= set(classifier.labels):
        return True
    if asked or names & set(classifier.labels):
        progress.say(f"{argument}: not all labels in it are the model's; none is shown as true")
    return False


def _is_path(argument: str | Path) -> bool:
    try:
        return argument != "" and Path(argument).exists()
    except (OSError, ValueError):  # a text longer than any path, or with a NUL
        return False


def _is_remote(argument: str | Path) -> bool:
    """Whether one word is an address on the web or names a data set of the hub."""
    if not isinstance(argument, str) or len(argument.split()) != 1:
        return False
    return addresses.is_address(argument) or hub.is_hub(argument)


def _looks_like_file(argument: str) -> bool:
    """Whether one word ends like a file that is read: a slip of the pen, hardly a text to classify."""
    return len(argument.split()) == 1 and len(argument) < 256 and format_of(Path(argument)) is not None
