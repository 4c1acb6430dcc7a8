"""What a training starts from: a classifier, its rows as ids and targets, a loss and the options."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tokkit.data.dataset import Rows
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
