"""What a head is: how the states of all tokens become one vector a row, from which the logits are read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import torch


class BodyOutput(Protocol):
    """What `AutoModel` answers.

    last_hidden_state  (rows, tokens, width)
    pooler_output      (rows, width), of bodies that have a pooler
    """

    @property
    def last_hidden_state(self) -> Any: ...


class Head(ABC):
    """One way to pool; `HEADS` holds them by name. It keeps no weights itself: those are its `layers`."""

    name: ClassVar[str]
    reads_pooler: ClassVar[bool] = False
    """Whether it reads ``pooler_output``, which not every body has."""

    def width(self, width: int) -> int:
        """Numbers in a pooled row, of a body whose states have ``width``."""
        return width

    def layers(self, width: int) -> Mapping[str, torch.nn.Module]:
        """The layers it learns, freshly drawn; most need none."""
        return {}

    @abstractmethod
    def pooled(self, layers: Mapping[str, Any], output: BodyOutput, mask: torch.Tensor) -> torch.Tensor:
        """(rows, `width`) one vector a row.

        mask  (rows, tokens) bool, True on tokens; each row has one at least, and they stand to the left

        What stands on padding never changes it.
        """


def weighted_mean(states: torch.Tensor, scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(rows, width) each row's mean, its tokens weighted by the softmax of their (rows, tokens) scores."""
    shares = scores.float().masked_fill(~mask, float("-inf")).softmax(dim=-1)
    return (shares.to(states.dtype).unsqueeze(-1) * states).sum(dim=1)
