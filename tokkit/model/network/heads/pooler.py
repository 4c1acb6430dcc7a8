"""The body's own pooler: BERT's dense layer and tanh over the first token, trained with the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.model.network.heads.head import Head

if TYPE_CHECKING:
    import torch


class Pooler(Head):
    name: ClassVar[str] = "pooler"
    reads_pooler: ClassVar[bool] = True

    def pooled(self, layers: Mapping[str, Any], output: Any, mask: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = output.pooler_output
        return pooled
