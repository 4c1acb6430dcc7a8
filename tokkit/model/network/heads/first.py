"""The first token's state, [CLS] of BERT and its kin: what stands for the whole text by agreement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.model.network.heads.head import BodyOutput, Head

if TYPE_CHECKING:
    import torch


class First(Head):
    name: ClassVar[str] = "cls"

    def pooled(self, layers: Mapping[str, Any], output: BodyOutput, mask: torch.Tensor) -> torch.Tensor:
        first: torch.Tensor = output.last_hidden_state[:, 0]
        return first
