"""How sure scores are: percentile bootstrap intervals over the rows (Efron and Tibshirani 1993)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokkit.inspection.comparison.resampling import interval, resampled_weights
from tokkit.model.tasks.decisions import Decisions
from tokkit.progress import SILENT, Progress, stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def resampled_scores(
    losses: NDArray[np.float64],
    decided: Decisions | None,
    resamples: int,
    seed: int,
    progress: Progress = SILENT,
) -> dict[str, NDArray[np.float64]]:
    """Score -> (resamples,) its values in bootstrap samples of the rows: ``loss`` and, where there are
    decisions, ``accuracy`` and ``macro_f1``.

    losses  (rows,)

    The same seed and number of rows draw the same samples, so that scores of two models are paired. Macro F1
    is the mean over all classes; that of a class which is neither true nor predicted in a sample is 0.
    """
    import numpy as np
    from scipy import sparse

    rows = len(losses)
    drawn: dict[str, list[NDArray[np.float64]]] = {"loss": []}
    if decided is not None:
        right = decided.right.astype(np.float64)
        hits = sparse.csr_matrix((decided.truth & decided.predicted).T, dtype=np.float64)
        sizes = sparse.csr_matrix(decided.truth.T.astype(np.float64) + decided.predicted.T)
        drawn |= {"accuracy": [], "macro_f1": []}
    with stage(progress, "resampling", resamples, "samples"):
        for weights in resampled_weights(rows, resamples, seed, progress):
            drawn["loss"].append(weights @ losses / rows)
            if decided is not None:
                drawn["accuracy"].append(weights @ right / rows)
                f1 = 2 * (hits @ weights.T) / np.maximum(sizes @ weights.T, 1)
                drawn["macro_f1"].append(f1.mean(axis=0))
    return {name: np.concatenate(parts) for name, parts in drawn.items() if parts}


def intervals(drawn: dict[str, NDArray[np.float64]]) -> dict[str, list[float]]:
    """Score -> [low, high], 95 %, of its values in the samples."""
    found = {name: interval(values) for name, values in drawn.items()}
    return {name: [round(bound, 6) for bound in bounds] for name, bounds in found.items() if bounds}
