"""Several labels a text, or none: every label is decided by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.data.dataset import Rows
from tokkit.data.loading.list_columns import SEPARATOR
from tokkit.model.metrics import classification
from tokkit.model.metrics.classification import Decisions
from tokkit.model.tasks.class_ids import check_known
from tokkit.model.tasks.task import SMALLEST_SHARE, RowTargets, Task, in_unit
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


class MultiLabel(Task):
    name: ClassVar[str] = "multi-label"
    title: ClassVar[str] = "Text classifier for several labels"
    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    problem_type: ClassVar[str | None] = "multi_label_classification"
    loss: ClassVar[str] = "bce"
    metric: ClassVar[str] = "macro_f1"
    excluding: ClassVar[bool] = False

    def names(self, written: str) -> list[str]:
        """``joy|love`` -> joy, love; ``|`` alone, no label."""
        return [name for part in written.split(SEPARATOR) if (name := part.strip())]

    def written(self, names: Sequence[str]) -> str:
        """How `names` are written."""
        return SEPARATOR.join(names) or SEPARATOR

    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> RowTargets:
        """(rows, classes) float32, 1 where the row has the label."""
        import numpy as np

        number = {label: i for i, label in enumerate(labels)}
        sets = [self.names(written) for written in rows.labels]
        check_known((name for names in sets for name in names), labels, where)
        wanted = np.zeros((len(sets), len(labels)), dtype=np.float32)
        for row, names in enumerate(sets):
            wanted[row, [number[name] for name in names]] = 1
        return RowTargets(wanted)

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Rows whose whole set is right."""
        return ((logits >= 0) == (targets > 0.5)).all(dim=-1).sum(), len(targets)

    def scores(
        self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]
    ) -> dict[str, Any]:
        return classification.multi_label_scores(logits, targets.values, labels)

    def shares(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        return classification.sigmoid(logits)

    def logits_of(self, shares: NDArray[np.float64]) -> NDArray[np.float32]:
        """The log-odds."""
        import numpy as np

        kept = np.clip(shares, SMALLEST_SHARE, 1 - SMALLEST_SHARE)
        return (np.log(kept) - np.log1p(-kept)).astype(np.float32)

    def decisions(self, logits: NDArray[np.float32], targets: RowTargets) -> Decisions:
        """Each label whose share is at least one half."""
        return Decisions(targets.values > 0.5, logits >= 0)

    def row_losses(self, logits: NDArray[np.float32], targets: RowTargets) -> NDArray[np.float64]:
        return classification.binary_cross_entropy(logits, targets.values)

    def answers(self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]) -> list[str]:
        """``joy|love``: the labels whose share is at least one half."""
        return [self.written(names) for names in self._decided(logits, labels)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: NDArray[np.float32], labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``label`` as `answers` writes it, ``labels`` one by one, and the probability of each by itself."""
        told = zip(self._decided(logits, labels), self.shares(logits).tolist(), strict=True)
        return [
            {
                "label": self.written(names),
                "labels": names,
                "probabilities": {
                    label: in_unit(share, raw) for label, share in zip(labels, shares, strict=True)
                },
            }
            for names, shares in told
        ]

    def _decided(self, logits: NDArray[np.float32], labels: Sequence[str]) -> list[list[str]]:
        """The names of each row's labels: those whose share is at least one half."""
        return [[labels[i] for i in row.nonzero()[0]] for row in logits >= 0]
