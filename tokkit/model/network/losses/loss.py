"""A loss in two halves, so that steps may be computed in pieces: a sum over items, and its denominator.

A step's loss is ``sum of all its pieces / denominator of the whole step``: cutting the step changes
rounding only. An item is a row, or, where every token has its label, a token.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import torch

REDUCTIONS = ("mean", "sum", "none")
"""What a step's loss is of its items' losses.

mean  their mean; where class weights weigh them, the weighted mean, as in torch
sum   their sum, which grows with the batch
none  they are left as they are, weights and all, and a step takes their plain mean
"""


class Loss(ABC):
    """One loss; `LOSSES` holds them by name."""

    name: ClassVar[str]
    reduction: str = "mean"

    @abstractmethod
    def items(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """(items,) float32 the loss of each, in nats; 0 of those that are ignored."""

    @abstractmethod
    def count(self, targets: torch.Tensor) -> int:
        """The items among these targets that are not ignored."""

    def weight(self, targets: torch.Tensor) -> float:
        """What ``mean`` divides by: the items, or the sum of their class weights."""
        return float(self.count(targets))

    def summed(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of a piece, summed over its items; 0-dimensional, float32, in nats."""
        return self.items(logits, targets).sum()

    def denominator(self, targets: torch.Tensor) -> float:
        """What the sum over these targets, all those of a step, is divided by; 1 where all are ignored."""
        if self.reduction == "sum":
            return 1.0
        return (self.weight(targets) if self.reduction == "mean" else float(self.count(targets))) or 1.0
