"""Whether two models differ on the same rows: a paired test, and paired bootstrap differences.

Where a row is right or wrong the test is McNemar's exact one, of accuracy; where it has many answers, as with
tags, rows are exchanged at random (`exchange_test`), and it is of the score that tells the models apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tokkit.inspection.comparison.resampling import holm
from tokkit.model.evaluation.intervals import intervals
from tokkit.model.tasks.row_sums import RowSums, exchange_test
from tokkit.progress import SILENT, Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Answered:
    """right  (rows,) which rows a model got right; None where a row is not just right or wrong
    drawn  score -> its values in the bootstrap samples, the same samples for every model
    sums   then, what the score to be tested follows from
    """

    right: NDArray[np.bool_] | None
    drawn: Mapping[str, NDArray[np.float64]]
    sums: RowSums | None = None


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """The two-sided p-value of "both are right equally often", from the rows that one got right and the other
    wrong: were the models alike, either would win such a row as a coin falls (McNemar 1947, exact).

    >>> mcnemar(np.array([True, True, True]), np.array([False, False, True]))
    0.5
    """
    from scipy.stats import binomtest

    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def against_the_best(
    models: Mapping[str, Answered], best: str, seed: int = 0, progress: Progress = SILENT
) -> list[dict[str, Any]]:
    """For each other model: how far its scores lie from the best one's, with 95 % intervals, and the p-value.

    ``test`` is ``mcnemar`` or ``exchange``, ``p_value`` what it gives, and ``p_adjusted`` the same after Holm
    over all pairs of the models: the best was picked by looking at these rows, so every pair counts.
    """
    pairs = list(combinations(models, 2))
    tested = [_tested(models[one], models[other], seed, progress) for one, other in pairs]
    p_values = [p_value for _, p_value in tested]
    adjusted = dict(zip(pairs, zip(p_values, holm(p_values), strict=True), strict=True))
    told = []
    for name, model in models.items():
        if name == best:
            continue
        p_value, p_adjusted = adjusted.get((name, best)) or adjusted[(best, name)]
        differences = {
            score: model.drawn[score] - models[best].drawn[score]
            for score in model.drawn
            if score in models[best].drawn
        }
        told.append(
            {
                "model": name,
                "best": best,
                "test": tested[0][0],
                "intervals": intervals(differences),
                "p_value": float(f"{p_value:.4g}"),
                "p_adjusted": float(f"{p_adjusted:.4g}"),
            }
        )
    return told


def _tested(one: Answered, other: Answered, seed: int, progress: Progress) -> tuple[str, float]:
    """Which test there is, and its p-value."""
    if one.right is not None and other.right is not None:
        return "mcnemar", mcnemar(one.right, other.right)
    assert one.sums is not None
    assert other.sums is not None
    return "exchange", exchange_test(one.sums, other.sums, seed, progress=progress)
