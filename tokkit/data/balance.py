"""How many rows every class shall have, which rows those are, and what weight a class gets.

Pure functions over labels and row numbers. The samplers are imbalanced-learn's; they draw row numbers, so
that texts are copied or left out, never made up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokkit.data.dataset import sort_labels
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.options import LARGEST_SEED, Options, option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OVERSAMPLE, UNDERSAMPLE, WEIGHTS = "oversample", "undersample", "weights"


@dataclass(frozen=True)
class BalancePlan(Options):
    """What every class shall count afterwards."""

    strategy: str | None = option(
        None,
        "raise all classes to the largest, cut all to the smallest, or leave the rows and only weigh classes",
        choices=(OVERSAMPLE, UNDERSAMPLE, WEIGHTS),
        shown_default="oversample, unless targets, a cap or a floor are given",
    )
    target: tuple[str, ...] = option(
        (), "rows of one class, whatever strategy, cap and floor say; repeatable", metavar="LABEL=N"
    )
    max_per_class: int | None = option(None, "cut larger classes to N rows", minimum=1, metavar="N")
    min_per_class: int | None = option(None, "raise smaller classes to N rows", minimum=1, metavar="N")
    leaks: str = option(
        "drop", "training rows whose text stands in another split", choices=("drop", "refuse", "keep")
    )
    seed: int = option(42, "seed of sampling and shuffling", minimum=0, maximum=LARGEST_SEED)


def class_counts(labels: Iterable[str]) -> dict[str, int]:
    """Rows of every label, in the order of `sort_labels`."""
    counts = Counter(labels)
    return {label: counts[label] for label in sort_labels(counts)}


def class_targets(labels: Sequence[str], plan: BalancePlan) -> dict[str, int]:
    """Rows every class shall have: the strategy's, then cap and floor, then the targets named.

    >>> class_targets(["a", "a", "a", "b"], BalancePlan(strategy="oversample", max_per_class=2))
    {'a': 2, 'b': 2}
    """
    counts = class_counts(labels)
    if len(counts) < 2:
        only = next(iter(counts), "none")
        raise InputError(
            f'one class only ("{only}"): there is nothing to balance',
            hint="look at the labels: tokkit stats, or name another --label-column",
        )
    named = _named_targets(plan.target, counts)
    strategy = plan.strategy
    if strategy == WEIGHTS and (named or plan.max_per_class or plan.min_per_class):
        raise UsageError(
            "--strategy weights leaves the rows as they are: no target, cap or floor goes with it",
            hint="leave --strategy out to draw rows to the targets",
        )
    if strategy is None and not (named or plan.max_per_class or plan.min_per_class):
        strategy = OVERSAMPLE
    goal = {OVERSAMPLE: max(counts.values()), UNDERSAMPLE: min(counts.values())}.get(strategy or "")
    goals = {label: goal for label in counts if goal is not None}
    floor, cap = plan.min_per_class or 0, plan.max_per_class or math.inf
    if floor > cap:
        raise UsageError(
            f"--min-per-class {floor} is above --max-per-class {cap}", hint="take a floor below the cap"
        )
    targets = {label: int(min(max(goals.get(label, n), floor), cap)) for label, n in counts.items()} | named
    for label, wanted in named.items():
        _check_direction(label, counts[label], wanted, strategy)
    return targets


def resample(labels: Sequence[str], targets: Mapping[str, int], seed: int) -> list[int]:
    """Row numbers that hold every class as often as its target, shuffled.

    Under-sampled without, over-sampled with repetition (every row first once) by imbalanced-learn's
    random samplers, on the row numbers.
    """
    import numpy as np
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    names = sort_labels(labels)
    number = {label: i for i, label in enumerate(names)}
    classes = np.array([number[label] for label in labels])
    rows = np.arange(len(labels)).reshape(-1, 1)
    counts = np.bincount(classes)
    fewer = {i: targets[name] for i, name in enumerate(names) if targets[name] < counts[i]}
    more = {i: targets[name] for i, name in enumerate(names) if targets[name] > counts[i]}
    if fewer:
        rows, classes = RandomUnderSampler(sampling_strategy=fewer, random_state=seed).fit_resample(
            rows, classes
        )
    if more:
        rows, classes = RandomOverSampler(sampling_strategy=more, random_state=seed).fit_resample(
            rows, classes
        )
    drawn: NDArray[np.int64] = rows.ravel()
    if fewer or more:
        np.random.default_rng(seed).shuffle(drawn)
    return [int(row) for row in drawn]


def balanced_weights(counts: Mapping[str, int]) -> dict[str, float]:
    """Weight of every class, rows / (classes x rows of the class), as scikit-learn's ``balanced``."""
    rows = sum(counts.values())
    return {label: round(rows / (len(counts) * n), 6) for label, n in counts.items()}


def _named_targets(texts: Sequence[str], counts: Mapping[str, int]) -> dict[str, int]:
    targets: dict[str, int] = {}
    for text in texts:
        label, equals, number = text.rpartition("=")
        if not equals or not number.isdecimal() or int(number) < 1:
            example = f"--target {next(iter(counts))}=500"
            raise UsageError(f'--target: write LABEL=ROWS, not "{text}"', hint=example)
        if targets.get(label, int(number)) != int(number):
            raise UsageError(f'--target: two numbers for "{label}", {targets[label]} and {number}')
        if label not in counts:
            raise UsageError(
                f'--target: no class "{label}"{did_you_mean(label, counts)}; there are: {", ".join(counts)}'
            )
        targets[label] = int(number)
    return targets


def _check_direction(label: str, has: int, wanted: int, strategy: str | None) -> None:
    if strategy == OVERSAMPLE and wanted < has:
        raise UsageError(
            f"--target {label}={wanted}: the class has {has} rows, and oversampling only adds",
            hint="leave --strategy out to go both ways",
        )
    if strategy == UNDERSAMPLE and wanted > has:
        raise UsageError(
            f"--target {label}={wanted}: the class has {has} rows, and undersampling only removes",
            hint="leave --strategy out to go both ways",
        )
