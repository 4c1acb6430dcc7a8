"""Cross-entropy, with class weights and label smoothing, as torch defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tokkit.model.network.losses.loss import Loss

if TYPE_CHECKING:
    import torch

IGNORED = -100
"""The target of a token without a label of its own, as torch and transformers write it."""


class ClassLoss(Loss):
    """A loss of one class an item: logits (..., classes), targets (...) class ids, `IGNORED` for none."""

    def count(self, targets: torch.Tensor) -> int:
        return int((targets != IGNORED).sum())


class CrossEntropy(ClassLoss):
    """weights    (classes,) float32, None for all alike: the mean is then weighted too
    smoothing  share of the target spread over all classes (Szegedy et al. 2016)
    """

    name: ClassVar[str] = "ce"

    def __init__(
        self, weights: torch.Tensor | None = None, smoothing: float = 0.0, reduction: str = "mean"
    ) -> None:
        self._weights, self._smoothing, self.reduction = weights, smoothing, reduction

    def items(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        import torch

        return torch.nn.functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]).float(),
            targets.reshape(-1),
            weight=self._weights.to(logits.device) if self._weights is not None else None,
            ignore_index=IGNORED,
            reduction="none",
            label_smoothing=self._smoothing,
        )

    def weight(self, targets: torch.Tensor) -> float:
        if self._weights is None:
            return super().weight(targets)
        return float(self._weights.cpu()[targets.cpu()[targets.cpu() != IGNORED]].sum())
