"""What a model decided, class by class, beside what is true: the same shape for one label and for several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Decisions:
    """truth      (rows, classes) whether the row is of the class
    predicted  (rows, classes) whether it was predicted to be
    """

    truth: NDArray[np.bool_]
    predicted: NDArray[np.bool_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """(rows,) whether all of a row is as it should be."""
        right: NDArray[np.bool_] = (self.truth == self.predicted).all(axis=1)
        return right


def decisions(logits: NDArray[np.float32], targets: Any) -> Decisions | None:
    """The decisions of (rows, classes) logits: the highest for class ids, each above 0 for (rows, classes)
    targets; None for what has no classes row by row (tags, regression)."""
    import numpy as np

    from tokkit.model.tasks.task import RowTargets

    if not isinstance(targets, RowTargets):
        return None
    values = targets.values
    if values.ndim == 2:
        return Decisions(values > 0.5, logits >= 0)
    if values.dtype.kind not in "iu":
        return None
    classes = np.arange(logits.shape[1])
    return Decisions(values[:, None] == classes, logits.argmax(axis=1)[:, None] == classes)
