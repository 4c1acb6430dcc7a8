"""Class weights for a loss, and the sidecar file in which `rebalance` writes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from tokkit.data.dataset import TRAIN, Dataset

BALANCED, SQUARE_ROOT, EFFECTIVE = "balanced", "sqrt", "effective"
WEIGHTS = (BALANCED, SQUARE_ROOT, EFFECTIVE)
SIDECAR = "weights.json"


def class_weights(
    counts: Mapping[str, int], how: str = BALANCED, beta: float | None = None
) -> dict[str, float]:
    """Weight of every class, rounded to six decimals, such that the mean over all rows is 1.

    counts   rows of each class, one at least
    how      ``balanced``: 1 / rows, as scikit-learn's; ``sqrt``: 1 / the square root of rows;
             ``effective``: (1 - beta) / (1 - beta^rows), Cui et al. 2019, Class-Balanced Loss
    beta     of ``effective``, from 0 (no weights) to below 1 (balanced); (N - 1) / N of N rows by default

    >>> class_weights({"a": 6, "b": 3, "c": 1})
    {'a': 0.555556, 'b': 1.111111, 'c': 3.333333}
    """
    rows = sum(counts.values())
    beta = (rows - 1) / rows if beta is None else beta
    raw = {label: _RAW[how](n, beta) for label, n in counts.items()}
    # a mean of 1 keeps the learning rate comparable to a loss without weights
    scale = rows / sum(raw[label] * n for label, n in counts.items())
    return {label: round(weight * scale, 6) for label, weight in raw.items()}


def sidecar_of(dataset: Dataset) -> Path | None:
    """The file of class weights next to the training rows, if any."""
    source = Path(dataset.source)
    files = dataset.split(TRAIN).files
    at = source / SIDECAR if source.is_dir() else files[0].with_name(f"{files[0].name}.{SIDECAR}")
    return at if at.is_file() else None


def _effective(n: int, beta: float) -> float:
    # expm1 keeps digits where beta^n is near 1
    return (1 - beta) / -math.expm1(n * math.log(beta)) if beta else 1.0


_RAW: dict[str, Callable[[int, float], float]] = {
    BALANCED: lambda n, beta: 1 / n,
    SQUARE_ROOT: lambda n, beta: 1 / math.sqrt(n),
    EFFECTIVE: _effective,
}
