"""Whether two models differ on the same rows: McNemar's exact test, and paired bootstrap differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tokkit.inspection.comparison.resampling import holm
from tokkit.model.evaluation.intervals import intervals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Answered:
    """right  (rows,) which rows a model got right
    drawn  score -> its values in the bootstrap samples, the same samples for every model
    """

    right: NDArray[np.bool_]
    drawn: Mapping[str, NDArray[np.float64]]


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


def against_the_best(models: Mapping[str, Answered], best: str) -> list[dict[str, Any]]:
    """For each other model: how far its scores lie from the best one's, with 95 % intervals, and the p-value.

    ``p_value`` is McNemar's, ``p_adjusted`` the same after Holm over all pairs of the models: the best was
    picked by looking at these rows, so every pair counts as tested.
    """
    pairs = list(combinations(models, 2))
    p_values = [mcnemar(models[one].right, models[other].right) for one, other in pairs]
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
                "intervals": intervals(differences),
                "p_value": float(f"{p_value:.4g}"),
                "p_adjusted": float(f"{p_adjusted:.4g}"),
            }
        )
    return told
