"""Rows whose label is likely wrong: confident learning (Northcutt, Jiang and Chuang 2021).

A row is an issue where a model that was not trained on it is confident of another class than its label.
Confident of class j means: at least as sure of j as it is, on average, of the rows labeled j. So a rare or
hard class has a lower bar than an easy one, and overconfidence cancels out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A probability this little below the bar reaches it: means of equal numbers may differ in their last bit.
_SLACK = 1e-6


@dataclass(frozen=True)
class LabelIssues:
    """rows       (n,) row indices, the likeliest issue first
    suggested  (n,) the class id that the model is confident of
    margins    (n,) probability of the given label less the highest of the others: the lower, the likelier
    joint      (classes, classes) estimated rows by given (row) and true (column) label; sums to all rows
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    margins: NDArray[np.float64]
    joint: NDArray[np.float64]


def find_label_issues(shares: NDArray[np.float64], given: NDArray[np.int64]) -> LabelIssues:
    """The rows off the diagonal of the confident joint (the paper's method 2), ranked by margin.

    shares  (rows, classes) probabilities from a model that was not trained on the row
    given   (rows,) class ids
    """
    rows, classes = shares.shape
    counts = np.bincount(given, minlength=classes)
    own = shares[np.arange(rows), given]
    # A class without rows has no mean to compare with: nothing is confidently of it.
    with np.errstate(invalid="ignore"):
        bars = np.where(counts > 0, np.bincount(given, weights=own, minlength=classes) / counts, np.inf)
    above = np.where(shares >= bars - _SLACK, shares, -1.0)
    confident = above.max(axis=1) >= 0
    likely = np.where(confident, above.argmax(axis=1), given)
    others = shares.copy()
    others[np.arange(rows), given] = -1.0
    margins = own - others.max(axis=1)
    issues = np.flatnonzero(likely != given)
    issues = issues[np.argsort(margins[issues], kind="stable")]
    joint = np.zeros((classes, classes))
    np.add.at(joint, (given[confident], likely[confident]), 1)
    return LabelIssues(issues, likely[issues], margins[issues], _calibrated(joint, counts))


def _calibrated(joint: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The joint with every row scaled to the rows that have the label (equation 3 of the paper)."""
    # At least one row of a label reaches the mean of its rows: a sum is 0 only where the label has no row.
    return joint / np.maximum(joint.sum(axis=1, keepdims=True), 1) * counts[:, None]
