"""Scores of predicted numbers: errors and correlations, as scikit-learn and scipy compute them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.model.metrics.classification import rounded


def regression_scores(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, Any]:
    """Every score of (rows,) numbers against the true ones, rounded to six decimals.

    ``loss`` is the mean squared error, ``mae`` the mean absolute error, ``r2`` the share of the variance that
    is explained. ``majority`` is what always predicting the mean reaches.
    """
    squared = (predicted - true) ** 2
    variance = float(np.var(true))
    return {
        "rows": len(true),
        "loss": rounded(squared.mean()),
        "mae": rounded(np.abs(predicted - true).mean()),
        "r2": rounded(1 - squared.mean() / variance if variance else 0.0),
        "pearson": rounded(pearson(predicted, true)),
        "spearman": rounded(pearson(_ranks(predicted), _ranks(true))),
        "majority": {
            "label": f"{true.mean():.4g}",
            "loss": rounded(variance),
            "mae": rounded(np.abs(true - true.mean()).mean()),
            **dict.fromkeys(("pearson", "spearman", "r2"), 0.0),
        },
    }


def pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The correlation of two columns of numbers, from -1 to 1; 0 where either is constant."""
    # The correlation with a constant is undefined: 0, as if nothing were learned.
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rank of each value from 1, equal values with the mean of theirs.

    >>> _ranks(np.array([5.0, 1.0, 5.0]))
    array([2.5, 1. , 2.5])
    """
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[index]
