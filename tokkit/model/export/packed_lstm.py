"""The head `lstm` as ONNX has it: its operator takes the length of each row, as packed sequences do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tokkit.model.network.heads import Lstm

# PyTorch stacks the gates as input, forget, cell, output; ONNX as input, output, forget, cell.
_GATES = (0, 3, 1, 2)


def _in_onnx_order(weight: Tensor) -> Tensor:
    parts = weight.chunk(4, dim=0)
    return torch.cat([parts[gate] for gate in _GATES], dim=0)


class PackedLstm(nn.Module):
    """What `Lstm` computes, only while `torch.onnx` traces it."""

    weight: Tensor
    recurrence: Tensor
    bias: Tensor

    def __init__(self, head: Lstm) -> None:
        super().__init__()
        lstm = head.lstm
        self.hidden_size = lstm.hidden_size
        directions = ("l0", "l0_reverse")

        def stacked(*kinds: str) -> Tensor:
            """(2, 4 x hidden, ...), the weights of both directions."""
            of_directions = [
                torch.cat([_in_onnx_order(getattr(lstm, f"{kind}_{name}").detach()) for kind in kinds])
                for name in directions
            ]
            return torch.stack(of_directions)

        # X (tokens, rows, width) W^T, H R^T, and the biases of both, one after the other.
        self.register_buffer("weight", stacked("weight_ih"))
        self.register_buffer("recurrence", stacked("weight_hh"))
        self.register_buffer("bias", stacked("bias_ih", "bias_hh"))

    def forward(self, output: Any, mask: Tensor) -> Tensor:
        """(rows, 2 x hidden) the last states of both directions."""
        states = output.last_hidden_state.transpose(0, 1)
        tokens, rows, _ = states.shape
        lengths = mask.sum(dim=1).to(torch.int32)
        last = [2, rows, self.hidden_size]
        _, hidden, _ = torch.onnx.ops.symbolic_multi_out(
            "LSTM",
            (states, self.weight, self.recurrence, self.bias, lengths),
            {"direction": "bidirectional", "hidden_size": self.hidden_size},
            dtypes=(states.dtype,) * 3,
            shapes=[[tokens, 2, rows, self.hidden_size], last, last],
        )
        return torch.cat([hidden[0], hidden[1]], dim=-1)
