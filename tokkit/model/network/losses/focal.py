"""Focal loss (Lin et al. 2017): cross-entropy that counts little where the model is right already."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokkit.model.network.losses.cross_entropy import IGNORED, ClassLoss

if TYPE_CHECKING:
    import torch

_LEAST = 1e-12
"""Keeps the gradient of ``(1 - p)^gamma`` finite where p is 1 and gamma below 1."""


class Focal(ClassLoss):
    """loss = - alpha_y (1 - p_y)^gamma log p_y, equation 5 of the paper, over the softmax of all classes.

    gamma  0 is cross-entropy; the larger, the less easy items count
    alpha  (classes,) float32, None for all 1; a mean is not divided by it
    """

    name: ClassVar[str] = "focal"

    def __init__(
        self, gamma: float = 2.0, alpha: torch.Tensor | None = None, reduction: str = "mean"
    ) -> None:
        self._gamma, self._alpha, self.reduction = gamma, alpha, reduction

    def items(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        flat, wanted = logits.reshape(-1, logits.shape[-1]).float(), targets.reshape(-1)
        there = wanted != IGNORED
        wanted = wanted.where(there, 0)
        log_share = flat.log_softmax(dim=-1).gather(1, wanted.unsqueeze(1)).squeeze(1)
        losses = -focus(log_share, self._gamma) * log_share
        if self._alpha is not None:
            losses = losses * self._alpha.to(losses.device)[wanted]
        return losses.where(there, 0.0)


def focus(log_share: torch.Tensor, gamma: float) -> torch.Tensor:
    """(1 - p)^gamma of log p, exact where p is close to 1."""
    return (-log_share.expm1()).clamp(min=_LEAST) ** gamma
