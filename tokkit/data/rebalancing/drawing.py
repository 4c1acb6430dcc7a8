"""Which training rows a plan draws: at random, or by a sampler that compares them and then at random."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokkit.data.dataset import TRAIN, Dataset, sort_labels
from tokkit.data.rebalancing import row_vectors, samplers
from tokkit.data.rebalancing.balance import class_counts, class_numbers, class_targets, resample
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.errors import InputError
from tokkit.progress import Progress, stage
from tokkit.runtime import threads


def drawn_rows(
    loaded: Dataset, positions: Sequence[int], plan: RebalanceOptions, progress: Progress
) -> tuple[list[int], str | None]:
    """Numbers of the training rows to write, in their order, and what they were compared by, if they were.

    positions   the rows to draw from: complete, and without what leaks

    A sampler that cleans goes first, and the numbers of rows asked for are drawn from what it leaves.
    Raises `InputError` for more rows than a sampler can compare, vectors that do not fit, and a sampler that
    leaves nothing of a class; what `class_targets` raises.
    """
    labels = loaded.labels(TRAIN)[positions].to_list()
    targets = class_targets(labels, plan)
    if plan.strategy not in samplers.SAMPLERS:
        return [positions[row] for row in resample(labels, targets, plan.seed)], None
    where = loaded.split(TRAIN).where
    samplers.check_size(plan.strategy, len(positions), where)
    vectors, compared_by = _vectors(loaded, positions, plan)
    progress.say(f"{where}: rows are compared by {compared_by}")
    kept = _kept(plan.strategy, vectors, labels, targets, plan.seed, progress)
    _check_classes(plan.strategy, where, labels, kept, progress)
    if not samplers.SAMPLERS[plan.strategy].to_targets:
        targets = class_targets([labels[row] for row in kept], plan)
    return [positions[row] for row in resample(labels, targets, plan.seed, kept)], compared_by


def _vectors(loaded: Dataset, positions: Sequence[int], plan: RebalanceOptions) -> tuple[Any, str]:
    """The vectors of these rows, (rows, width) dense or sparse, and what they are."""
    if plan.vectors is None:
        return row_vectors.tfidf(loaded.contents(TRAIN)[positions].to_list())
    path, train = Path(plan.vectors), loaded.split(TRAIN)
    return row_vectors.read_vectors(path, train.frame.height, train.where)[positions], path.name


def _kept(
    name: str, vectors: Any, labels: Sequence[str], targets: dict[str, int], seed: int, progress: Progress
) -> list[int]:
    """What a sampler keeps; one that cuts to targets keeps as many as it was asked for."""
    names = sort_labels(labels)
    classes = class_numbers(labels, names)
    wanted = {i: targets[label] for i, label in enumerate(names)}
    with stage(progress, f"comparing rows: {name}"):
        chosen = threads.aside(lambda: samplers.choose(name, vectors, classes, wanted, seed), progress)
    if samplers.SAMPLERS[name].to_targets:
        found = len(chosen)
        chosen = samplers.topped_up(chosen, classes, wanted, seed)
        if len(chosen) > found:
            progress.say(f"{name} finds {len(chosen) - found} rows too few; they are drawn at random")
    kept: list[int] = chosen.tolist()
    return kept


def _check_classes(
    name: str, where: str, labels: Sequence[str], kept: Sequence[int], progress: Progress
) -> None:
    """Raises `InputError` where nothing is left of a class; says where too little is left of one."""
    had, left = class_counts(labels), class_counts(labels[row] for row in kept)
    gone = [label for label in had if label not in left]
    if gone:
        raise InputError(
            f'{where}: {name} leaves no row of the class "{gone[0]}", whose rows are all near other classes',
            hint="draw at random: --max-per-class N, or clean less: --strategy tomek",
        )
    rarest, least = min(had.values()), min(left, key=lambda label: left[label])
    if left[least] < rarest:
        progress.say(f'{name} leaves {left[least]} rows of "{least}", where the rarest class had {rarest}')
