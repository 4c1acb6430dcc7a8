"""What tells tasks apart: their targets, what counts as right, their scores, and how answers are written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from tokkit.data.dataset import Rows

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class Targets(Protocol):
    """What the model is to answer, row by row."""

    def __len__(self) -> int: ...

    def of(self, rows: NDArray[np.int64], width: int) -> torch.Tensor:
        """The targets of these rows, for a batch that is ``width`` tokens wide."""
        ...


class RowTargets:
    """One target a row.

    values  (rows,) class ids, or (rows, classes) shares
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def of(self, rows: NDArray[np.int64], width: int) -> torch.Tensor:
        import torch

        return torch.from_numpy(self.values[rows])


class Task(ABC):
    """One kind of question; `TASKS` holds them by name."""

    name: ClassVar[str]
    auto_class: ClassVar[str]
    """The Auto class of transformers that builds the stock head."""
    problem_type: ClassVar[str | None]
    """What transformers calls it in a configuration."""

    @abstractmethod
    def labels(self, rows: Rows) -> tuple[str, ...]:
        """The names of the classes in these rows, by id."""

    @abstractmethod
    def targets(self, rows: Rows, labels: Sequence[str], where: str) -> Any:
        """The `Targets` of the rows; raises `InputError` for labels that are none of these."""

    @abstractmethod
    def right(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Of a batch, how many answers are right (0-dimensional), and how many there are."""

    @abstractmethod
    def scores(self, logits: NDArray[np.float32], targets: Any, labels: Sequence[str]) -> dict[str, Any]:
        """Every score of the logits of all rows, as `evaluate` prints them."""
