"""The rows every class is to have: by strategy, ratio or temper, then cap and floor, then named targets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tokkit.data.dataset import class_counts
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.rebalancing.samplers import OVERSAMPLE, SAMPLERS, UNDERSAMPLE, WEIGHTS
from tokkit.errors import InputError, UsageError, counted, did_you_mean

# Rows of all classes together: about 6 GB of row numbers while they are sampled.
LARGEST_ROWS = 100_000_000


def class_targets(labels: Sequence[str], options: RebalanceOptions) -> dict[str, int]:
    """Rows every class is to have. Samplers that clean have no goal: ``labels`` are those that they leave.

    >>> class_targets(["a", "a", "a", "b"], RebalanceOptions(strategy="oversample", max_per_class=2))
    {'a': 2, 'b': 2}
    """
    counts = class_counts(labels)
    if len(counts) < 2:
        only = next(iter(counts), "none")
        raise InputError(
            f'one class only ("{only}"): there is nothing to balance',
            hint="look at the labels, or name another column (--label-column)",
        )
    named = _named_targets(options.target, counts)
    if options.strategy == WEIGHTS and options.sets_rows:
        raise UsageError(
            "--strategy weights leaves the rows as they are, and takes no number of rows",
            hint="leave --strategy out to sample rows to the targets",
        )
    direction = _direction(options)
    goals = _goals(counts, options, direction)
    floor, cap = options.min_per_class or 0, options.max_per_class or math.inf
    if floor > cap:
        raise UsageError(
            f"--min-per-class {floor} is above --max-per-class {cap}", hint="take a floor below the cap"
        )
    # a named target wins over cap and floor
    targets = {label: int(min(max(n, floor), cap)) for label, n in goals.items()} | named
    for label, wanted in named.items():
        has = counts[label]
        if (direction == OVERSAMPLE and wanted < has) or (direction == UNDERSAMPLE and wanted > has):
            raise UsageError(
                f"--target {label}={wanted}: the class has {counted(has, 'row')}, and "
                f"{'oversampling only adds' if direction == OVERSAMPLE else 'undersampling only removes'}",
                hint="leave --strategy out to go both ways",
            )
    if (total := sum(targets.values())) > LARGEST_ROWS:
        raise UsageError(
            f"{total:,} rows are requested, of {len(labels):,} there are; the limit is {LARGEST_ROWS:,}",
            hint="take lower targets (--target, --min-per-class), or a cap (--max-per-class)",
        )
    return targets


def _direction(options: RebalanceOptions) -> str | None:
    """Whether rows are only added, only left out, or both."""
    if options.strategy in SAMPLERS:
        return UNDERSAMPLE if SAMPLERS[options.strategy].to_targets else None
    if options.strategy is None and not options.sets_rows:
        return OVERSAMPLE
    return options.strategy


def _goals(counts: Mapping[str, int], options: RebalanceOptions, direction: str | None) -> dict[str, int]:
    """Rows of every class before cap and floor."""
    smallest, largest = min(counts.values()), max(counts.values())
    if options.temper is not None:
        return _tempered(counts, direction)
    ratio = options.ratio or 1.0
    if direction == OVERSAMPLE:
        return {label: max(n, math.ceil(largest / ratio)) for label, n in counts.items()}
    if direction == UNDERSAMPLE or options.ratio is not None:
        return {label: min(n, int(smallest * ratio)) for label, n in counts.items()}
    return dict(counts)


def _tempered(counts: Mapping[str, int], direction: str | None) -> dict[str, int]:
    """In proportion to the square root of the rows, one at least: as many in all; where rows are only added
    or only left out, so many that the largest or the smallest class stays as it is.
    """
    roots = {label: math.sqrt(n) for label, n in counts.items()}
    if direction == OVERSAMPLE:
        # 1e-9: sqrt(7) * sqrt(7) is 7.000000000000001, and must stay 7
        return {label: math.ceil(root * max(roots.values()) - 1e-9) for label, root in roots.items()}
    if direction == UNDERSAMPLE:
        return {label: int(root * min(roots.values()) + 1e-9) for label, root in roots.items()}
    total = sum(counts.values())
    exact = {label: total * root / sum(roots.values()) for label, root in roots.items()}
    goals = {label: max(int(share), 1) for label, share in exact.items()}
    by_remainder = sorted(counts, key=lambda label: goals[label] - exact[label])
    # largest remainders get the rows that rounding down left over
    for label in by_remainder[: max(total - sum(goals.values()), 0)]:
        goals[label] += 1
    return goals


def _named_targets(texts: Sequence[str], counts: Mapping[str, int]) -> dict[str, int]:
    targets: dict[str, int] = {}
    for text in texts:
        label, equals, number = text.rpartition("=")
        if not equals or not number.isdecimal() or int(number) < 1:
            raise UsageError(
                f'--target: write LABEL=ROWS, not "{text}"', hint=f"as in {next(iter(counts))}=500"
            )
        if targets.get(label, int(number)) != int(number):
            raise UsageError(f'--target: two numbers for "{label}", {targets[label]} and {number}')
        if label not in counts:
            near = did_you_mean(label, counts)
            raise UsageError(f'--target: unknown class "{label}"{near}; there are {", ".join(counts)}')
        targets[label] = int(number)
    return targets
