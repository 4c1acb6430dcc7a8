"""Cross-entropy of logits shifted by how frequent each class is (Menon et al. 2021, "logit adjustment").

The model learns what tells classes apart beside their frequency; asked without the shift, as it always is
afterwards, it is as good on rare classes as on frequent ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokkit.model.network.losses.cross_entropy import CrossEntropy

if TYPE_CHECKING:
    import torch

TAU = 1.0
"""How much the shift counts: 1 aims at the balanced error (theorem 1)."""


class LogitAdjusted(CrossEntropy):
    """counts  (classes,) training items of each class; one without any counts as having one

    loss of class y = cross-entropy of ``logits + TAU log(share of each class)``, equation 10.
    """

    name: ClassVar[str] = "logit-adjusted"

    def __init__(
        self,
        counts: torch.Tensor,
        weights: torch.Tensor | None = None,
        smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weights, smoothing, reduction)
        there = counts.float().clamp(min=1)
        self._shift = TAU * (there / there.sum()).log()

    def items(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return super().items(logits.float() + self._shift.to(logits.device), targets)
