"""What the neighbors of each row say of its label: the labels of the nearest vectors by cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled

# Similarities computed at a time: 32 MB of float32.
_CELLS = 8_000_000
# A neighbor whose cosine is this much lower than that of the nearest has 1 / e of its vote.
_WIDTH = 0.1


@dataclass(frozen=True)
class Neighbors:
    """rows        (rows, count) the nearest other rows of each row, the nearest first
    similarity  (rows, count) their cosine
    """

    rows: NDArray[np.int64]
    similarity: NDArray[np.float64]


@dataclass(frozen=True)
class Votes:
    """counts      (rows, classes) neighbors of each row that have each label
    shares      (rows, classes) the same in shares, the nearer the neighbor the larger its vote
    neighbors   how many vote on a row
    """

    counts: NDArray[np.int64]
    shares: NDArray[np.float64]
    neighbors: int


def nearest_rows(vectors: NDArray[np.float32], count: int, progress: Progress = SILENT) -> Neighbors:
    """The nearest other rows of each row; of equally near ones the first.

    vectors   (rows, width); a vector of zeros is as far from every other
    """
    rows = len(vectors)
    count = min(count, rows - 1)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    nearest, similarity = np.empty((rows, count), dtype=np.int64), np.empty((rows, count))
    at_once = max(1, _CELLS // rows)
    with stage(progress, "finding neighbors", rows, "rows"):
        for start in range(0, rows, at_once):
            stop_if_cancelled(progress)
            block = np.arange(start, min(start + at_once, rows))
            similar = units[block] @ units.T
            similar[np.arange(len(block)), block] = -np.inf
            # The few nearest first, which takes a fraction of sorting all of them.
            top = np.sort(np.argpartition(-similar, count - 1, axis=1)[:, :count], axis=1)
            order = np.argsort(-np.take_along_axis(similar, top, axis=1), axis=1, kind="stable")
            nearest[block] = np.take_along_axis(top, order, axis=1)
            similarity[block] = np.take_along_axis(similar, nearest[block], axis=1)
            progress.advance(len(block))
    return Neighbors(nearest, similarity)


def neighbor_votes(neighbors: Neighbors, carries: NDArray[np.bool_]) -> Votes:
    """The votes of the neighbors of each row.

    carries   (rows, classes) which labels each row has

    >>> neighbors = Neighbors(np.array([[1, 2], [2, 0], [1, 0]]), np.ones((3, 2)))
    >>> votes = neighbor_votes(neighbors, np.eye(3, dtype=bool))
    >>> votes.counts.tolist(), votes.shares[0].tolist()
    ([[0, 1, 1], [1, 0, 1], [1, 1, 0]], [0.0, 0.5, 0.5])
    """
    weights = np.exp((neighbors.similarity - neighbors.similarity[:, :1]) / _WIDTH)
    weights /= weights.sum(axis=1, keepdims=True)
    # One neighbor at a time: all at once would be rows x neighbors x classes.
    counts = np.zeros(carries.shape, dtype=np.int64)
    shares = np.zeros(carries.shape)
    for i in range(neighbors.rows.shape[1]):
        has = carries[neighbors.rows[:, i]]
        counts += has
        shares += weights[:, i : i + 1] * has
    return Votes(counts, shares, neighbors.rows.shape[1])
