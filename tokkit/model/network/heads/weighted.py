"""A learned weighted average over all tokens: each token's weight is read from its own state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.model.network.heads.head import BodyOutput, Head, weighted_mean

if TYPE_CHECKING:
    import torch


class Weighted(Head):
    """weight of token t = softmax over the row of ``score(state of t)``, one linear layer.

    It starts as the plain mean: the scores are drawn as zeros.
    """

    name: ClassVar[str] = "weighted"

    def layers(self, width: int) -> Mapping[str, torch.nn.Module]:
        import torch

        score = torch.nn.Linear(width, 1, bias=False)  # a bias would add the same to every token
        torch.nn.init.zeros_(score.weight)
        return {"score": score}

    def pooled(self, layers: Mapping[str, Any], output: BodyOutput, mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = output.last_hidden_state
        return weighted_mean(states, layers["score"](states).squeeze(-1), mask)
