"""Cross-entropy, with class weights and label smoothing, as torch defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokkit.model.losses.loss import Loss

if TYPE_CHECKING:
    import torch


class CrossEntropy(Loss):
    """weights    (classes,) float32, None for all alike: the mean is then weighted too
    smoothing  share of the target spread over all classes (Szegedy et al. 2016)
    """

    name: ClassVar[str] = "ce"

    def __init__(self, weights: torch.Tensor | None = None, smoothing: float = 0.0) -> None:
        self._weights, self._smoothing = weights, smoothing

    def summed(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        import torch

        weights = self._weights.to(logits.device) if self._weights is not None else None
        return torch.nn.functional.cross_entropy(
            logits.float(), targets, weight=weights, reduction="sum", label_smoothing=self._smoothing
        )

    def denominator(self, targets: torch.Tensor) -> float:
        """Rows, or the sum of their class weights: what ``reduction="mean"`` divides by."""
        if self._weights is None:
            return float(len(targets))
        return float(self._weights[targets.cpu()].sum())
