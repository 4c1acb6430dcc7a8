"""Scores that follow from sums over rows: drawn anew by the bootstrap, and with rows exchanged at random.

Accuracy is right answers over answers; F1 is twice the hits over what is true and what is predicted. The sums
of a row are columns; a score is a function of their sums, so that thousands of samples of the rows cost one
product of matrices each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.inspection.comparison.resampling import FLIPS, resampled_weights
from tokkit.model.metrics.spans import are_iob, spans_of
from tokkit.model.tasks.task import Task
from tokkit.progress import SILENT, Progress, stop_if_cancelled

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_CELLS = 4_000_000
"""Exchanges held at a time."""
_EQUAL = 1e-12
"""Scores closer than this are the same: sums of fractions, added in another order."""


@dataclass(frozen=True)
class RowSums:
    """A score of a table of predictions.

    columns   (columns, rows), a sparse matrix
    score     sums (columns, samples) -> (samples,)
    """

    columns: Any
    score: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    @property
    def value(self) -> float:
        """The score of all rows."""
        return float(self.score(self.columns.sum(axis=1).reshape(-1, 1))[0])


def row_sums(task: Task, labels: Sequence[str], metric: str, table: pl.DataFrame) -> RowSums | None:
    """The sums that this score of the predictions follows from; None for a score that is not of such a kind.

    table   as `report.prediction_table` gives it: ``label``, ``predicted``, ``loss``
    """
    import numpy as np
    from scipy import sparse

    if metric == "loss":
        losses = table["loss"].to_numpy()
        return RowSums(sparse.csr_array(np.stack([losses, np.ones(len(losses))])), _ratio)
    if metric == "accuracy":
        pairs = [
            (task.names(t), task.names(p)) for t, p in zip(table["label"], table["predicted"], strict=True)
        ]
        if task.by_row:
            right = [(float(set(true) == set(predicted)), 1.0) for true, predicted in pairs]
        else:
            right = [(sum(map(str.__eq__, true, said)), float(len(true))) for true, said in pairs]
        return RowSums(sparse.csr_array(np.array(right).T), _ratio)
    if metric == "span_f1":
        return _f1_sums(table, lambda written: _spans(task, labels, written), lambda span: 0, 1)
    number = {label: i for i, label in enumerate(labels)}
    if not task.by_row:
        return None
    if metric == "macro_f1":
        return _f1_sums(table, task.names, number.__getitem__, len(labels))
    chosen = metric.removeprefix("classes.").removesuffix(".f1")
    if metric == f"classes.{chosen}.f1" and chosen in number:
        return _f1_sums(table, lambda w: [n for n in task.names(w) if n == chosen], lambda name: 0, 1)
    return None


def bootstrap(
    scores: Sequence[RowSums], resamples: int, seed: int, progress: Progress = SILENT
) -> list[NDArray[np.float64]]:
    """Of each score its values in samples of the rows, (resamples,): the same samples for all of them."""
    import numpy as np

    drawn: list[list[NDArray[np.float64]]] = [[] for _ in scores]
    for weights in resampled_weights(scores[0].columns.shape[1], resamples, seed, progress):
        for values, each in zip(drawn, scores, strict=True):
            values.append(each.score(each.columns @ weights.T))
    return [np.concatenate(values) for values in drawn]


def exchange_test(
    first: RowSums, second: RowSums, seed: int, exchanges: int = FLIPS, progress: Progress = SILENT
) -> float:
    """The two-sided p-value of "no difference" between two models' answers to the same rows.

    Were they alike, each row's answers could as well be the other's: how often does exchanging them at random
    give scores as far apart (approximate randomization, Yeh 2000)? With the scores themselves among the
    random ones the p-value is never zero.
    """
    import numpy as np

    apart = (second.columns - first.columns).tocsc()
    differing = np.flatnonzero(np.diff(apart.indptr))
    apart = apart[:, differing].tocsr()
    one, other = (each.columns.sum(axis=1).reshape(-1, 1) for each in (first, second))
    observed = abs(float((first.score(one) - second.score(other))[0]))
    draw = np.random.default_rng(seed)
    as_far, at_once = 0, max(1, _CELLS // max(len(differing), 1))
    for start in range(0, exchanges, at_once):
        stop_if_cancelled(progress)
        samples = min(at_once, exchanges - start)
        exchanged = draw.integers(0, 2, (len(differing), samples), dtype=np.int8).astype(np.float64)
        moved = apart @ exchanged
        gaps = np.abs(first.score(one + moved) - second.score(other - moved))
        as_far += int((gaps >= observed - _EQUAL).sum())
    return (as_far + 1) / (exchanges + 1)


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return sums[0] / sums[1]


def _mean_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """sums: hits of every class, then what is true and what is predicted of every class."""
    import numpy as np

    hits, sizes = np.split(sums, 2)
    return (2 * hits / np.maximum(sizes, 1)).mean(axis=0)


def _f1_sums(
    table: pl.DataFrame, answers: Callable[[str], Sequence[Any]], number: Callable[[Any], int], classes: int
) -> RowSums:
    """answers   what a row is said to be, of which those that are true are hits
    number    the class of an answer
    """
    import numpy as np
    from scipy import sparse

    places: list[tuple[int, int]] = []
    for row, (label, predicted) in enumerate(zip(table["label"], table["predicted"], strict=True)):
        true, said = set(answers(label)), set(answers(predicted))
        places += [(number(each), row) for each in true & said]
        places += [(classes + number(each), row) for part in (true, said) for each in part]
    at = np.array(places, dtype=np.int64).reshape(-1, 2).T
    columns = sparse.coo_array((np.ones(at.shape[1]), (at[0], at[1])), shape=(2 * classes, len(table)))
    return RowSums(columns.tocsr(), _mean_f1)


def _spans(task: Task, labels: Sequence[str], written: str) -> Sequence[Any]:
    return spans_of(task.names(written), are_iob(labels))
