"""One label a text: every row is of one class, and the classes exclude each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.data.dataset import Rows, sort_labels
from tokkit.model import labelled
from tokkit.model.evaluation import metrics
from tokkit.model.tasks.task import RowTargets, Task

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class SingleLabel(Task):
    name: ClassVar[str] = "single-label"
    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    problem_type: ClassVar[str | None] = "single_label_classification"

    def labels(self, rows: Rows) -> tuple[str, ...]:
        return tuple(sort_labels(rows.labels))

    def targets(self, rows: Rows, labels: Sequence[str], where: str) -> RowTargets:
        """(rows,) class ids."""
        return RowTargets(labelled.targets(rows, labels, where))

    def right(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        return (logits.argmax(dim=-1) == targets).sum(), len(targets)

    def scores(
        self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]
    ) -> dict[str, Any]:
        return metrics.evaluate_logits(logits, targets.values, labels)
