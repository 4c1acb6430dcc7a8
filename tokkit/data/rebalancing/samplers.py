"""The registry of strategies: imbalanced-learn's samplers that choose among rows, and the random ones.

A sampler is listed here only if it returns rows of the source. Those that synthesize vectors between rows are
refused: no text belongs to such a vector.

To add one that compares rows by their vectors, write a class with ``fit_resample(vectors, classes)``, which
leaves the rows it keeps in ``sample_indices_`` (imbalanced-learn's interface), and one entry in `SAMPLERS`.
The contract tests in tests/data/test_data_rebalance_samplers.py run over every entry. Nothing here loads a
library until a sampler is built: `--help` lists the strategies.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokkit.errors import InputError, UsageError, did_you_mean

OVERSAMPLE, UNDERSAMPLE, WEIGHTS = "oversample", "undersample", "weights"
# Neighbors compared with, imbalanced-learn's default; fewer where there are fewer rows.
_NEIGHBORS = 3


@dataclass(frozen=True)
class Sampling:
    """One run of a sampler.

    strategy   class -> rows wanted, for samplers that cut to targets; for others the classes to clean
    counts     rows of each class
    """

    strategy: Mapping[int, int] | Sequence[int]
    counts: Sequence[int]
    seed: int


@dataclass(frozen=True)
class Sampler:
    """One sampler that compares rows by their vectors.

    path         a class of imbalanced-learn's under_sampling, or ``module:Class``; loaded when it is used
    arguments    of the class, for one run
    to_targets   whether it cuts classes to the rows wanted; else it cleans by a rule of its own
    max_rows     more take many minutes, or the machine's memory
    """

    summary: str
    path: str
    arguments: Callable[[Sampling], Mapping[str, Any]]
    to_targets: bool = False
    max_rows: int = 50_000

    def build(self, sampling: Sampling) -> Any:
        """The object with ``fit_resample``."""
        return load_class(self.path)(**self.arguments(sampling))


def load_class(path: str) -> Any:
    """The class at ``module:Class``; imbalanced-learn takes a second to load, so it is loaded when used."""
    module, _, name = path.rpartition(":")
    return getattr(importlib.import_module(module or "imblearn.under_sampling"), name)


def _nearmiss(summary: str, version: int, max_rows: int = 50_000) -> Sampler:
    def arguments(sampling: Sampling) -> dict[str, Any]:
        counts = sampling.counts
        return {
            "sampling_strategy": dict(sampling.strategy),  # type: ignore[arg-type] # cuts to targets
            "version": version,
            # more neighbors than rows of a class is an error in imbalanced-learn
            "n_neighbors": min(_NEIGHBORS, *counts),
            "n_neighbors_ver3": min(_NEIGHBORS, *(counts[number] for number in sampling.strategy)),
        }

    return Sampler(summary, "NearMiss", arguments, to_targets=True, max_rows=max_rows)


def _clean(sampling: Sampling) -> dict[str, Any]:
    return {"sampling_strategy": list(sampling.strategy)}


def _by_neighbors(sampling: Sampling) -> dict[str, Any]:
    return {**_clean(sampling), "n_neighbors": min(_NEIGHBORS, sum(sampling.counts) - 1)}


def _seeded(sampling: Sampling) -> dict[str, Any]:
    return {**_clean(sampling), "random_state": sampling.seed}


# Name -> sampler that compares rows. All of them keep every row of the rarest classes.
SAMPLERS: dict[str, Sampler] = {
    "nearmiss-1": _nearmiss("as undersample, keeping rows nearest to rare ones", 1),
    "nearmiss-2": _nearmiss("the same, near to the farthest rare ones", 2, max_rows=20_000),
    "nearmiss-3": _nearmiss("the same, of the neighbors of rare rows", 3),
    "tomek": Sampler(
        "drop rows that are one another's nearest with a row of another class", "TomekLinks", _clean
    ),
    "enn": Sampler(
        "drop rows whose three nearest are not all of their class", "EditedNearestNeighbours", _by_neighbors
    ),
    "repeated-enn": Sampler(
        "the same, until nothing changes", "RepeatedEditedNearestNeighbours", _by_neighbors, max_rows=20_000
    ),
    "allknn": Sampler("the same with one, two and three nearest", "AllKNN", _by_neighbors),
    "one-sided": Sampler("tomek, and drop rows far from the border", "OneSidedSelection", _seeded),
    "condensed": Sampler(
        "keep the rows that the nearest neighbor needs", "CondensedNearestNeighbour", _seeded, max_rows=5_000
    ),
}

STRATEGIES: dict[str, str] = {
    OVERSAMPLE: "repeat random rows until all classes have as many as the largest",
    UNDERSAMPLE: "leave out random rows until all classes have as few as the smallest",
    WEIGHTS: "leave the rows as they are, and only weight the classes",
    **{name: sampler.summary for name, sampler in SAMPLERS.items()},
}

_ALIASES = {"nearmiss": "nearmiss-1"}
# Samplers that synthesize vectors, as imbalanced-learn calls them, in lower case.
_SYNTHETIC = (
    *("smote", "smotenc", "smoten", "borderlinesmote", "svmsmote", "kmeanssmote", "adasyn"),
    *("smoteenn", "smotetomek", "clustercentroids"),
)


def strategy_named(name: str) -> str:
    """The strategy of that name; raises `UsageError` for an unknown one, and one that synthesizes vectors."""
    name = _ALIASES.get(name, name)
    if re.sub(r"[-_ ]", "", name.casefold()) in _SYNTHETIC:
        raise UsageError(
            f"--strategy {name}: synthesizes vectors between rows, and no text belongs to such a vector",
            hint="weight the classes first; else cap the large ones (--max-per-class), or repeat rows of the "
            "small ones:\n--strategy weights\n--strategy oversample",
        )
    if name not in STRATEGIES:
        near = did_you_mean(name, STRATEGIES)
        raise UsageError(f'--strategy: invalid value "{name}": choose from {", ".join(STRATEGIES)}{near}')
    return name


def check_size(name: str, rows: int, where: str) -> None:
    """Raises `InputError` for more rows than the sampler can compare with one another."""
    most = SAMPLERS[name].max_rows
    if rows > most:
        raise InputError(
            f"{where}: {name} compares every row with every other, and {rows:,} rows are more than its "
            f"limit of {most:,}",
            hint=f"sample at random (--max-per-class), or compare a part:\n--sample {most}",
        )
