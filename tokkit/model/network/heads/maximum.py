"""The maximum of all tokens' states, number by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.model.network.heads.head import BodyOutput, Head

if TYPE_CHECKING:
    import torch


class Maximum(Head):
    name: ClassVar[str] = "max"

    def pooled(self, layers: Mapping[str, Any], output: BodyOutput, mask: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = output.last_hidden_state
        return states.masked_fill(~mask.unsqueeze(-1), float("-inf")).amax(dim=1)
