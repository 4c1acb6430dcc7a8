"""Rows worth labeling: those that a model is least sure of, and of these diverse ones.

margins of all rows -> candidates, those with the smallest -> clusters of their vectors, as many as rows are
picked -> of each cluster the row with the smallest margin
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tokkit.model.tasks.task import Task


def row_margins(task: Task, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(rows,) how sure a model is of each row, from 0 to 1; of tags, (tokens,).

    shares   as `Task.probabilities` gives them

    The share of the likeliest class less that of the next; of several labels, how far the least sure of them
    is from one half, which is its threshold.
    """
    if task.exclusive:
        top = np.sort(shares, axis=1)[:, -2:]
        margins: NDArray[np.float64] = top[:, 1] - top[:, 0]
        return margins
    return np.abs(2 * shares - 1).min(axis=1)


def smallest(margins: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The rows with the smallest margins, that first; of equal ones the first."""
    return np.argsort(margins, kind="stable")[:count].astype(np.int64)


@dataclass(frozen=True)
class Picks:
    """rows    those that are picked, the least sure first
    alike   rows of the cluster of each, itself included
    """

    rows: NDArray[np.int64]
    alike: NDArray[np.int64]


def diverse(vectors: NDArray[np.float32], margins: NDArray[np.float64], count: int, seed: int) -> Picks:
    """``count`` of the rows: of each cluster of vectors the least sure one.

    Clusters are those of k-means over rows weighted by how unsure the model is of them (Zhdanov 2019): alike
    rows, which teach the same, are in one of them.
    """
    # Here alone, as commands without it need no scikit-learn.
    from sklearn.cluster import KMeans

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    clusters = KMeans(min(count, len(vectors)), n_init=1, random_state=seed)
    # Sums in another order would be other clusters.
    with threadpool_limits(1), warnings.catch_warnings():
        # Fewer distinct vectors than clusters leave some of these empty.
        warnings.simplefilter("ignore")
        numbers = clusters.fit_predict(
            vectors / np.where(lengths > 0, lengths, 1), sample_weight=np.clip(1 - margins, 1e-6, None)
        )
    order = smallest(margins, len(margins))
    _, first = np.unique(numbers[order], return_index=True)
    picked = order[np.sort(first)]
    rest = order[~np.isin(order, picked)][: count - len(picked)]
    rows = np.concatenate([picked, rest])
    return Picks(rows, np.bincount(numbers)[numbers[rows]])
