"""Ways from the vectors of a row's tokens to one vector of the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Pooling = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Hidden states (rows, tokens, width) and mask (rows, tokens), 1 on tokens, to (rows, width).

Every row has a token. Special tokens count, as in Reimers and Gurevych 2019.
"""


def first(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The vector of the first token, which is ``[CLS]`` where the tokenizer sets one."""
    return hidden[:, 0]


def mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over the tokens."""
    on_tokens = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * on_tokens).sum(dim=1) / on_tokens.sum(dim=1)


def largest(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The largest value over the tokens, in each dimension."""
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).amax(dim=1)


POOLINGS: Mapping[str, Pooling] = {"first": first, "cls": first, "mean": mean, "max": largest}
POOLER, NONE = "pooler", "none"
CHOICES = (*POOLINGS, POOLER, NONE)
