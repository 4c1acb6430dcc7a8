"""95 % intervals of scores from their counts alone, for scores that were kept without their rows.

Accuracy, precision and recall are shares of rows, for which Wilson's interval holds (Wilson 1927). F1 is a
function of one share too: with J = hits / (hits + misses + false alarms), F1 = 2J / (1 + J), which rises with
J, so that the bounds of J give those of F1. Macro F1 depends on all cells of the confusion matrix, which are
resampled: the same as a bootstrap of the rows, since a row counts by its cell alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tokkit.inspection.comparison.resampling import interval

# The quantile of the normal distribution that has 2.5 % above it.
_Z = 1.959963984540054
# In blocks of 100, 8 bytes for each cell with rows: 40 MB. Larger matrices get no interval of macro F1.
_RESAMPLES, _BLOCKS = 1000, 10
_CELLS = 50_000


def wilson(hits: int, total: int) -> tuple[float, float] | None:
    """The 95 % interval of the share ``hits / total``; None of no rows.

    >>> wilson(9, 10)
    (0.595850, 0.982124)
    """
    if total <= 0:
        return None
    share, squared = hits / total, _Z * _Z
    middle = (share + squared / (2 * total)) / (1 + squared / total)
    half = _Z / (1 + squared / total) * math.sqrt(share * (1 - share) / total + squared / (4 * total**2))
    return round(max(0.0, middle - half), 6), round(min(1.0, middle + half), 6)


def class_intervals(classes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, tuple[float, float]]]:
    """Label -> precision, recall and F1 -> [low, high]; of what no row is, or is predicted, nothing.

    classes   label -> ``{precision, recall, f1, support}``, from which the counts follow
    """
    bounds: dict[str, dict[str, tuple[float, float]]] = {}
    for label, scores in classes.items():
        true = int(scores["support"])
        hits = round(scores["recall"] * true)
        # Without a hit the precision is 0 whatever was predicted, and its rows are not known.
        predicted = round(hits / scores["precision"]) if scores["precision"] else None
        of_label = {"recall": wilson(hits, true)}
        if predicted is not None:
            of_label["precision"] = wilson(hits, predicted)
            of_label["f1"] = _f1_interval(hits, true + predicted - hits)
        bounds[label] = {name: pair for name, pair in of_label.items() if pair is not None}
    return bounds


def overall_intervals(metrics: Mapping[str, Any], seed: int = 0) -> dict[str, tuple[float, float]]:
    """``accuracy``, and with a confusion matrix of the rows ``macro_f1``, -> [low, high]."""
    bounds = {}
    if "confusion" in metrics and "scheme" not in metrics:
        matrix = np.array(metrics["confusion"]["matrix"], dtype=np.int64)
        bounds["accuracy"] = wilson(int(np.trace(matrix)), int(matrix.sum()))
        bounds["macro_f1"] = _macro_f1_interval(matrix, seed)
    elif "classes" in metrics and "accuracy" in metrics and "scheme" not in metrics:
        bounds["accuracy"] = wilson(round(metrics["accuracy"] * metrics["rows"]), metrics["rows"])
    return {name: pair for name, pair in bounds.items() if pair is not None}


def _f1_interval(hits: int, either: int) -> tuple[float, float] | None:
    """``either``: rows that are of the class, or predicted to be."""
    shares = wilson(hits, either)
    if shares is None:
        return None
    low, high = (round(2 * share / (1 + share), 6) for share in shares)
    return low, high


def _macro_f1_interval(matrix: NDArray[np.int64], seed: int) -> tuple[float, float] | None:
    rows, classes = int(matrix.sum()), len(matrix)
    # Of many classes most cells are empty, and stay so in every sample.
    true, predicted = np.nonzero(matrix)
    if not 0 < len(true) <= _CELLS:
        return None
    counts = matrix[true, predicted]
    cells = np.arange(len(true))
    ones = np.ones(len(true))
    # (cells, classes): what a row of the cell adds to the hits, and to the sizes, of each class
    right = true == predicted
    hits_of = sparse.csr_array((ones[right], (cells[right], true[right])), shape=(len(true), classes))
    positions = (np.concatenate([cells, cells]), np.concatenate([true, predicted]))
    sizes_of = sparse.csr_array((np.concatenate([ones, ones]), positions), shape=(len(true), classes))
    generator = np.random.default_rng(seed)
    scores = []
    for _ in range(_BLOCKS):
        samples = generator.multinomial(rows, counts / rows, _RESAMPLES // _BLOCKS)
        scores.append((2 * (samples @ hits_of) / np.maximum(samples @ sizes_of, 1)).mean(axis=1))
    bounds = interval(np.concatenate(scores))
    return None if bounds is None else (round(bounds[0], 6), round(bounds[1], 6))
