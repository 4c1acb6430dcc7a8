"""Models asked about rows: each model's logits, decisions and scores, and those of folds together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.folder.model_folder import load_classifier
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.metrics import thresholds
from tokkit.model.network.inference import budget_for, choose_device, predict_logits
from tokkit.model.options.evaluate_options import EvaluateOptions
from tokkit.model.tasks.decisions import Decisions, decisions
from tokkit.model.tasks.task import Task
from tokkit.progress import Progress

MODEL, FOLD, ENSEMBLE, OUT_OF_FOLD = "model", "fold", "ensemble", "out-of-fold"
"""What answered: a model, one of folds, the mean of folds, or each row's model that did not see it."""


@dataclass(frozen=True)
class Scored:
    """logits   (rows, classes), of tags (tokens, classes); already divided by the temperature, if one applies
    decided  the same, shifted so that their plain decision is that of the thresholds, if some apply
    targets  what is true, as the task has it
    lengths  (rows,) tokens of each row
    folds    (rows,) the fold each row was held out in; None where that means nothing
    scores   what the task tells of the logits
    temperature  what was applied, and the loss and ECE without it
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
        """What was decided row by row, where the task decides between classes."""
        return decisions(self.decided, self.targets)

    @property
    def answers(self) -> list[str]:
        """(rows,) what is predicted, as labels are written."""
        return self.task.answers(self.decided, self.targets, self.labels)

    def with_scores(self, spec: EvaluateOptions, source: ModelReceipt) -> Scored:
        """Scored, with the thresholds that the source remembers where they are asked for."""
        scores = {"kind": self.kind, **self.task.scores(self.logits, self.targets, self.labels)}
        told = (self.task.metric, "accuracy", "loss")
        scores["validation"] = {name: source.metrics[name] for name in told if name in source.metrics}
        if not spec.tuned_thresholds:
            return replace(self, scores=scores)
        decided = thresholds.shifted(self.logits, self.labels, source.thresholds)
        shifted = self.task.scores(decided, self.targets, self.labels)
        of_decisions = {name: value for name, value in shifted.items() if name not in _OF_PROBABILITIES}
        applied = {"thresholds_applied": dict(source.thresholds)}
        return replace(self, decided=decided, scores={**scores, **of_decisions, **applied})


_OF_PROBABILITIES = ("loss", "calibration", "thresholds")
"""Scores that thresholds do not change."""


def score_model(
    name: str,
    kind: str,
    rows: Rows,
    where: str,
    spec: EvaluateOptions,
    threads: int | None,
    progress: Progress,
) -> Scored:
    """One model's answers to the rows; raises `InputError` for a label it does not know."""
    source = ModelReceipt.read(name)
    classifier = load_classifier(source, progress)
    source.check_rows(rows, progress)
    task, labels = classifier.task, classifier.labels
    encoded = task.encode(
        rows, classifier.tokenizer, classifier.max_length, threads=threads, progress=progress
    )
    if encoded.truncated:
        progress.say(f"{name}: {encoded.truncated:,} rows truncated at max length {classifier.max_length}")
    truth = task.targets(rows, labels, where, encoded)
    device = choose_device(spec.device)
    budget = budget_for(device, spec.tokens_per_batch)
    logits = predict_logits(classifier, encoded, device, budget, progress)
    plain = Scored(name, kind, task, labels, logits, logits, truth, encoded.lengths)
    return (_calibrated(plain, source) if spec.calibrated else plain).with_scores(spec, source)


def _calibrated(plain: Scored, source: ModelReceipt) -> Scored:
    """With the temperature that the source remembers; what it mends stands beside it."""
    before = plain.task.scores(plain.logits, plain.targets, plain.labels)
    told = {
        "applied": source.temperature,
        "loss_before": before["loss"],
        "ece_before": before.get("calibration", {}).get("ece"),
    }
    logits = plain.logits / np.float32(source.temperature)
    return replace(plain, logits=logits, decided=logits, temperature=told)


def score_ensemble(name: str, members: Sequence[Scored], spec: EvaluateOptions) -> Scored:
    """The mean of the members' probabilities, as one model's answers.

    Raises `InputError` where they do not know the same classes in the same order.
    """
    first = members[0]
    for other in members[1:]:
        if other.labels != first.labels:
            raise InputError(
                f"{name}: {Path(other.name).name} has other classes than {Path(first.name).name}"
            )
    logits = first.task.ensemble([each.logits for each in members])
    together = replace(first, name=name, kind=ENSEMBLE, logits=logits, decided=logits, temperature={})
    return together.with_scores(spec, ModelReceipt.read(name))
