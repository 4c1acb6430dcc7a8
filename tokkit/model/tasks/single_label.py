"""One label per text: every row belongs to exactly one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.model.metrics import classification
from tokkit.model.metrics.classification import Decisions
from tokkit.model.tasks.task import RowTargets, Task, class_ids, in_unit
from tokkit.tokenizer.encoding.encode import Encoded


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

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        return (logits.argmax(dim=-1) == targets).sum(), len(targets)

    def scores(
        self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]
    ) -> dict[str, Any]:
        return classification.single_label_scores(logits, targets.values, labels)

    def probabilities(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        return classification.softmax(logits)

    def decisions(self, logits: NDArray[np.float32], targets: RowTargets) -> Decisions:
        """The most probable class of each row."""
        classes = np.arange(logits.shape[1])
        return Decisions(targets.values[:, None] == classes, logits.argmax(axis=1)[:, None] == classes)

    def row_losses(self, logits: NDArray[np.float32], targets: RowTargets) -> NDArray[np.float64]:
        return classification.cross_entropy(logits, targets.values)

    def predicted_labels(
        self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]
    ) -> list[str]:
        return [labels[i] for i in logits.argmax(axis=1)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: NDArray[np.float32], labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``label``, the most probable, and the probability of each."""
        return [
            {
                "label": labels[max(range(len(row)), key=row.__getitem__)],
                "probabilities": {
                    label: in_unit(probability, raw) for label, probability in zip(labels, row, strict=True)
                },
            }
            for row in self.probabilities(logits).tolist()
        ]
