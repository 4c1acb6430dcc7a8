"""A task: its targets, its scores, how its predictions are written; and the default, one label per row."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows, sort_labels
from tokkit.errors import InputError, counted, did_you_mean, nearest
from tokkit.model.metrics.classification import Decisions, Logits, classifier_scores, row_losses, softmax
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.encoding.word_lists import encode_words
from tokkit.tokenizer.folder.load import LoadedTokenizer

# Tensors are used by their methods alone, so that applying an exported model never loads torch.
if TYPE_CHECKING:
    import torch

# The target of a token without a label of its own, as in transformers and torch.
UNLABELED = -100
# labels that are named in a message
_NAMED = 10

# Lower bound of probabilities before a logarithm is taken.
MIN_PROBABILITY = 1e-12


class Targets(Protocol):
    """What the model should predict, row by row; ``values`` has all of it in one array."""

    values: NDArray[Any]

    def __len__(self) -> int: ...

    def of(self, rows: NDArray[np.int64], width: int) -> NDArray[Any]:
        """The targets of these rows, for a batch ``width`` tokens wide."""
        ...


class RowTargets:
    """One target per row.

    values  (rows,) int64 class ids or float32 numbers, or (rows, classes) float32, 1 for each label of a row
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def of(self, rows: NDArray[np.int64], width: int) -> NDArray[Any]:
        values: NDArray[Any] = self.values[rows]
        return values


class Task(ABC):
    """What a row is given: a label, several, a tag per token, a number. `TASKS` has them by name."""

    name: ClassVar[str]
    # Title of the model card.
    title: ClassVar[str]
    # Auto class of transformers that builds the stock head.
    auto_class: ClassVar[str]
    # Its name in the configurations of transformers.
    problem_type: ClassVar[str | None]
    # Whether logits are (rows, classes); else they are (tokens, classes).
    by_row: ClassVar[bool] = True

    # Family of losses, a key of `LOSSES`.
    loss: ClassVar[str]
    # The score that picks the best epoch by default; higher is better.
    metric: ClassVar[str]
    # Scores reported after every epoch, with the loss.
    headline: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1")
    # Whether there are classes; then at least two, known from training.
    has_classes: ClassVar[bool] = True
    # Whether a row has exactly one label.
    exclusive: ClassVar[bool] = True
    # Whether many rows have the same label, so that splits can be stratified.
    has_strata: ClassVar[bool] = True

    def names(self, written: str) -> list[str]:
        """The labels of a row, from the text in its label column."""
        return [written]

    def labels(self, rows: Rows) -> tuple[str, ...]:
        """Names of the classes in these rows, by id."""
        return tuple(sort_labels(name for written in set(rows.labels) for name in self.names(written)))

    def describe(self, labels: Sequence[str]) -> str:
        """The classes in a few words: "6 classes"."""
        return counted(len(labels), "class")

    def warn_of_misfit(self, tokenizer: LoadedTokenizer, progress: Progress) -> None:
        """Warn where the tokenizer is less suited for this task."""
        return None

    def warn_of_rows(
        self, rows: Rows, encoded: Encoded, tokenizer: LoadedTokenizer, where: str, progress: Progress
    ) -> None:
        """Warn of parts of the rows that the model does not get, other than truncated ones."""
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
        """The rows as ids, each truncated to ``max_length`` tokens; raises as `encode`.

        Where tokens are labeled, they are encoded one by one, with `Encoded.words`.
        """
        if not self.by_row:
            return encode_words(rows.tokens, tokenizer, max_length, progress=progress)
        pairs = rows.pairs or None
        return encode(rows.texts, tokenizer, max_length, pairs=pairs, threads=threads, progress=progress)

    @abstractmethod
    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> Any:
        """The `Targets` of the rows, whose ids are ``encoded``; raises `InputError` for unknown labels."""

    @abstractmethod
    def sample_targets(self, labels: Sequence[str]) -> Any:
        """Targets that have each label once, to check options with before there are others."""

    @abstractmethod
    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Number of correct predictions of a batch (0-dimensional), and number of predictions."""

    def class_counts(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """(3, classes) of a batch: correct, true and predicted items of each class; macro F1 follows."""
        classes = targets.new_tensor(range(logits.shape[-1]))
        labeled = (targets != UNLABELED).unsqueeze(-1)
        true = targets.unsqueeze(-1) == classes
        predicted = (logits.argmax(dim=-1).unsqueeze(-1) == classes) & labeled
        return counts_of(true, predicted)

    @abstractmethod
    def scores(self, logits: Logits, targets: Any, labels: Sequence[str]) -> dict[str, Any]:
        """Every score of the logits of all rows, as `evaluate` prints them."""

    @abstractmethod
    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        """Probabilities in the shape of the logits; for regression the numbers themselves."""

    def logits_from(self, probabilities: NDArray[np.float64]) -> Logits:
        """Logits with these probabilities: the inverse of `probabilities`, here of a softmax."""
        return np.log(np.maximum(probabilities, MIN_PROBABILITY)).astype(np.float32)

    def ensemble(self, members: Sequence[Logits]) -> Logits:
        """Logits whose probabilities are the mean of the members', each of the same shape.

        Members with the probabilities [1, 0] and [0.5, 0.5] give logits of [0.75, 0.25].
        """
        probabilities = np.stack([self.probabilities(logits) for logits in members])
        return self.logits_from(np.mean(probabilities, axis=0, dtype=np.float64))

    def decisions(self, logits: Logits, targets: Any) -> Decisions | None:
        """What is decided for each row; None where a row has no classes, or many predictions."""
        return None

    @abstractmethod
    def row_losses(self, logits: Logits, targets: Any) -> NDArray[np.float64]:
        """(rows,) loss of each row in nats, the mean over its labels or tokens."""

    @abstractmethod
    def predicted_labels(self, logits: Logits, targets: Any, labels: Sequence[str]) -> list[str]:
        """The prediction for each row, written as labels are in the data."""

    @abstractmethod
    def predictions(
        self, rows: Rows, encoded: Encoded, logits: Logits, labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """What `predict` returns for each row besides its text: ``label``, ``probabilities`` (None for a task
        without them) and fields of the task's own.

        raw  probabilities from 0 to 1 instead of percent
        """


def counts_of(true: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
    """(3, classes) of masks (..., classes): items that are both, true and predicted."""
    items = [mask.flatten(0, -2).sum(dim=0) for mask in (true & predicted, true, predicted)]
    counts = items[0].new_zeros((len(items), len(items[0])))
    for row, of_classes in zip(counts, items, strict=True):
        row.copy_(of_classes)
    return counts


def class_ids(names: Sequence[str], labels: Sequence[str], where: str) -> NDArray[np.int64]:
    """(names,) index of each among the labels; raises `InputError` for one that the model does not have."""
    if unknown := sort_labels(set(names).difference(labels)):
        raise InputError(
            f'{where}: unknown label "{unknown[0]}"{did_you_mean(unknown[0], labels)}: the model has '
            f"{', '.join(labels)}",
            hint=_names_hint(unknown, labels),
        )
    index = {label: i for i, label in enumerate(labels)}
    return np.array([index[name] for name in names], dtype=np.int64)


def _names_hint(unknown: Sequence[str], labels: Sequence[str]) -> str:
    """A mapping of all unknown labels to names like them; where one has none, no mapping: a guess."""
    close = {name: nearest(name, labels) for name in unknown}
    if all(close.values()):
        pairs = ",".join(f"{name}={other}" for name, other in close.items())
        return f"give them the names of the model:\n--label-names {shlex.quote(pairs)}"
    return (
        f"give the labels of the file ({', '.join(unknown[:_NAMED])}{' ...' if unknown[_NAMED:] else ''}) "
        "the names that they have in the model (--label-names)"
    )


def in_unit(probability: float, raw: bool) -> float:
    """The probability as it is, or in percent with two decimals."""
    return probability if raw else round(100 * probability, 2)


class SingleLabel(Task):
    name: ClassVar[str] = "single-label"
    title: ClassVar[str] = "Text classifier"
    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    problem_type: ClassVar[str | None] = "single_label_classification"
    loss: ClassVar[str] = "ce"
    metric: ClassVar[str] = "macro_f1"

    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> RowTargets:
        """(rows,) class ids."""
        return RowTargets(class_ids(rows.labels, labels, where))

    def sample_targets(self, labels: Sequence[str]) -> RowTargets:
        return RowTargets(np.arange(len(labels)))

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        return (logits.argmax(dim=-1) == targets).sum(), len(targets)

    def scores(self, logits: Logits, targets: RowTargets, labels: Sequence[str]) -> dict[str, Any]:
        return classifier_scores(logits, targets.values, labels)

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        return softmax(logits)

    def decisions(self, logits: Logits, targets: RowTargets) -> Decisions:
        return Decisions.of(logits, targets.values)

    def row_losses(self, logits: Logits, targets: RowTargets) -> NDArray[np.float64]:
        return row_losses(logits, targets.values)

    def predicted_labels(self, logits: Logits, targets: Any, labels: Sequence[str]) -> list[str]:
        return [labels[i] for i in logits.argmax(axis=1)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: Logits, labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``label``, the most probable, and the probability of each."""
        predicted = self.predicted_labels(logits, None, labels)
        shares = [[in_unit(share, raw) for share in row] for row in self.probabilities(logits).tolist()]
        return [
            {"label": label, "probabilities": dict(zip(labels, row, strict=True))}
            for label, row in zip(predicted, shares, strict=True)
        ]
