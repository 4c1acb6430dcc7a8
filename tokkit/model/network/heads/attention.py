"""Attention over all tokens with a learned query, as in hierarchical attention (Yang et al. 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.model.network.heads.head import BodyOutput, Head, weighted_mean

if TYPE_CHECKING:
    import torch


class Attention(Head):
    """weight of token t = softmax over the row of ``query . tanh(key(state of t))``, equations 5 to 7.

    Unlike ``weighted``, what counts need not be a linear function of the state.
    """

    name: ClassVar[str] = "attention"

    def layers(self, width: int) -> Mapping[str, torch.nn.Module]:
        import torch

        return {"key": torch.nn.Linear(width, width), "query": torch.nn.Linear(width, 1, bias=False)}

    def pooled(self, layers: Mapping[str, Any], output: BodyOutput, mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = output.last_hidden_state
        return weighted_mean(states, layers["query"](layers["key"](states).tanh()).squeeze(-1), mask)
