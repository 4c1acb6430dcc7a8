"""What the neighbors of each row say of its label: the labels of the nearest vectors by cosine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled

# Similarities computed at a time: 32 MB of float32.
_CELLS = 8_000_000


def nearest_rows(vectors: NDArray[np.float32], count: int, progress: Progress = SILENT) -> NDArray[np.int64]:
    """(rows, count) the nearest other rows of each row, the nearest first; of equally near ones the first.

    vectors   (rows, width); a vector of zeros is as far from every other
    """
    rows = len(vectors)
    count = min(count, rows - 1)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    nearest = np.empty((rows, count), dtype=np.int64)
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
            progress.advance(len(block))
    return nearest


def neighbor_votes(nearest: NDArray[np.int64], carries: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(rows, classes) how many neighbors of a row have each label.

    carries   (rows, classes) which labels each row has

    >>> neighbor_votes(np.array([[1, 2], [2, 0], [1, 0]]), np.eye(3, dtype=bool))
    array([[0, 1, 1],
           [1, 0, 1],
           [1, 1, 0]])
    """
    return carries[nearest].sum(axis=1)
