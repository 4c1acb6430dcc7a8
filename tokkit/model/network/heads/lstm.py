"""A bidirectional LSTM over the last hidden states: its last state of each direction, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.model.network.heads.head import BodyOutput, Head

if TYPE_CHECKING:
    import torch


class Lstm(Head):
    """Each direction has half the body's width; the one that reads backwards starts at the last token."""

    name: ClassVar[str] = "lstm"

    def width(self, width: int) -> int:
        return 2 * _half(width)

    def layers(self, width: int) -> Mapping[str, torch.nn.Module]:
        import torch

        return {"lstm": torch.nn.LSTM(width, _half(width), batch_first=True, bidirectional=True)}

    def pooled(self, layers: Mapping[str, Any], output: BodyOutput, mask: torch.Tensor) -> torch.Tensor:
        import torch

        packed = torch.nn.utils.rnn.pack_padded_sequence(
            output.last_hidden_state, mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, (last, _) = layers["lstm"](packed)
        return torch.cat([last[0], last[1]], dim=-1)


def _half(width: int) -> int:
    return max(width // 2, 1)
