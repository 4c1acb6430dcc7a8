"""Several labels per text, or none: every label is decided by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.data.loading.list_columns import SEPARATOR
from tokkit.model.metrics import classification
from tokkit.model.metrics.classification import Decisions
from tokkit.model.tasks.task import MIN_PROBABILITY, RowTargets, Task, check_known, in_unit
from tokkit.tokenizer.encoding.encode import Encoded


class MultiLabel(Task):
    name: ClassVar[str] = "multi-label"
    title: ClassVar[str] = "Text classifier for several labels"
    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    problem_type: ClassVar[str | None] = "multi_label_classification"
    loss: ClassVar[str] = "bce"
    metric: ClassVar[str] = "macro_f1"
    exclusive: ClassVar[bool] = False

    def names(self, written: str) -> list[str]:
        """``joy|love`` -> joy, love; ``|`` alone, no label."""
        return [name for part in written.split(SEPARATOR) if (name := part.strip())]

    def joined(self, names: Sequence[str]) -> str:
        """The inverse of `names`."""
        return SEPARATOR.join(names) or SEPARATOR

    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> RowTargets:
        """(rows, classes) float32, 1 where the row has the label."""
        number = {label: i for i, label in enumerate(labels)}
        sets = [self.names(written) for written in rows.labels]
        # Before the matrix is filled: the message names the label, a KeyError would not.
        check_known((name for names in sets for name in names), labels, where)
        wanted = np.zeros((len(sets), len(labels)), dtype=np.float32)
        for row, names in enumerate(sets):
            wanted[row, [number[name] for name in names]] = 1
        return RowTargets(wanted)

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Rows whose whole set of labels is correct."""
        return ((logits >= 0) == (targets > 0.5)).all(dim=-1).sum(), len(targets)

    def scores(
        self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]
    ) -> dict[str, Any]:
        return classification.multi_label_scores(logits, targets.values, labels)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        return classification.sigmoid(logits)

    def logits_from(self, probabilities: NDArray[np.float64]) -> NDArray[np.float32]:
        """The log-odds."""
        clipped = np.clip(probabilities, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        return (np.log(clipped) - np.log1p(-clipped)).astype(np.float32)

    def decisions(self, logits: NDArray[np.float32], targets: RowTargets) -> Decisions:
        """Each label with a probability of at least one half."""
        return Decisions(targets.values > 0.5, logits >= 0)

    def row_losses(self, logits: NDArray[np.float32], targets: RowTargets) -> NDArray[np.float64]:
        return classification.binary_cross_entropy(logits, targets.values)

    def predicted_labels(
        self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]
    ) -> list[str]:
        """``joy|love``: the labels with a probability of at least one half."""
        return [self.joined(names) for names in self._decided(logits, labels)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: NDArray[np.float32], labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``label`` as `predicted_labels` writes it, ``labels`` one by one, and the probability of each."""
        decided, probabilities = self._decided(logits, labels), self.probabilities(logits).tolist()
        return [
            {
                "label": self.joined(names),
                "labels": names,
                "probabilities": {
                    label: in_unit(probability, raw) for label, probability in zip(labels, row, strict=True)
                },
            }
            for names, row in zip(decided, probabilities, strict=True)
        ]

    def _decided(self, logits: NDArray[np.float32], labels: Sequence[str]) -> list[list[str]]:
        """The labels of each row with a probability of at least one half, which is a logit of 0."""
        return [[labels[i] for i in row.nonzero()[0]] for row in logits >= 0]
