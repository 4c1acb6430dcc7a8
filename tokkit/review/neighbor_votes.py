"""What the neighbors of each row say of its label: the labels of the nearest vectors by cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.model.features.nearest_rows import Neighbors

# A neighbor whose cosine is this much lower than that of the nearest has 1 / e of its vote.
_WIDTH = 0.1


@dataclass(frozen=True)
class Votes:
    """counts      (rows, classes) neighbors of each row that have each label
    shares      (rows, classes) the same in shares, the nearer the neighbor the larger its vote
    neighbors   how many vote on a row
    """

    counts: NDArray[np.int64]
    shares: NDArray[np.float64]
    neighbors: int


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
