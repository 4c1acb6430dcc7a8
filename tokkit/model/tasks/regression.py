"""A number per text: stars, similarity, readability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.metrics.classification import Logits
from tokkit.model.metrics.regression import regression_scores
from tokkit.model.tasks.task import RowTargets, Task
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import torch

# The one label of a regression model.
VALUE = "value"


class Regression(Task):
    name: ClassVar[str] = "regression"
    title: ClassVar[str] = "Text regression"
    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    problem_type: ClassVar[str | None] = "regression"
    loss: ClassVar[str] = "mse"
    metric: ClassVar[str] = "pearson"
    headline: ClassVar[tuple[str, ...]] = ("pearson", "mae")
    has_classes: ClassVar[bool] = False
    has_strata: ClassVar[bool] = False

    def labels(self, rows: Rows) -> tuple[str, ...]:
        return (VALUE,)

    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> RowTargets:
        """(rows,) float32; raises `InputError` for a label that is not a number."""
        return RowTargets(np.array([_number(label, where) for label in rows.labels], dtype=np.float32))

    def sample_targets(self, labels: Sequence[str]) -> RowTargets:
        return RowTargets(np.arange(2, dtype=np.float32))

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Predictions within one half, which rounding to whole numbers would get right."""
        return ((logits[:, 0] - targets).abs() <= 0.5).sum(), len(targets)

    def scores(self, logits: Logits, targets: RowTargets, labels: Sequence[str]) -> dict[str, Any]:
        return regression_scores(logits[:, 0].astype(np.float64), targets.values.astype(np.float64))

    def probabilities(self, logits: Logits) -> NDArray[np.float64]:
        """(rows, 1) the numbers themselves."""
        return logits.astype(np.float64)

    def logits_from(self, probabilities: NDArray[np.float64]) -> Logits:
        """The numbers themselves."""
        return probabilities.astype(np.float32)

    def row_losses(self, logits: Logits, targets: RowTargets) -> NDArray[np.float64]:
        """(rows,) squared errors."""
        return (logits[:, 0].astype(np.float64) - targets.values) ** 2

    def predicted_labels(self, logits: Logits, targets: Any, labels: Sequence[str]) -> list[str]:
        return [f"{value:.4g}" for value in logits[:, 0]]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: Logits, labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``label``, the number with four digits, and ``value``, the number as it is."""
        return [
            {"label": f"{value:.4g}", "value": value, "probabilities": None}
            for value in logits[:, 0].astype(float).tolist()
        ]


def number_in(label: str) -> float | None:
    """The finite number that a label spells; None for any other label."""
    try:
        value = float(label)
    except ValueError:
        return None
    # float() also reads nan and inf, from which nothing can be learned.
    return value if math.isfinite(value) else None


def _number(label: str, where: str) -> float:
    value = number_in(label)
    if value is None:
        comma = number_in(label.replace(".", "").replace(",", ".")) is not None
        raise InputError(
            f'{where}: the label "{label}" is not a number, which regression needs',
            hint="read decimal commas:\n--decimal ,"
            if comma
            else "name another column (--label-column), or learn names:\n--task single-label",
        )
    return value
