"""Squared error, of numbers: up to constants the cross-entropy of a normal distribution around the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokkit.model.network.losses.loss import Loss

if TYPE_CHECKING:
    import torch


class SquaredError(Loss):
    """logits (rows, outputs), targets (rows,) or (rows, outputs); a row's loss is the mean over outputs."""

    name: ClassVar[str] = "mse"

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def items(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (logits.float() - targets.float().reshape(logits.shape)).square().mean(dim=-1)

    def count(self, targets: torch.Tensor) -> int:
        return len(targets)
