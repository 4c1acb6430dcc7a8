"""Rows worth labeling: those that a model is least sure of, and of these diverse ones.

margins of all rows -> candidates, those with the smallest -> clusters of their vectors, as many as rows are
picked, up to a limit -> of each cluster in turn the row with the smallest margin
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tokkit.model.tasks.task import Task

# Time grows with rows times clusters: 4,800 of 14,400 rows took minutes, and near clusters are alike.
_CLUSTERS = 512
_ROUNDS = 50


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
    alike   rows of the cluster of which each is the least sure, itself included; 1 for others of a cluster
    """

    rows: NDArray[np.int64]
    alike: NDArray[np.int64]


def diverse(vectors: NDArray[np.float32], margins: NDArray[np.float64], count: int, seed: int) -> Picks:
    """``count`` of the rows: the least sure one of each cluster of vectors, then the next one of each.

    Clusters are those of k-means over rows weighted by how unsure the model is of them (Zhdanov 2019): alike
    rows, which teach the same, are in one of them.
    """
    # Here alone, as commands without it need no scikit-learn.
    from sklearn.cluster import KMeans

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    clusters = KMeans(min(count, len(vectors), _CLUSTERS), n_init=1, max_iter=_ROUNDS, random_state=seed)
    # Sums in another order would be other clusters.
    with threadpool_limits(1), warnings.catch_warnings():
        # Fewer distinct vectors than clusters leave some of these empty; a cluster need not be the best one.
        warnings.simplefilter("ignore")
        numbers = clusters.fit_predict(
            vectors / np.where(lengths > 0, lengths, 1), sample_weight=np.clip(1 - margins, 1e-6, None)
        )
    ranks = _ranks(numbers, margins)
    rows = np.lexsort((margins, ranks))[:count]
    rows = rows[np.argsort(margins[rows], kind="stable")]
    return Picks(rows, np.where(ranks[rows] == 0, np.bincount(numbers)[numbers[rows]], 1))


def _ranks(numbers: NDArray[np.int64], margins: NDArray[np.float64]) -> NDArray[np.int64]:
    """(rows,) how many rows of its cluster are less sure than each."""
    order = np.lexsort((margins, numbers))
    _, first, sizes = np.unique(numbers[order], return_index=True, return_counts=True)
    ranks = np.empty(len(numbers), np.int64)
    ranks[order] = np.arange(len(numbers)) - np.repeat(first, sizes)
    return ranks
