"""`predict`: labels and probabilities for texts, in the order they came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.data.loading.load import DatasetOptions, load_dataset
from tokkit.errors import UsageError
from tokkit.model import folder
from tokkit.model.classifier import Classifier
from tokkit.model.inference import (
    InferenceOptions,
    budget_for,
    choose_device,
    predict_logits,
    softmax,
    use_threads,
)
from tokkit.options import merged_pair
from tokkit.progress import SILENT, Progress
from tokkit.sources.paths import STANDARD_INPUT, missing
from tokkit.sources.tables import format_of
from tokkit.tokenizer.encoding.encode import encode


@dataclass(frozen=True)
class PredictResult:
    """A dictionary a text: ``{text, label, probabilities, true_label if known}``.

    A row without a text keeps its place: its label is None and it has no probabilities.
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
    inference: InferenceOptions | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> PredictResult:
    """What the model says of each text; an argument that is a path is read, ``-`` is standard input.

    Probabilities are per cent with two decimals, with ``raw`` unrounded shares. Where a file's label
    column holds the model's labels, each is given beside the prediction as ``true_label``.

    ``settings`` are fields of `InferenceOptions` and `DatasetOptions`.

    Raises `InputError` for a model without a trained head, and for files that are missing or cannot be read.
    """
    arguments = [texts] if isinstance(texts, str | Path) else list(texts)
    if not arguments:
        raise UsageError("name texts, files, or - for standard input", hint='tokkit predict model/ "a text"')
    use_threads(threads)
    inference, options = merged_pair(InferenceOptions, inference, DatasetOptions, options, settings)
    classifier = folder.load_classifier(model, progress)
    asked = [row for argument in arguments for row in _rows(argument, classifier, options, progress)]
    present = [text for text, _ in asked if text is not None]
    encoded = encode(present, classifier.tokenizer, classifier.max_length, threads=threads, progress=progress)
    if encoded.truncated:
        progress.say(f"{encoded.truncated} texts are cut at {classifier.max_length} tokens")
    device = choose_device(inference.device)
    budget = budget_for(device, inference.tokens_per_batch)
    logits = predict_logits(classifier, encoded, device, budget, progress)
    shares = iter(softmax(logits).tolist())
    return PredictResult([_prediction(text, true, classifier, shares, raw) for text, true in asked], raw)


def _prediction(
    text: str | None, true: str | None, classifier: Classifier, shares: Any, raw: bool
) -> dict[str, Any]:
    row: dict[str, Any] = {"text": text, "label": None, "probabilities": None}
    if text is not None:
        mine = next(shares)
        row["label"] = classifier.labels[max(range(len(mine)), key=mine.__getitem__)]
        row["probabilities"] = {
            label: share if raw else round(100 * share, 2)
            for label, share in zip(classifier.labels, mine, strict=True)
        }
    if true is not None:
        row["true_label"] = true
    return row


def _rows(
    argument: str | Path, classifier: Classifier, options: DatasetOptions | None, progress: Progress
) -> list[tuple[str | None, str | None]]:
    """Text and true label, where known, of every row an argument stands for."""
    if argument != STANDARD_INPUT and not _is_path(argument):
        if isinstance(argument, Path) or _looks_like_file(argument):
            raise missing(Path(argument))
        return [(argument, None)]
    dataset = load_dataset(argument, options, progress)
    rows: list[tuple[str | None, str | None]] = []
    for name in dataset.splits:
        texts = dataset.texts(name).to_list()
        labels = dataset.labels(name).to_list() if dataset.label_column else [None] * len(texts)
        known = {label for label in labels if label is not None}
        if not known <= set(classifier.labels):
            asked = options is not None and options.label_column is not None
            if asked or known & set(classifier.labels):
                progress.say(f"{argument}: not all labels in it are the model's; none is shown as true")
            labels = [None] * len(texts)
        rows += zip(texts, labels, strict=True)
    return rows


def _is_path(argument: str | Path) -> bool:
    try:
        return argument != "" and Path(argument).exists()
    except (OSError, ValueError):  # a text longer than any path, or with a NUL
        return False


def _looks_like_file(argument: str) -> bool:
    """Whether one word ends like a file that is read: a slip of the pen, hardly a text to classify."""
    return len(argument.split()) == 1 and len(argument) < 256 and format_of(Path(argument)) is not None
