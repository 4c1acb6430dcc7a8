"""Evaluations of a training on its validation rows: the history, and the best of them with its model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tokkit.model.folder import model_folder
from tokkit.model.metrics.named_scores import is_error, score_named
from tokkit.model.network.classifier import Classifier
from tokkit.model.training.checkpoints import link_tree
from tokkit.model.training.steps import StepReport
from tokkit.views.names import score_name
from tokkit.views.reports.evaluation import predicts_only

Row = Mapping[str, Any]

# In a checkpoint.
_MODEL, _LOGITS = "best", "best.safetensors"


@dataclass
class Best:
    """The best evaluation so far.

    index    among the evaluations, from 0
    logits   (rows or tokens, classes) of the validation rows
    model    its model folder
    """

    index: int
    scores: dict[str, Any]
    logits: NDArray[np.float32]
    model: Path

    def write(self, classifier: Classifier) -> None:
        """Write the model as it is now into a new folder."""
        self.model.mkdir()
        model_folder.write_classifier(self.model, classifier)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it as JSON; `write_to` keeps the rest."""
        return {"place": self.index, "scores": self.scores}

    def write_to(self, checkpoint: Path) -> None:
        """Write model and logits into the folder of a checkpoint."""
        link_tree(self.model, checkpoint / _MODEL)
        save_file({"logits": self.logits}, checkpoint / _LOGITS)

    @classmethod
    def read_from(cls, checkpoint: Path, state: Mapping[str, Any] | None, model: Path) -> Best | None:
        """What `state` and `write_to` kept, the model now in the new folder ``model``; None without one."""
        if state is None or not (checkpoint / _MODEL).is_dir():
            return None
        # A link, so that the checkpoint stays complete when the best model is replaced.
        link_tree(checkpoint / _MODEL, model)
        return cls(state["place"], state["scores"], load_file(checkpoint / _LOGITS)["logits"], model)

    def move_to(self, target: Path) -> None:
        """Move the files of its model folder into ``target``."""
        for path in sorted(self.model.iterdir()):
            path.rename(target / path.name)
        self.model.rmdir()
        self.model = target


def is_better(scores: Mapping[str, Any], than: Mapping[str, Any] | None, name: str) -> bool:
    """Whether scores are better than earlier ones, of equal ones those of the lower loss; the first are."""
    if than is None:
        return True
    new, old = score_named(scores, name), score_named(than, name)
    # A score of small validation data is often equal, at 0 for the first epochs: no reason to keep the first.
    if new == old or (math.isnan(new) and math.isnan(old)):
        return bool(scores["loss"] < than["loss"])
    # Any score is better than none; NaN compares false with everything.
    if math.isnan(new) or math.isnan(old):
        return math.isnan(old) and not math.isnan(new)
    return new < old if is_error(name) else new > old


def history_row(
    report: StepReport, scores: Mapping[str, Any], names: Sequence[str], validation_loss: float | None
) -> dict[str, Any]:
    """A line of the history: training since the evaluation before, and the validation scores ``names``.

    validation_loss   the chosen loss, where it is not the plain one; the plain one is then there too

    Losses of training and validation are the same measure, each under its own name.
    """
    training = {"loss": report.loss, "accuracy": report.accuracy}
    validation = {name: scores[name] for name in ("loss", *names)}
    if validation_loss is not None:
        training["cross_entropy"] = report.cross_entropy
        validation |= {"loss": round(validation_loss, 6), "cross_entropy": scores["loss"]}
    if report.macro_f1 is not None and "macro_f1" in names:
        training["macro_f1"] = report.macro_f1
    return {
        "epoch": report.epoch,
        "step": report.step,
        **{f"train_{name}": round(value, 6) for name, value in training.items()},
        **{f"validation_{name}": value for name, value in validation.items()},
        "lr": report.lr,
    }


def sentence(epochs: int, row: Row, scores: Mapping[str, Any]) -> str:
    """A line of the history as a sentence, and whether all predictions are the same."""
    train, validation = (
        ", ".join(
            f"{score_name(name)} {value:.4f}"
            for column, value in row.items()
            if value is not None and (name := column.removeprefix(f"{split}_")) != column
        )
        for split in ("train", "validation")
    )
    parts = (f"epoch {row['epoch']}/{epochs}: train {train}", f"validation {validation}")
    return "; ".join((*parts, *predicts_only(scores)))


def write_history(path: Path, history: Sequence[Row]) -> None:
    """Write `history.csv`, one line per evaluation; a score without a value is empty."""
    values = [["" if value is None else str(value) for value in row.values()] for row in history]
    # No quoting: names of scores and numbers have no commas.
    lines = [",".join(cells) for cells in ([*history[0]], *values)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
