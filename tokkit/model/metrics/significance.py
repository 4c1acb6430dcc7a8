"""How certain scores are: bootstrap intervals (Efron and Tibshirani 1993) and paired tests between models.

A score here is a function of sums over rows: accuracy is correct rows over rows, F1 is twice the hits over
what is true and what is predicted. With what each row adds as a column, thousands of samples of the rows cost
one product of matrices each.

Two models on the same rows are compared by McNemar's exact test of accuracy where a row is either correct or
not, and by exchanging rows at random where a row has many predictions, as with tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import bdtr

from tokkit.inspection.comparison.resampling import FLIPS, holm, interval, resampled_weights
from tokkit.model.metrics.classification import Decisions
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled

Name = TypeVar("Name")

# Exchanges computed at a time: 32 MB of float64.
_CELLS = 4_000_000
# Scores closer than this are equal: sums of fractions, added in another order.
_TOLERANCE = 1e-12


@dataclass(frozen=True)
class RowSums:
    """A score as a function of sums over rows.

    columns   (columns, rows) sparse: what each row adds to each sum
    score     (columns, samples) sums -> (samples,) scores
    """

    columns: Any
    score: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    @property
    def value(self) -> float:
        """The score of all rows."""
        return float(self.score(self.columns.sum(axis=1).reshape(-1, 1))[0])

    @classmethod
    def ratio(cls, parts: NDArray[Any], wholes: NDArray[Any] | None = None) -> RowSums:
        """The sum of ``parts`` (rows,) over that of ``wholes``; over the rows, their mean, without wholes."""
        # A mean is the ratio of a sum and a count, so that every sample counts its own rows.
        wholes = np.ones(len(parts)) if wholes is None else wholes
        return cls(sparse.csr_array(np.stack([parts, wholes]).astype(np.float64)), _ratio)

    @classmethod
    def mean_f1(cls, hits: Any, sizes: Any) -> RowSums:
        """The mean F1 of classes; a class that is neither true nor predicted has 0.

        hits   (classes, rows) sparse: what is both true and predicted
        sizes  (classes, rows) sparse: what is true plus what is predicted
        """
        return cls(sparse.vstack([hits, sizes], format="csr", dtype=np.float64), _mean_f1)

    @classmethod
    def correlation(cls, first: NDArray[np.float64], second: NDArray[np.float64]) -> RowSums:
        """Pearson's r of two columns (rows,); NaN where one of them is constant."""
        # Centered, so that the sums of squares below lose no digits.
        x, y = first - first.mean(), second - second.mean()
        return cls(sparse.csr_array(np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y])), _correlation)


def _correlation(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        values: NDArray[np.float64] = (rows * xy - x * y) / np.sqrt((rows * xx - x * x) * (rows * yy - y * y))
    return values


def _ratio(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return sums[0] / sums[1]


def _mean_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    hits, sizes = np.split(sums, 2)
    return (2 * hits / np.maximum(sizes, 1)).mean(axis=0)


def decision_sums(losses: NDArray[np.float64], decisions: Decisions | None) -> dict[str, RowSums]:
    """``loss`` of (rows,) losses and, where there are decisions, ``accuracy`` and ``macro_f1``."""
    scores = {"loss": RowSums.ratio(losses)}
    if decisions is not None:
        truth, predicted = decisions.truth.T, decisions.predicted.T
        scores["accuracy"] = RowSums.ratio(decisions.correct)
        scores["macro_f1"] = RowSums.mean_f1(
            sparse.csr_array(truth & predicted), sparse.csr_array(truth.astype(np.int8) + predicted)
        )
    return scores


def bootstrap(
    scores: Mapping[Name, RowSums], resamples: int, seed: int, progress: Progress = SILENT
) -> dict[Name, NDArray[np.float64]]:
    """Name -> (resamples,) the score in bootstrap samples of the rows, the same samples for all scores.

    The same seed and number of rows give the same samples, so that scores of two models are paired.
    """
    if not resamples or not scores:
        return {}
    parts: dict[Name, list[NDArray[np.float64]]] = {name: [] for name in scores}
    rows = next(iter(scores.values())).columns.shape[1]
    with stage(progress, "resampling", resamples, "samples"):
        for weights in resampled_weights(rows, resamples, seed, progress):
            # Once for all scores: each sparse product would copy it.
            by_row = np.ascontiguousarray(weights.T)
            for name, score in scores.items():
                parts[name].append(score.score(score.columns @ by_row))
    return {name: np.concatenate(values) for name, values in parts.items()}


def intervals(samples: Mapping[str, NDArray[np.float64]]) -> dict[str, list[float]]:
    """Name -> [low, high], the 95 % interval of its values in the samples, rounded to six decimals."""
    exact = {name: interval(values) for name, values in samples.items()}
    return {name: [round(bound, 6) for bound in bounds] for name, bounds in exact.items() if bounds}


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """The two-sided p-value of "both are correct equally often" (McNemar 1947, exact).

    first, second  (rows,) which rows each model has correct

    Only rows that one model has correct and the other has not tell them apart; were the models alike, either
    would win such a row with probability one half.

    >>> mcnemar(np.array([True, True, True]), np.array([False, False, True]))
    0.5
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    rows = only_first + only_second
    # Twice the smaller tail of a fair coin; where both win equally often the two tails overlap.
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), rows, 0.5))) if rows else 1.0


def exchange_test(
    first: RowSums, second: RowSums, seed: int, exchanges: int = FLIPS, progress: Progress = SILENT
) -> float:
    """The two-sided p-value of "no difference" between the predictions of two models for the same rows.

    Were the models alike, each row's predictions could as well be the other's: how often does exchanging them
    at random give scores as far apart (approximate randomization, Yeh 2000)? The observed scores count as one
    of the exchanges, so the p-value is never zero.
    """
    difference = (second.columns - first.columns).tocsc()
    # Exchanging rows that both models predict alike changes nothing: they are left out.
    differing = np.flatnonzero(np.diff(difference.indptr))
    difference = difference[:, differing].tocsr()
    one, other = (score.columns.sum(axis=1).reshape(-1, 1) for score in (first, second))
    observed = abs(float((first.score(one) - second.score(other))[0]))
    rng = np.random.default_rng(seed)
    as_far, at_once = 0, max(1, _CELLS // max(len(differing), 1))
    for start in range(0, exchanges, at_once):
        stop_if_cancelled(progress)
        samples = min(at_once, exchanges - start)
        exchanged = rng.integers(0, 2, (len(differing), samples), dtype=np.int8).astype(np.float64)
        # What an exchange adds to the sums of one model it takes from those of the other.
        moved = difference @ exchanged
        gaps = np.abs(first.score(one + moved) - second.score(other - moved))
        as_far += int((gaps >= observed - _TOLERANCE).sum())
    return (as_far + 1) / (exchanges + 1)


@dataclass(frozen=True)
class PairedScores:
    """What a model is compared by, on the same rows as the others.

    correct    (rows,) which rows it has correct; None where a row has many predictions
    resampled  score -> its values in bootstrap samples, the same samples for every model
    sums       the score to test where there is no ``correct``
    """

    correct: NDArray[np.bool_] | None
    resampled: Mapping[str, NDArray[np.float64]]
    sums: RowSums | None = None


def compare_with_best(
    models: Mapping[str, PairedScores], best: str, seed: int = 0, progress: Progress = SILENT
) -> list[dict[str, Any]]:
    """For each other model, its score differences from the best with 95 % intervals, and a p-value.

    ``test`` is ``mcnemar`` or ``exchange``, ``p_value`` its result, and ``p_adjusted`` the same after Holm
    over all pairs of models: the best was selected on these rows, so every pair counts as tested.
    """
    pairs = list(combinations(models, 2))
    tested = [_test(models[one], models[other], seed, progress) for one, other in pairs]
    p_values = [p_value for _, p_value in tested]
    # Over all pairs, not just those with the best: which one is best was seen on these rows.
    adjusted = dict(zip(pairs, zip(p_values, holm(p_values), strict=True), strict=True))
    comparisons, of_best = [], models[best].resampled
    for name, model in models.items():
        if name == best:
            continue
        p_value, p_adjusted = adjusted.get((name, best)) or adjusted[(best, name)]
        comparisons.append(
            {
                "model": name,
                "best": best,
                "test": tested[0][0],
                "intervals": intervals(
                    {score: values - of_best[score] for score, values in model.resampled.items()}
                ),
                "p_value": float(f"{p_value:.4g}"),
                "p_adjusted": float(f"{p_adjusted:.4g}"),
            }
        )
    return comparisons


def _test(one: PairedScores, other: PairedScores, seed: int, progress: Progress) -> tuple[str, float]:
    if one.correct is not None and other.correct is not None:
        return "mcnemar", mcnemar(one.correct, other.correct)
    assert one.sums is not None
    assert other.sums is not None
    return "exchange", exchange_test(one.sums, other.sums, seed, progress=progress)
