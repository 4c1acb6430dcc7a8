"""What tells tasks apart: their targets, what counts as right, their scores, and how answers are written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from tokkit.data.dataset import Rows, sort_labels
from tokkit.model.metrics.classification import Decisions
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded, encode

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.tokenizer.folder.load import LoadedTokenizer

UNLABELED = -100
"""The target of a token that has no label of its own, as transformers and torch write it."""


SMALLEST_SHARE = 1e-12
"""The least probability that a logarithm is taken of."""


class Targets(Protocol):
    """What the model is to answer, row by row; ``values`` holds all of it."""

    values: NDArray[Any]

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
    title: ClassVar[str]
    """What a model for it is, as its card is headed."""
    auto_class: ClassVar[str]
    """The Auto class of transformers that builds the stock head."""
    problem_type: ClassVar[str | None]
    """What transformers calls it in a configuration."""
    by_row: ClassVar[bool] = True
    """Whether logits are (rows, classes); else they are (tokens, classes)."""

    loss: ClassVar[str]
    """The loss of `LOSSES` that is minimized where none is asked for."""
    metric: ClassVar[str]
    """The score that picks the best epoch where none is asked for; higher is better."""
    shown: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1")
    """The scores that are told of every epoch, beside the loss."""
    has_classes: ClassVar[bool] = True
    """Whether there are classes to choose from, so that there must be two, known from training."""
    excluding: ClassVar[bool] = True
    """Whether a row has one label, which excludes all others."""
    has_strata: ClassVar[bool] = True
    """Whether many rows are labelled alike, so that parts of them can be stratified."""

    def names(self, written: str) -> list[str]:
        """The labels that a row carries, from what its label column holds."""
        return [written]

    def labels(self, rows: Rows) -> tuple[str, ...]:
        """The names of the classes in these rows, by id."""
        return tuple(sort_labels(name for written in set(rows.labels) for name in self.names(written)))

    def say_misfit(self, tokenizer: LoadedTokenizer, progress: Progress) -> None:
        """Says where the tokenizer is not made for this task, though it can be used."""
        return None

    def encode(
        self,
        rows: Rows,
        tokenizer: LoadedTokenizer,
        max_length: int | None,
        *,
        threads: int | None = None,
        progress: Progress = SILENT,
    ) -> Encoded:
        """The rows as ids, each cut to ``max_length`` tokens; of pairs with segments. Raises as `encode`."""
        return encode(
            *(rows.texts, tokenizer, max_length), pairs=rows.pairs or None, threads=threads, progress=progress
        )

    @abstractmethod
    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> Any:
        """The `Targets` of the rows, which `encode` gave as ``encoded``.

        Raises `InputError` for labels that are none of these.
        """

    @abstractmethod
    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Of a batch, how many answers are right (0-dimensional), and how many there are."""

    @abstractmethod
    def scores(self, logits: NDArray[np.float32], targets: Any, labels: Sequence[str]) -> dict[str, Any]:
        """Every score of the logits of all rows, as `evaluate` prints them."""

    @abstractmethod
    def shares(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probabilities, of the shape of the logits; of a regression, the values."""

    def logits_of(self, shares: NDArray[np.float64]) -> NDArray[np.float32]:
        """Logits that have these probabilities: the inverse of `shares`, here of a softmax."""
        import numpy as np

        return np.log(np.maximum(shares, SMALLEST_SHARE)).astype(np.float32)

    def ensemble(self, members: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Logits whose probabilities are the mean of the members', each of the same shape.

        Members with the probabilities [1, 0] and [0.5, 0.5] give logits of [0.75, 0.25].
        """
        import numpy as np

        shares = np.stack([self.shares(logits) for logits in members])
        return self.logits_of(np.mean(shares, axis=0, dtype=np.float64))

    def decisions(self, logits: NDArray[np.float32], targets: Any) -> Decisions | None:
        """What is decided for each row; None where a row has no classes, or many predictions."""
        return None

    @abstractmethod
    def row_losses(self, logits: NDArray[np.float32], targets: Any) -> NDArray[np.float64]:
        """(rows,) the loss of each row, the mean over the classes or tokens it is asked for; in nats."""

    @abstractmethod
    def answers(self, logits: NDArray[np.float32], targets: Any, labels: Sequence[str]) -> list[str]:
        """What is predicted for each row, written as labels stand in the data."""

    @abstractmethod
    def predictions(
        self, rows: Rows, encoded: Encoded, logits: NDArray[np.float32], labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """What `predict` tells of each row beside its text: ``label``, ``probabilities`` (None where there
        are none for a row) and what the task has more; shares where ``raw``, else per cent."""


def in_unit(share: float, raw: bool) -> float:
    """The share as it is, or in per cent with two decimals."""
    return share if raw else round(100 * share, 2)
