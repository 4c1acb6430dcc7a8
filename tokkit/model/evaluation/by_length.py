"""Scores of short and of long rows: each bucket is twice as long as the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokkit.model.tasks.decisions import Decisions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIRST = 8
"""Tokens, special ones included, up to which rows are in the first bucket."""


def scores_by_length(
    lengths: NDArray[np.int64], losses: NDArray[np.float64], decided: Decisions | None
) -> list[dict[str, Any]]:
    """``{from, to, rows, loss, accuracy, macro_f1}`` of the rows with that many tokens, shortest first.

    lengths  (rows,) tokens of each row as the model saw it
    losses   (rows,)

    Buckets end at 8, 16, 32, ... tokens; those without rows are left out. Macro F1 is over the classes that
    are true or predicted in the bucket. Without decisions there is the loss alone.
    """
    import numpy as np

    number = np.ceil(np.log2(np.maximum(lengths, _FIRST) / _FIRST)).astype(np.int64)
    told = []
    for bucket in np.unique(number).tolist():
        rows = number == bucket
        end = _FIRST << bucket
        each = {"from": end // 2 + 1 if bucket else 1, "to": end, "rows": int(rows.sum())}
        told.append(each | {"loss": round(float(losses[rows].mean()), 6)})
        if decided is not None:
            told[-1] |= _scores(Decisions(decided.truth[rows], decided.predicted[rows]))
    return told


def _scores(decided: Decisions) -> dict[str, float]:
    sizes = decided.truth.sum(axis=0) + decided.predicted.sum(axis=0)
    there = sizes > 0
    f1 = 2 * (decided.truth & decided.predicted).sum(axis=0)[there] / sizes[there]
    return {
        "accuracy": round(float(decided.right.mean()), 6),
        "macro_f1": round(float(f1.mean()), 6) if len(f1) else 0.0,
    }
