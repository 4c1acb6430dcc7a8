"""A loss in two halves, so that steps may be computed in pieces: a sum over items, and its denominator.

A step's loss is ``sum of all its pieces / denominator of the whole step``: cutting the step changes
rounding only. An item is a row, or, where every token has its label, a token.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import torch


class Loss(ABC):
    """One loss; `LOSSES` holds them by name."""

    name: ClassVar[str]

    @abstractmethod
    def summed(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of a piece, summed over its items; 0-dimensional, float32, in nats."""

    @abstractmethod
    def denominator(self, targets: torch.Tensor) -> float:
        """What the sum over these targets, all those of a step, is divided by."""
