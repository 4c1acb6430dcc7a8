"""From a model and labeled rows to logits, decisions and scores; of folds, also those of their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.errors import InputError, UsageError, counted
from tokkit.model.backends.load_model import load_model
from tokkit.model.folder.held_out import out_of_fold_predictions
from tokkit.model.folder.loaded_model import encode_rows
from tokkit.model.folder.receipt import PERCENT, ModelReceipt
from tokkit.model.metrics import calibration
from tokkit.model.metrics.classification import Decisions
from tokkit.model.options.inference_options import EvaluateOptions
from tokkit.model.tasks.task import Task
from tokkit.progress import Progress

# What predicted: a model, one of folds, the mean of folds, or for each row the fold that held it out.
MODEL, FOLD, ENSEMBLE, OUT_OF_FOLD = "model", "fold", "ensemble", "out-of-fold"

# Scores that decision thresholds do not change.
_OF_PROBABILITIES = ("loss", "calibration", "thresholds")


@dataclass(frozen=True)
class ScoredModel:
    """Everything that follows from one model's logits for the rows.

    logits   (rows, classes), of tags (tokens, classes); already divided by the temperature, if one applies
    decided  the same, shifted so that their plain decision is that of the thresholds, if some apply
    targets  the true labels, as the task encodes them
    lengths  (rows,) tokens of each row
    folds    (rows,) the fold each row was held out in, where that applies
    scores   as the task computes them
    temperature  the one applied, and the loss and ECE without it
    """

    name: str
    kind: str
    task: Task
    labels: tuple[str, ...]
    logits: NDArray[np.float32]
    decided: NDArray[np.float32]
    targets: Any
    lengths: NDArray[np.int64]
    folds: NDArray[np.int64] | None = None
    scores: dict[str, Any] = field(default_factory=dict)
    temperature: dict[str, Any] = field(default_factory=dict)

    @property
    def losses(self) -> NDArray[np.float64]:
        """(rows,) the loss of each row."""
        return self.task.row_losses(self.logits, self.targets)

    @property
    def decisions(self) -> Decisions | None:
        """The decision for each row, where the task decides between classes."""
        return self.task.decisions(self.decided, self.targets)

    @property
    def exclusive(self) -> bool:
        """Whether each row has exactly one class."""
        return self.decisions is not None and bool(self.targets.values.ndim == 1)


@dataclass(frozen=True)
class Scorer:
    """Scores models on the same rows, with the same options.

    source   where the rows are from, for messages
    """

    rows: Rows
    source: str
    options: EvaluateOptions
    threads: int | None
    progress: Progress

    def score(self, name: str, receipt: ModelReceipt) -> list[ScoredModel]:
        """A model; of a folder of folds each of its models, and their mean under the folder's name.

        Raises `InputError` for a label that a model does not know.
        """
        if not receipt.folds:
            return [self._score(name, receipt, MODEL)]
        members = [
            self._score(str(Path(name) / member.folder.name), member, FOLD) for member in receipt.models()
        ]
        return [*members, score_ensemble(name, receipt, members, self.options)]

    def _score(self, name: str, receipt: ModelReceipt, kind: str) -> ScoredModel:
        saved = load_model(receipt, self.options, self.threads, self.progress)
        task, labels = saved.classifier.task, saved.classifier.labels
        encoded = encode_rows(saved, self.rows, self.threads, self.progress)
        targets = task.targets(self.rows, labels, self.source, encoded)
        logits = saved.logits(encoded, self.options, self.progress)
        model = ScoredModel(name, kind, task, labels, logits, logits, targets, encoded.lengths)
        if self.options.calibrated:
            model = _calibrated(model, receipt.temperature)
        return _with_scores(model, receipt, self.options)


def score_ensemble(
    name: str, receipt: ModelReceipt, members: Sequence[ScoredModel], options: EvaluateOptions
) -> ScoredModel:
    """The mean of the members' probabilities, as the predictions of one model.

    Raises `InputError` where they do not have the same classes in the same order.
    """
    first = members[0]
    for other in members[1:]:
        if other.labels != first.labels:
            names = Path(other.name).name, Path(first.name).name
            raise InputError(f"{name}: {names[0]} has other classes than {names[1]}")
    logits = first.task.ensemble([member.logits for member in members])
    # The members are divided by their own temperatures already; the mean has none.
    mean = replace(first, name=name, kind=ENSEMBLE, logits=logits, decided=logits, temperature={})
    return _with_scores(mean, receipt, options)


def score_out_of_fold(
    name: str, receipt: ModelReceipt, options: EvaluateOptions, threads: int | None, progress: Progress
) -> tuple[Rows, ScoredModel]:
    """The rows of a folder of folds and the predictions saved for them, each by the fold that held it out.

    Raises `InputError` where the predictions are missing or have other classes than the models.
    """
    if options.calibrated or options.tuned_thresholds:
        flag = "--calibrated" if options.calibrated else "--tuned-thresholds"
        raise UsageError(
            f"{flag}: its values were fitted on the out-of-fold rows, which therefore cannot score them",
            hint="name a data set after it, with rows that no fold was trained on",
        )
    saved = load_model(receipt.models()[0], options, threads, progress)
    task, labels = saved.classifier.task, saved.classifier.labels
    if not (task.by_row and task.has_classes):
        raise InputError(f"{name}: out-of-fold predictions of {task.name} have no probabilities to read back")
    table = out_of_fold_predictions(Path(name), labels)
    rows = Rows(
        texts=table["text"].to_list(),
        labels=table["label"].to_list(),
        positions=list(range(len(table))),
        left_out={},
        pairs=table["pair"].to_list() if "pair" in table.columns else [],
        ids=table["id"].to_list(),
    )
    encoded = encode_rows(saved, rows, threads, progress)
    targets = task.targets(rows, labels, name, encoded)
    # Saved as probabilities in per cent: logits that give these back, whatever the model's were.
    logits = task.logits_from(table.select(f"{PERCENT}{label}" for label in labels).to_numpy() / 100)
    folds = table["fold"].to_numpy() if "fold" in table.columns else None
    model = ScoredModel(name, OUT_OF_FOLD, task, labels, logits, logits, targets, encoded.lengths, folds)
    progress.say(f"{name}: evaluating its {counted(len(rows.texts), 'out-of-fold prediction', style=',')}")
    return rows, _with_scores(model, receipt, options)


def _calibrated(model: ScoredModel, temperature: float) -> ScoredModel:
    """The logits divided by the temperature; the loss and ECE without it stay for comparison."""
    # All scores once more, for two of them: calibrating is rare, and a task has one way to score.
    before = model.task.scores(model.logits, model.targets, model.labels)
    logits = model.logits / np.float32(temperature)
    applied = {
        "applied": temperature,
        "loss_before": before["loss"],
        "ece_before": before.get("calibration", {}).get("ece"),
    }
    return replace(model, logits=logits, decided=logits, temperature=applied)


def _with_scores(model: ScoredModel, receipt: ModelReceipt, options: EvaluateOptions) -> ScoredModel:
    """With its scores, and where they are requested with the decisions by the thresholds of its training."""
    task, labels = model.task, model.labels
    scores = {"kind": model.kind, **task.scores(model.logits, model.targets, labels)}
    held_out = dict.fromkeys((options.metric or task.metric, "accuracy", "loss"))
    scores["validation"] = receipt.held_out_scores(held_out)
    if not options.tuned_thresholds:
        return replace(model, scores=scores)
    decided = calibration.shifted(model.logits, labels, receipt.thresholds)
    scores.pop("predicts_only", None)
    by_threshold = task.scores(decided, model.targets, labels)
    # Shifted logits decide, and that is all: their probabilities mean nothing.
    scores |= {name: value for name, value in by_threshold.items() if name not in _OF_PROBABILITIES}
    scores["thresholds_applied"] = dict(receipt.thresholds)
    return replace(model, decided=decided, scores=scores)
