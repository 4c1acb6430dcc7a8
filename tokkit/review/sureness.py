"""How sure a model is of rows, and of what it is not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import BETWEEN_TAGS, ONE, SEVERAL, TAGS, Rows
from tokkit.model.metrics.classification import Logits
from tokkit.model.tasks.tags import TokenPositions
from tokkit.model.tasks.task import Task
from tokkit.review.row_picks import row_margins
from tokkit.tokenizer.encoding.encode import Encoded

# Classes that are named in a reason.
_NAMED = 2


@dataclass(frozen=True)
class Sureness:
    """margins    (rows,) how sure the model is of each
    predicted  (rows,) labels as the data has them
    unsure     (rows,) what the model is unsure of, in words
    kind       of the labels, as `Dataset.label_kind`
    """

    margins: NDArray[np.float64]
    predicted: list[str]
    unsure: list[str]
    kind: str

    @classmethod
    def of(cls, task: Task, rows: Rows, encoded: Encoded, logits: Logits, labels: Sequence[str]) -> Sureness:
        shares = task.probabilities(logits)
        margins = row_margins(task, shares)
        if task.by_row:
            predicted = task.predicted_labels(logits, None, labels)
            unsure = [_between(of_row, labels, task.exclusive) for of_row in shares]
            return cls(margins, predicted, unsure, ONE if task.exclusive else SEVERAL)
        positions = TokenPositions(rows.tokens, encoded)
        tags = positions.predicted(logits, labels)
        by_row, unsure = np.ones(len(rows.tokens)), []
        for row, (start, end) in enumerate(itertools.pairwise(positions.starts.tolist())):
            at = positions.positions[start:end]
            read = np.flatnonzero(at >= 0)
            if not len(read):
                unsure.append("no token was read")
                continue
            # The least sure token: a mean would favor short rows and those full of entities.
            worst = int(read[margins[at[read]].argmin()])
            by_row[row] = margins[at[worst]]
            unsure.append(
                f'token {worst + 1} "{rows.tokens[row][worst]}": {_between(shares[at[worst]], labels, True)}'
            )
        return cls(by_row, [BETWEEN_TAGS.join(row) for row in tags], unsure, TAGS)


def _between(shares: NDArray[np.float64], labels: Sequence[str], exclusive: bool) -> str:
    """The classes that the model cannot decide between."""
    order = np.argsort(-shares if exclusive else np.abs(shares - 0.5), kind="stable")[
        : _NAMED if exclusive else 1
    ]
    return " or ".join(f"{labels[i]} {shares[i]:.2f}" for i in order.tolist())
