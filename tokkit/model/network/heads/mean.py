"""The mean of all tokens' states, special tokens included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.model.network.heads.head import BodyOutput, Head

if TYPE_CHECKING:
    import torch


class Mean(Head):
    name: ClassVar[str] = "mean"

    def pooled(self, layers: Mapping[str, Any], output: BodyOutput, mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = output.last_hidden_state
        counted = mask.unsqueeze(-1).to(states.dtype)
        return (states * counted).sum(dim=1) / counted.sum(dim=1)
