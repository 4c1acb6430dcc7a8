"""How sure a figure is: bootstrap intervals of ratios, and a paired test of whether two tokenizers differ.

Rows are resampled. All tokenizers are measured on the same draws, so that what rows have in common
falls out of their differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import SILENT, Progress, stop_if_cancelled

CONFIDENCE = 0.95
FLIPS = 9_999  # random flips of signs: the smallest p-value is 1 in 10,000
_CELLS = 4_000_000  # weights in memory at a time: 32 MB


def resampled_weights(
    rows: int, resamples: int, seed: int, progress: Progress = SILENT
) -> Iterator[NDArray[np.float64]]:
    """How often each row is in each bootstrap sample, (samples, rows), as many samples at a time as
    memory should hold.

    A sample draws as many rows as there are, with replacement, as `scipy.stats.bootstrap` does from the same
    seed. Weights times a column are its sums over the samples.
    """
    draw = np.random.default_rng(seed)
    at_once = max(1, _CELLS // max(rows, 1))
    for start in range(0, resamples, at_once):
        stop_if_cancelled(progress)
        samples = min(at_once, resamples - start)
        indices = draw.integers(0, rows, (samples, rows))
        # Sample i counts into cells i * rows to (i + 1) * rows - 1: one `bincount` serves all samples.
        indices += np.arange(samples)[:, None] * rows
        yield np.bincount(indices.ravel(), minlength=samples * rows).reshape(samples, rows).astype(np.float64)
        progress.advance(samples)


def resampled_sums(
    columns: NDArray[np.float64], resamples: int, seed: int, progress: Progress = SILENT
) -> NDArray[np.float64]:
    """The sum of every column in every bootstrap sample of the rows, (resamples, columns).

    columns  (rows, columns) whole numbers: their sums are exact, whatever the order they are added in
    """
    rows = len(columns)
    if not rows:
        return np.zeros((resamples, columns.shape[1]))
    # Whole numbers are exact in float64 up to 2^53: the order in which BLAS adds them does not matter.
    sums = [weights @ columns for weights in resampled_weights(rows, resamples, seed, progress)]
    return np.concatenate(sums) if sums else np.zeros((0, columns.shape[1]))


def interval(values: NDArray[np.float64], confidence: float = CONFIDENCE) -> list[float] | None:
    """The percentile bootstrap interval, [low, high]; None where no sample gave a figure.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    tail = 50 * (1 - confidence)  # in per cent: 2.5 for a confidence of 0.95
    low, high = np.percentile(known, [tail, 100 - tail])
    return [float(low), float(high)]


def sign_flip(differences: NDArray[np.int64], seed: int, flips: int = FLIPS) -> float:
    """The two-sided p-value of "no difference": how often chance alone gives a sum as far from zero.

    differences  (rows,) of a count, one tokenizer minus the other

    Were the tokenizers alike, each row's difference could as well have the other sign (Fisher's paired
    randomization test; for language technology, Yeh 2000).
    """
    # A difference of 0 has no sign to flip.
    sizes, rows = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    if not len(sizes):
        return 1.0
    draw = np.random.default_rng(seed)
    sums = np.zeros(flips, dtype=np.int64)
    for size, count in zip(sizes.tolist(), rows.tolist(), strict=True):
        # Rows with the same difference are flipped together: of m rows with the difference d, a binomial
        # number k keeps its sign, and their sum is d k - d (m - k) = d (2 k - m).
        sums += size * (2 * draw.binomial(count, 0.5, flips) - count)
    as_far = int((np.abs(sums) >= abs(int(differences.sum()))).sum())
    # The observed sum is one of the random ones, as in `scipy.stats.permutation_test`: never 0.
    return (as_far + 1) / (flips + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values, raised so that the chance of even one false claim among them stays what each says.

    The smallest is multiplied by how many there are, the next by one fewer, and none falls below the one
    before (Holm 1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted: dict[int, float] = {}
    highest = 0.0
    # 0.01, 0.04, 0.03: 3 * 0.01 = 0.03, 2 * 0.03 = 0.06, and 1 * 0.04 is raised to the 0.06 before it.
    for rank, number in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[number]))
        adjusted[number] = highest
    return [adjusted[number] for number in range(len(p_values))]
