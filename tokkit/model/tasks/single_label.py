"""One label a text: every row is of one class, and the classes exclude each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.data.dataset import Rows
from tokkit.model.metrics import classification
from tokkit.model.metrics.classification import Decisions, softmax
from tokkit.model.tasks.class_ids import class_ids
from tokkit.model.tasks.task import RowTargets, Task, in_unit
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


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

    def shares(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        return softmax(logits)

    def decisions(self, logits: NDArray[np.float32], targets: RowTargets) -> Decisions:
        """The likeliest class of each row."""
        import numpy as np

        classes = np.arange(logits.shape[1])
        return Decisions(targets.values[:, None] == classes, logits.argmax(axis=1)[:, None] == classes)

    def row_losses(self, logits: NDArray[np.float32], targets: RowTargets) -> NDArray[np.float64]:
        return classification.cross_entropy(logits, targets.values)

    def answers(self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]) -> list[str]:
        return [labels[i] for i in logits.argmax(axis=1)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: NDArray[np.float32], labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``label``, the likeliest, and the probability of each."""
        return [
            {
                "label": labels[max(range(len(shares)), key=shares.__getitem__)],
                "probabilities": {
                    label: in_unit(share, raw) for label, share in zip(labels, shares, strict=True)
                },
            }
            for shares in self.shares(logits).tolist()
        ]
