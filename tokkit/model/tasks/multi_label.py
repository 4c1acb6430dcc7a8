"""Several labels per text, or none: every label is decided by itself."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import SEPARATOR, Rows
from tokkit.model.metrics.classification import Logits, sigmoid
from tokkit.model.tasks.task import MIN_PROBABILITY, RowTargets, SingleLabel, class_ids, counts_of
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import torch


class MultiLabel(SingleLabel):
    name: ClassVar[str] = "multi-label"
    title: ClassVar[str] = "Text classifier for several labels"
    problem_type: ClassVar[str | None] = "multi_label_classification"
    loss: ClassVar[str] = "bce"
    exclusive: ClassVar[bool] = False

    def names(self, written: str) -> list[str]:
        """``joy|love`` -> joy, love; ``|`` alone, no label."""
        return [name for part in written.split(SEPARATOR) if (name := part.strip())]

    def joined(self, names: Sequence[str]) -> str:
        """The inverse of `names`."""
        return SEPARATOR.join(names) or SEPARATOR

    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> RowTargets:
        """(rows, classes) float32, 1 where the row has the label."""
        sets = [self.names(written) for written in rows.labels]
        wanted = np.zeros((len(sets), len(labels)), dtype=np.float32)
        row_of = [row for row, names in enumerate(sets) for _ in names]
        wanted[row_of, class_ids(list(itertools.chain(*sets)), labels, where)] = 1
        return RowTargets(wanted)

    def sample_targets(self, labels: Sequence[str]) -> RowTargets:
        return RowTargets(np.eye(len(labels), dtype=np.float32))

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Rows whose whole set of labels is correct."""
        return ((logits >= 0) == (targets > 0.5)).all(dim=-1).sum(), len(targets)

    def class_counts(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return counts_of(targets > 0.5, logits >= 0)

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        return sigmoid(logits)

    def logits_from(self, probabilities: NDArray[np.float64]) -> Logits:
        """The log-odds."""
        # Of float32, 1 less the smallest probability is 1, whose odds are infinite.
        odds = (np.log(np.maximum(p, MIN_PROBABILITY)) for p in (probabilities, 1 - probabilities))
        return np.subtract(*odds).astype(np.float32)

    def predicted_labels(self, logits: Logits, targets: Any, labels: Sequence[str]) -> list[str]:
        """``joy|love``: the labels with a probability of at least one half, which is a logit of 0."""
        return [self.joined(names) for names in _decided(logits, labels)]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: Logits, labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``label`` as `predicted_labels` writes it, ``labels`` one by one, and the probability of each."""
        predictions = super().predictions(rows, encoded, logits, labels, raw)
        return [
            {"label": prediction["label"], "labels": names, "probabilities": prediction["probabilities"]}
            for names, prediction in zip(_decided(logits, labels), predictions, strict=True)
        ]


def _decided(logits: Logits, labels: Sequence[str]) -> list[list[str]]:
    """The predicted labels of each row."""
    return [[labels[i] for i in row.nonzero()[0]] for row in logits >= 0]
