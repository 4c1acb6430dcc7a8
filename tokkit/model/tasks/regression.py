"""A number for each text: stars, similarity, readability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.metrics import regression
from tokkit.model.tasks.task import RowTargets, Task
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

VALUE = "value"
"""The one label of a model that gives numbers."""


class Regression(Task):
    name: ClassVar[str] = "regression"
    title: ClassVar[str] = "Text regression"
    auto_class: ClassVar[str] = "AutoModelForSequenceClassification"
    problem_type: ClassVar[str | None] = "regression"
    loss: ClassVar[str] = "mse"
    metric: ClassVar[str] = "pearson"
    shown: ClassVar[tuple[str, ...]] = ("pearson", "mae")
    has_classes: ClassVar[bool] = False
    has_strata: ClassVar[bool] = False

    def labels(self, rows: Rows) -> tuple[str, ...]:
        return (VALUE,)

    def targets(self, rows: Rows, labels: Sequence[str], where: str, encoded: Encoded) -> RowTargets:
        """(rows,) float32; raises `InputError` for a label that is no number."""
        import numpy as np

        return RowTargets(np.array([_number(label, where) for label in rows.labels], dtype=np.float32))

    def correct(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, int]:
        """How many are within a half, which is what rounding to whole numbers would get right."""
        return ((logits[:, 0] - targets).abs() <= 0.5).sum(), len(targets)

    def scores(
        self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]
    ) -> dict[str, Any]:
        import numpy as np

        return regression.regression_scores(
            logits[:, 0].astype(np.float64), targets.values.astype(np.float64)
        )

    def shares(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows, 1) the numbers themselves."""
        import numpy as np

        return logits.astype(np.float64)

    def logits_of(self, shares: NDArray[np.float64]) -> NDArray[np.float32]:
        """The numbers themselves."""
        import numpy as np

        return shares.astype(np.float32)

    def row_losses(self, logits: NDArray[np.float32], targets: RowTargets) -> NDArray[np.float64]:
        """(rows,) squared errors."""
        import numpy as np

        losses: NDArray[np.float64] = (logits[:, 0].astype(np.float64) - targets.values) ** 2
        return losses

    def answers(self, logits: NDArray[np.float32], targets: RowTargets, labels: Sequence[str]) -> list[str]:
        return [f"{value:.4g}" for value in logits[:, 0]]

    def predictions(
        self, rows: Rows, encoded: Encoded, logits: NDArray[np.float32], labels: Sequence[str], raw: bool
    ) -> list[dict[str, Any]]:
        """``label``, the number with four digits, and ``value``, the number as it is."""
        return [
            {"label": f"{value:.4g}", "value": value, "probabilities": None}
            for value in logits[:, 0].astype(float).tolist()
        ]


def number_in(label: str) -> float | None:
    """The number that a label spells; None where it spells none."""
    try:
        value = float(label)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _number(label: str, where: str) -> float:
    value = number_in(label)
    if value is None:
        raise InputError(
            f'{where}: the label "{label}" is no number, which regression learns',
            hint="--task single-label learns names; --label-column names another column",
        )
    return value
