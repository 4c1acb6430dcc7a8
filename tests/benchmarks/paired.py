"""Scores of runs over several seeds on the same rows, and intervals of their differences.

A score is the mean over classes of a ratio of sums over rows (`Counts`), so that accuracy, macro F1 and span
F1 are resampled alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from seqeval.metrics.sequence_labeling import get_entities

Counts = NDArray[np.float64]
"""(rows, 2, classes): what each row adds to the two sides of the ratio of each class."""

RESAMPLES = 2_000


def counts_of(predictions: Path, *, tags: bool) -> dict[str, Counts]:
    """Score -> its counts, from the columns ``label`` and ``predicted`` of a Parquet file."""
    rows = pl.read_parquet(predictions, columns=["label", "predicted"])
    if tags:
        return {"span_f1": span_counts(rows)}
    true, predicted = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    classes = np.unique(true)
    is_true, is_predicted = true[:, None] == classes, predicted[:, None] == classes
    correct = (true == predicted)[:, None].astype(np.float64)
    f1 = [2.0 * (is_true & is_predicted), is_true.astype(np.float64) + is_predicted]
    return {
        "accuracy": np.stack([correct, np.ones_like(correct)], axis=1),
        "macro_f1": np.stack(f1, axis=1),
    }


def span_counts(rows: pl.DataFrame) -> Counts:
    """Micro-averaged F1 of the spans, as `seqeval` finds them by default."""
    pairs = [
        [set(get_entities(tags.split())) for tags in row] for row in rows["label", "predicted"].iter_rows()
    ]
    both = [[[2.0 * len(true & predicted)], [len(true) + len(predicted)]] for true, predicted in pairs]
    return np.array(both)


def score(runs: Sequence[Counts]) -> float:
    """The mean of the scores of the runs."""
    return float(np.mean([_ratio(run.sum(axis=0)) for run in runs]))


def interval(first: Sequence[Counts], second: Sequence[Counts], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the score of the second runs minus that of the first.

    The same rows are sampled for all runs; the runs of either side are sampled too, because seeds differ.
    """
    rng = np.random.default_rng(seed)
    rows = len(first[0])
    sides = [np.stack(side).reshape(len(side), rows, -1) for side in (first, second)]
    differences = []
    for _ in range(RESAMPLES):
        weights = rng.multinomial(rows, np.full(rows, 1 / rows)).astype(np.float64)
        means = []
        for side in sides:
            sums = np.einsum("r,src->sc", weights, side[rng.integers(0, len(side), len(side))])
            means.append(np.mean([_ratio(run.reshape(2, -1)) for run in sums]))
        differences.append(means[1] - means[0])
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def print_differences(runs: Mapping[str, Sequence[Mapping[str, Counts]]], reference: str) -> None:
    """A line per name and score: each run, the mean, and the difference from the reference."""
    for measure in runs[reference][0]:
        base = [run[measure] for run in runs[reference]]
        for name, scores in runs.items():
            own = [run[measure] for run in scores]
            each = ", ".join(f"{score([run]):.4f}" for run in own)
            line = f"{measure:9} {name:12} {score(own):.4f} ({each})"
            if name != reference:
                low, high = interval(base, own)
                line += f"  {score(own) - score(base):+.4f} [{low:+.4f}, {high:+.4f}] to {reference}"
            print(line, flush=True)


def _ratio(sums: Counts) -> float:
    return float((sums[0] / np.maximum(sums[1], 1)).mean())
