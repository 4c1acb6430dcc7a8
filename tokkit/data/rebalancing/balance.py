"""How many rows every class shall have, and which rows those are.

Pure functions over labels and row numbers: texts are copied or left out, never made up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tokkit.data.dataset import sort_labels
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.rebalancing.samplers import OVERSAMPLE, SAMPLERS, UNDERSAMPLE, WEIGHTS
from tokkit.errors import InputError, UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_ROWS = 100_000_000
"""Rows of all classes together: some 6 GB of row numbers while they are drawn."""

__all__ = ["RebalanceOptions", "class_counts", "class_targets", "resample"]


def class_counts(labels: Iterable[str]) -> dict[str, int]:
    """Rows of every label, in the order of `sort_labels`."""
    counts = Counter(labels)
    return {label: counts[label] for label in sort_labels(counts)}


def class_targets(labels: Sequence[str], plan: RebalanceOptions) -> dict[str, int]:
    """Rows every class shall have: the strategy's, ratio's or temper's, then cap and floor, then the targets
    named. Samplers that clean have no goal of their own: what they leave is counted in ``labels``.

    >>> class_targets(["a", "a", "a", "b"], RebalanceOptions(strategy="oversample", max_per_class=2))
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
    if plan.strategy == WEIGHTS and plan.draws:
        raise UsageError(
            "--strategy weights leaves the rows as they are: nothing that says how many goes with it",
            hint="leave --strategy out to draw rows to the targets",
        )
    direction = _direction(plan)
    goals = _goals(counts, plan, direction)
    floor, cap = plan.min_per_class or 0, plan.max_per_class or math.inf
    if floor > cap:
        raise UsageError(
            f"--min-per-class {floor} is above --max-per-class {cap}", hint="take a floor below the cap"
        )
    targets = {label: int(min(max(n, floor), cap)) for label, n in goals.items()} | named
    for label, wanted in named.items():
        _check_direction(label, counts[label], wanted, direction)
    if (total := sum(targets.values())) > LARGEST_ROWS:
        raise UsageError(
            f"{total:,} rows are asked for, of {len(labels):,} there are; at most {LARGEST_ROWS:,} are drawn",
            hint="take a lower --target or --min-per-class, or a cap: --max-per-class N",
        )
    return targets


def resample(
    labels: Sequence[str], targets: Mapping[str, int], seed: int, kept: Sequence[int] | None = None
) -> list[int]:
    """Row numbers that hold every class as often as its target, shuffled.

    kept   the rows to draw from; all where None

    Under-sampled without, over-sampled with repetition (every row first once) by imbalanced-learn's
    random samplers, on the row numbers.
    """
    import numpy as np
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    names = sort_labels(labels)
    classes = class_numbers(labels, names)
    rows = np.arange(len(labels)) if kept is None else np.asarray(kept, np.int64)
    changed = len(rows) < len(labels)
    rows, classes = rows.reshape(-1, 1), classes[rows]
    counts = np.bincount(classes, minlength=len(names))
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
    if fewer or more or changed:
        np.random.default_rng(seed).shuffle(drawn)
    return [int(row) for row in drawn]


def class_numbers(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """(rows,) the place of each label among the names."""
    import numpy as np

    number = {label: i for i, label in enumerate(names)}
    return np.array([number[label] for label in labels], dtype=np.int64)


def _direction(plan: RebalanceOptions) -> str | None:
    """Whether rows are only added, only left out, or both."""
    if plan.strategy in SAMPLERS:
        return UNDERSAMPLE if SAMPLERS[plan.strategy].to_targets else None
    if plan.strategy is None and not plan.draws:
        return OVERSAMPLE
    return plan.strategy


def _goals(counts: Mapping[str, int], plan: RebalanceOptions, direction: str | None) -> dict[str, int]:
    """Rows of every class before cap and floor."""
    smallest, largest = min(counts.values()), max(counts.values())
    if plan.temper is not None:
        return _tempered(counts, direction)
    ratio = plan.ratio or 1.0
    if direction == OVERSAMPLE:
        return {label: max(n, math.ceil(largest / ratio)) for label, n in counts.items()}
    if direction == UNDERSAMPLE or plan.ratio is not None:
        return {label: min(n, int(smallest * ratio)) for label, n in counts.items()}
    return dict(counts)


def _tempered(counts: Mapping[str, int], direction: str | None) -> dict[str, int]:
    """In proportion to the square root of the rows: as many in all, or where rows are only added or only left
    out, so many that the largest or the smallest class stays as it is. One row at least.
    """
    roots = {label: math.sqrt(n) for label, n in counts.items()}
    if direction == OVERSAMPLE:
        return {label: math.ceil(root * max(roots.values()) - 1e-9) for label, root in roots.items()}
    if direction == UNDERSAMPLE:
        return {label: int(root * min(roots.values()) + 1e-9) for label, root in roots.items()}
    total = sum(counts.values())
    exact = {label: total * root / sum(roots.values()) for label, root in roots.items()}
    goals = {label: max(int(share), 1) for label, share in exact.items()}
    by_remainder = sorted(counts, key=lambda label: goals[label] - exact[label])
    for label in by_remainder[: max(total - sum(goals.values()), 0)]:
        goals[label] += 1
    return goals


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


def _check_direction(label: str, has: int, wanted: int, direction: str | None) -> None:
    if direction == OVERSAMPLE and wanted < has:
        raise UsageError(
            f"--target {label}={wanted}: the class has {has} rows, and oversampling only adds",
            hint="leave --strategy out to go both ways",
        )
    if direction == UNDERSAMPLE and wanted > has:
        raise UsageError(
            f"--target {label}={wanted}: the class has {has} rows, and undersampling only removes",
            hint="leave --strategy out to go both ways",
        )
