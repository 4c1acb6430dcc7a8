"""The ways to rebalance by name, and imbalanced-learn's samplers that choose among rows by their vectors.

A sampler stands here only if it gives back rows of the source. Those that make up vectors between rows are
refused with the reason: no text belongs to such a vector.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OVERSAMPLE, UNDERSAMPLE, WEIGHTS = "oversample", "undersample", "weights"
_NEIGHBORS = 3
"""Neighbours that are asked, imbalanced-learn's default; fewer where there are fewer rows."""


@dataclass(frozen=True)
class Choice:
    """What a sampler is told: class -> rows wanted (or the classes to clean), and how many rows there are."""

    strategy: Mapping[int, int] | Sequence[int]
    counts: NDArray[np.int64]
    seed: int

    @property
    def neighbors(self) -> int:
        return min(_NEIGHBORS, int(self.counts.sum()) - 1)


@dataclass(frozen=True)
class Sampler:
    """One sampler that compares rows by their vectors.

    build        the imbalanced-learn sampler
    to_targets   whether it cuts classes to the rows asked for; else it cleans by a rule of its own
    most_rows    beyond which it takes many minutes, or the machine's memory
    """

    summary: str
    build: Callable[[Choice], Any]
    to_targets: bool
    most_rows: int


def _nearmiss(version: int) -> Callable[[Choice], Any]:
    def build(choice: Choice) -> Any:
        from imblearn.under_sampling import NearMiss

        assert isinstance(choice.strategy, Mapping)
        return NearMiss(
            sampling_strategy=dict(choice.strategy),
            version=version,
            n_neighbors=min(_NEIGHBORS, int(choice.counts.min())),
            n_neighbors_ver3=min(_NEIGHBORS, *(int(choice.counts[each]) for each in choice.strategy)),
        )

    return build


def _cleaner(name: str, neighbors: bool = False, seeded: bool = False) -> Callable[[Choice], Any]:
    def build(choice: Choice) -> Any:
        from imblearn import under_sampling

        settings: dict[str, Any] = {"sampling_strategy": list(choice.strategy)}
        if neighbors:
            settings["n_neighbors"] = choice.neighbors
        if seeded:
            settings["random_state"] = choice.seed
        return getattr(under_sampling, name)(**settings)

    return build


SAMPLERS: dict[str, Sampler] = {
    "nearmiss-1": Sampler(
        "as undersample, keeping rows nearest to rare ones", _nearmiss(1), to_targets=True, most_rows=50_000
    ),
    "nearmiss-2": Sampler(
        "the same, near to the farthest rare ones", _nearmiss(2), to_targets=True, most_rows=20_000
    ),
    "nearmiss-3": Sampler(
        "the same, of the neighbours of rare rows", _nearmiss(3), to_targets=True, most_rows=50_000
    ),
    "tomek": Sampler(
        "drop rows that are one another's nearest with a row of another class",
        _cleaner("TomekLinks"),
        to_targets=False,
        most_rows=50_000,
    ),
    "enn": Sampler(
        "drop rows whose three nearest are not all of their class",
        _cleaner("EditedNearestNeighbours", neighbors=True),
        to_targets=False,
        most_rows=50_000,
    ),
    "repeated-enn": Sampler(
        "the same, until nothing changes",
        _cleaner("RepeatedEditedNearestNeighbours", neighbors=True),
        to_targets=False,
        most_rows=20_000,
    ),
    "allknn": Sampler(
        "the same with one, two and three nearest",
        _cleaner("AllKNN", neighbors=True),
        to_targets=False,
        most_rows=50_000,
    ),
    "one-sided": Sampler(
        "tomek, and drop rows far from the border",
        _cleaner("OneSidedSelection", seeded=True),
        to_targets=False,
        most_rows=50_000,
    ),
    "condensed": Sampler(
        "keep the rows that the nearest neighbour needs",
        _cleaner("CondensedNearestNeighbour", seeded=True),
        to_targets=False,
        most_rows=5_000,
    ),
}
"""Name -> sampler that compares rows. All of them leave the rarest classes as they are."""

STRATEGIES: dict[str, str] = {
    OVERSAMPLE: "repeat random rows until all classes have as many as the largest",
    UNDERSAMPLE: "leave out random rows until all classes have as few as the smallest",
    WEIGHTS: "leave the rows as they are, and only weigh the classes",
    **{name: sampler.summary for name, sampler in SAMPLERS.items()},
}

_ALIASES = {"nearmiss": "nearmiss-1"}
_MADE_UP = (
    *("smote", "smotenc", "smoten", "borderlinesmote", "svmsmote", "kmeanssmote", "adasyn"),
    *("smoteenn", "smotetomek", "clustercentroids"),
)
"""As imbalanced-learn calls them, in lower case."""


def strategy_named(name: str) -> str:
    """The strategy of that name; raises `UsageError` for none, and for one that makes vectors up."""
    name = _ALIASES.get(name, name)
    if re.sub(r"[-_ ]", "", name.casefold()) in _MADE_UP:
        raise UsageError(
            f"--strategy {name}: makes up vectors between rows, and no text belongs to such a vector",
            hint="weigh the classes first: --strategy weights; else cap the large ones: --max-per-class N; "
            "else repeat rows of the small ones: --strategy oversample",
        )
    if name not in STRATEGIES:
        raise UsageError(
            f'--strategy: "{name}" is none of {", ".join(STRATEGIES)}{did_you_mean(name, STRATEGIES)}'
        )
    return name


def check_size(name: str, rows: int, where: str) -> None:
    """Raises `InputError` for more rows than the sampler can compare with one another."""
    most = SAMPLERS[name].most_rows
    if rows > most:
        raise InputError(
            f"{where}: {name} compares every row with every other, and {rows:,} rows are more than the "
            f"{most:,} it is for",
            hint=f"draw at random: --max-per-class N; or compare a part: --sample {most}",
        )


def choose(
    name: str, vectors: Any, classes: NDArray[np.int64], targets: Mapping[int, int], seed: int
) -> NDArray[np.int64]:
    """Rows that the sampler keeps, (kept,), ascending.

    vectors   (rows, width) dense or sparse
    classes   (rows,) class numbers from 0
    targets   class -> rows wanted; used by samplers that cut to targets, for classes that have more

    The classes with the fewest rows stay whole; where all have as many, all stay.
    """
    import numpy as np

    counts = np.bincount(classes)
    sampler = SAMPLERS[name]
    strategy: Mapping[int, int] | Sequence[int]
    if sampler.to_targets:
        strategy = {each: n for each, n in targets.items() if n < counts[each]}
    else:
        strategy = np.flatnonzero(counts > counts.min()).tolist()
    if not strategy:
        return np.arange(len(classes))
    made = sampler.build(Choice(strategy, counts, seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that NearMiss-3 has found fewer rows shows in the result
        made.fit_resample(vectors, classes)
    kept: NDArray[np.int64] = np.unique(made.sample_indices_)
    return kept


def topped_up(
    kept: NDArray[np.int64], classes: NDArray[np.int64], targets: Mapping[int, int], seed: int
) -> NDArray[np.int64]:
    """The rows kept and, where a class has fewer of them than wanted, others of it, drawn; ascending.

    NearMiss-3 looks among the neighbours of rare rows alone, which may be too few.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    counts = np.bincount(classes[kept], minlength=len(targets))
    parts = [kept]
    for each, wanted in targets.items():
        others = np.setdiff1d(np.flatnonzero(classes == each), kept)
        missing = min(wanted - int(counts[each]), len(others))
        if missing > 0:
            parts.append(rng.choice(others, missing, replace=False))
    return np.sort(np.concatenate(parts))
