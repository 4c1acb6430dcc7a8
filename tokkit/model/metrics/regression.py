"""Scores of predicted numbers: errors and correlations, beside those of always guessing the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def evaluate_numbers(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, Any]:
    """Every score of (rows,) numbers against the true ones.

    ``loss`` is the mean squared error, ``mae`` the mean absolute one; ``r2`` is the share of the variance
    explained. A correlation with what does not vary is 0.
    """
    import numpy as np

    squared = (predicted - true) ** 2
    variance = float(np.var(true))
    return {
        "rows": len(true),
        "loss": _rounded(squared.mean()),
        "mae": _rounded(np.abs(predicted - true).mean()),
        "r2": _rounded(1 - squared.mean() / variance if variance else 0.0),
        **_correlations(predicted, true),
        "majority": {
            "label": f"{true.mean():.4g}",
            "loss": _rounded(variance),
            "mae": _rounded(np.abs(true - true.mean()).mean()),
            **{"pearson": 0.0, "spearman": 0.0, "r2": 0.0},
        },
    }


def _correlations(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, float]:
    import numpy as np
    from scipy import stats

    if len(true) < 2 or np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return {"pearson": 0.0, "spearman": 0.0}
    return {
        "pearson": _rounded(stats.pearsonr(predicted, true).statistic),
        "spearman": _rounded(stats.spearmanr(predicted, true).statistic),
    }


def _rounded(value: Any) -> float:
    return round(float(value), 6)
