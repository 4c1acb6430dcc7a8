"""Losses of several labels a row: every label is a yes or no of its own, and a row's loss is their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokkit.model.network.losses.focal import focus
from tokkit.model.network.losses.loss import Loss

if TYPE_CHECKING:
    import torch


class BinaryLoss(Loss):
    """logits (rows, labels), targets (rows, labels): 1 where a row has the label, else 0."""

    def count(self, targets: torch.Tensor) -> int:
        return len(targets)


class BinaryCrossEntropy(BinaryLoss):
    """weights    (labels,) what a label counts where a row has it (torch's ``pos_weight``), None for 1
    smoothing  share of each target that is moved towards one half
    """

    name: ClassVar[str] = "bce"

    def __init__(
        self, weights: torch.Tensor | None = None, smoothing: float = 0.0, reduction: str = "mean"
    ) -> None:
        self._weights, self._smoothing, self.reduction = weights, smoothing, reduction

    def items(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        import torch

        wanted = targets.float() * (1 - self._smoothing) + self._smoothing / 2
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            logits.float(),
            wanted,
            pos_weight=self._weights.to(logits.device) if self._weights is not None else None,
            reduction="none",
        )
        return losses.mean(dim=-1)


class BinaryFocal(BinaryLoss):
    """loss = - alpha_t (1 - p_t)^gamma log p_t of every label (Lin et al. 2017, equation 5).

    p_t    the share given to what is true, "has it" or "has it not"
    alpha  (labels,) the weight where a row has the label, 1 - alpha where it has not; None for 1 and 1
    """

    name: ClassVar[str] = "binary-focal"

    def __init__(
        self, gamma: float = 2.0, alpha: torch.Tensor | None = None, reduction: str = "mean"
    ) -> None:
        self._gamma, self._alpha, self.reduction = gamma, alpha, reduction

    def items(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        import torch

        there = targets > 0.5
        log_share = torch.nn.functional.logsigmoid(logits.float().where(there, -logits.float()))
        losses = -focus(log_share, self._gamma) * log_share
        if self._alpha is not None:
            alpha = self._alpha.to(losses.device)
            losses = losses * torch.where(there, alpha, 1 - alpha)
        return losses.mean(dim=-1)
