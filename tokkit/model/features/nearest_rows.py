"""The nearest other rows of each row of a matrix of vectors, by cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled

# Similarities computed at a time: 32 MB of float32.
_CELLS = 8_000_000


@dataclass(frozen=True)
class Neighbors:
    """rows        (rows, count) the nearest other rows of each row, the nearest first
    similarity  (rows, count) their cosine
    """

    rows: NDArray[np.int64]
    similarity: NDArray[np.float64]


def nearest_rows(vectors: NDArray[np.float32], count: int, progress: Progress = SILENT) -> Neighbors:
    """The nearest other rows of each row; of equally near ones the first.

    vectors   (rows, width); a vector of zeros is as far from every other
    """
    rows = len(vectors)
    count = max(0, min(count, rows - 1))
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
