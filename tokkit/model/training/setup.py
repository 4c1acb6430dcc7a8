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

    @property
    def texts(self) -> list[str]:
        """Text of each row; for pairs both, joined by a space."""
        if not self.rows.pairs:
            return self.rows.texts
        return [f"{text} {pair}" for text, pair in zip(self.rows.texts, self.rows.pairs, strict=True)]


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
    def steps_per_epoch(self) -> int:
        """The last step of an epoch has the remaining rows, so that every row is used once."""
        return -(-len(self.training.encoded) // self.options.batch_size)

    @property
    def step_count(self) -> int:
        """Steps of the whole training."""
        return self.steps_per_epoch * self.options.epochs
