"""A model, or all models of a folder of folds, ready to predict rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.backends.load_model import load_model
from tokkit.model.folder.hub_models import local_receipt
from tokkit.model.folder.loaded_model import LoadedModel, RowClassifier, encode_rows
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.metrics.calibration import shifted
from tokkit.model.metrics.classification import Logits
from tokkit.model.options.inference_options import DecisionOptions
from tokkit.progress import Progress
from tokkit.tokenizer.encoding.encode import Encoded


@dataclass(frozen=True)
class Predictor:
    """name     the folder, or the name on the hub, as it was named
    members  the models whose probabilities are averaged, each with the same labels
    raw      probabilities from 0 to 1 instead of per cent
    """

    name: str
    receipt: ModelReceipt
    members: Sequence[LoadedModel]
    options: DecisionOptions
    raw: bool = False
    threads: int | None = None

    @classmethod
    def load(
        cls, model: str | Path, options: DecisionOptions, raw: bool, threads: int | None, progress: Progress
    ) -> Predictor:
        """Raises as `load_model`, and `InputError` for folds that do not have the same classes."""
        receipt = local_receipt(ModelReceipt.read(model), progress)
        members = [load_model(member, options, threads, progress) for member in receipt.models()]
        if any(member.classifier.labels != members[0].classifier.labels for member in members):
            raise InputError(f"{model}: its folds do not have the same classes", hint="name one of them")
        return cls(str(model), receipt, members, options, raw, threads)

    @property
    def classifier(self) -> RowClassifier:
        """The first of the models; the others have the same task, labels and tokenizer."""
        return self.members[0].classifier

    def encode(self, rows: Rows, progress: Progress) -> Encoded:
        """Raises as `encode_rows`."""
        return encode_rows(self.members[0], rows, self.threads, progress)

    def logits(self, encoded: Encoded, progress: Progress) -> Logits:
        """(rows, classes), for tasks by token (tokens, classes), of the mean of the models."""
        options = self.options
        member_logits = [member.logits(encoded, options, progress) for member in self.members]
        if options.calibrated:
            for logits, member in zip(member_logits, self.members, strict=True):
                logits /= np.float32(member.receipt.temperature)
        return member_logits[0] if len(self.members) == 1 else self.classifier.task.ensemble(member_logits)

    def predict(self, rows: Rows, encoded: Encoded, progress: Progress) -> list[dict[str, Any]]:
        """What `Task.predictions` gives for each row, by the mean of the models and as the options decide."""
        task, labels = self.classifier.task, self.classifier.labels
        logits = self.logits(encoded, progress)
        predictions = task.predictions(rows, encoded, logits, labels, self.raw)
        if not self.options.tuned_thresholds:
            return predictions
        # Shifted logits decide as the thresholds do, but their probabilities mean nothing.
        decided = shifted(logits, labels, self.receipt.thresholds)
        by_threshold = task.predictions(rows, encoded, decided, labels, self.raw)
        for prediction, plain in zip(by_threshold, predictions, strict=True):
            prediction["probabilities"] = plain["probabilities"]
        return by_threshold
