"""Rows whose label is likely wrong: confident learning (Northcutt, Jiang and Chuang 2021).

A model that did not see a row contradicts its label with confidence. Confident of class j means: at least as
sure of j as it is, on average, of the rows that carry the label j. A rare or hard class so has a lower bar
than an easy one, and overconfidence falls out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SLACK = 1e-6
"""A share this little below the bar is at it: means of equal numbers may differ in their last bit."""


@dataclass(frozen=True)
class LabelIssues:
    """rows       (n,) the rows whose label is likely wrong, the likeliest first
    suggested  (n,) the class ids that are confidently theirs
    margins    (n,) share of the given label less the highest of the others: the lower, the likelier
    joint      (classes, classes) estimated rows by given (row) and true (column) label; sums to all rows
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    margins: NDArray[np.float64]
    joint: NDArray[np.float64]


def find_label_issues(shares: NDArray[np.float64], given: NDArray[np.int64]) -> LabelIssues:
    """The rows off the diagonal of the confident joint (the paper's method 2), ranked by margin.

    shares  (rows, classes) probabilities of a model that did not see the row in training
    given   (rows,) class ids
    """
    import numpy as np

    rows, classes = shares.shape
    counts = np.bincount(given, minlength=classes)
    own = shares[np.arange(rows), given]
    with np.errstate(invalid="ignore"):
        bars = np.where(counts > 0, np.bincount(given, weights=own, minlength=classes) / counts, np.inf)
    reached = np.where(shares >= bars - _SLACK, shares, -1.0)
    confident = reached.max(axis=1) >= 0
    likely = np.where(confident, reached.argmax(axis=1), given)
    others = shares.copy()
    others[np.arange(rows), given] = -1.0
    margins = own - others.max(axis=1)
    issues = np.flatnonzero(likely != given)
    issues = issues[np.argsort(margins[issues], kind="stable")]
    joint = np.zeros((classes, classes))
    np.add.at(joint, (given[confident], likely[confident]), 1)
    return LabelIssues(issues, likely[issues], margins[issues], _calibrated(joint, counts))


def _calibrated(joint: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The joint with every row scaled to the rows that carry the label (equation 3 of the paper)."""
    import numpy as np

    sums = joint.sum(axis=1, keepdims=True)
    unseen = sums[:, 0] == 0
    joint = joint / np.where(sums == 0, 1, sums) * counts[:, None]
    joint[unseen, unseen] = counts[unseen]  # of a label nothing confident is known, it is believed
    return joint
