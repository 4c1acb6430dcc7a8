"""The gradients of several processes, summed once per step.

gradients -> which weights and rows some process used -> one flat tensor of those -> all-reduce -> gradients

Of an embedding, the rows of tokens that no process has in this step are left out: a step of 32 short texts
touches some hundred of 30,000, and their gradients were half of what a small encoder exchanged.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed import all_reduce


class GradientSum:
    """Gives every process the sum of the gradients of all; each process calls this after its backward."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        """Only for weights that are trained: freeze layers before."""
        self._trained: list[Any] = [p for p in model.parameters() if p.requires_grad]
        # Counting rows makes the CPU wait for an accelerator, whose links are fast: there, all are exchanged.
        embeddings = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
        by_rows = {id(weight) for weight in embeddings} if device.type == "cpu" else set()
        self._by_rows = [id(p) in by_rows for p in self._trained]
        # One buffer for all steps: a new one for each would be as many page faults again.
        self._flat = torch.empty(0, device=device)

    def __call__(self) -> None:
        """Sum the gradients in place, rounding apart; a weight that no process used gets none."""
        exchanged = self._exchanged()
        flat = self._buffer(sum(_size(weight, rows) for weight, rows in exchanged))
        parts = flat.split([_size(weight, rows) for weight, rows in exchanged])
        for (weight, rows), part in zip(exchanged, parts, strict=True):
            if weight.grad is None:
                part.zero_()
            elif rows is None:
                part.copy_(weight.grad.view(-1))
            else:
                torch.index_select(weight.grad, 0, rows, out=part.view(len(rows), -1))
        all_reduce(flat)
        for (weight, rows), part in zip(exchanged, parts, strict=True):
            if rows is None:
                # A view until the optimizer drops it: the next step fills the buffer again.
                weight.grad = part.view_as(weight)
            else:
                # All other rows are zero in every process.
                if weight.grad is None:
                    weight.grad = torch.zeros_like(weight)
                weight.grad.index_copy_(0, rows, part.view(len(rows), -1))

    def _exchanged(self) -> list[tuple[Any, Tensor | None]]:
        """Each weight that some process used, with the rows used in some process, or None for all rows."""
        used = [self._flat.new_tensor([float(weight.grad is not None) for weight in self._trained])]
        by_rows = [weight for weight, yes in zip(self._trained, self._by_rows, strict=True) if yes]
        # Of floats, a sum over processes tells whether any has a row; NaN counts as a gradient.
        used += [
            weight.grad.ne(0).any(dim=1).float() if weight.grad is not None else weight.new_zeros(len(weight))
            for weight in by_rows
        ]
        counts = torch.cat(used)
        all_reduce(counts)
        users, *masks = counts.split([len(flags) for flags in used])
        rows = {id(weight): mask.nonzero().view(-1) for weight, mask in zip(by_rows, masks, strict=True)}
        return [
            (weight, rows.get(id(weight)))
            for weight, count in zip(self._trained, users.tolist(), strict=True)
            if count
        ]

    def _buffer(self, size: int) -> Tensor:
        if len(self._flat) < size:
            self._flat = self._flat.new_empty(size)
        return self._flat[:size]


def _size(weight: Tensor, rows: Tensor | None) -> int:
    return weight.numel() if rows is None else len(rows) * weight.shape[1]
