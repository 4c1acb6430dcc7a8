"""What a training starts from: a classifier, its rows as ids and targets, a loss and the options."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.model.network import losses
from tokkit.model.network.classifier import Classifier
from tokkit.model.network.losses import Loss
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks.task import Targets
from tokkit.tokenizer.encoding.encode import Encoded


@dataclass(frozen=True)
class EncodedRows:
    """Rows of one split with their ids and targets, in the same order."""

    rows: Rows
    encoded: Encoded
    targets: Targets


@dataclass(frozen=True)
class TrainingSetup:
    """lr       peak learning rate
    budget   tokens, padding included, computed at once
    """

    classifier: Classifier
    training: EncodedRows
    validation: EncodedRows
    loss: Loss
    options: FinetuneOptions
    lr: float
    device: torch.device
    budget: int

    @property
    def has_plain_loss(self) -> bool:
        """Whether the chosen loss is the one that `evaluate` reports."""
        return self.loss == losses.plain(self.classifier.task)


def validation_loss(setup: TrainingSetup, logits: NDArray[np.float32]) -> float | None:
    """The chosen loss of logits for the validation rows, of a step where it grows with the rows of a step.

    None where it is the plain loss, which is among all scores.
    """
    if setup.has_plain_loss:
        return None
    targets = torch.from_numpy(setup.validation.targets.values)
    loss, summed = setup.loss, float(setup.loss.summed(torch.from_numpy(logits), targets))
    if loss.reduction == "sum":
        return summed / max(len(setup.validation.encoded), 1) * setup.options.batch_size
    return summed / loss.denominator(targets)
