"""The training rows that `rebalance` writes: at random, or first by a sampler that compares them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import TRAIN, Dataset, class_counts, sort_labels
from tokkit.data.rebalancing import row_vectors, samplers
from tokkit.data.rebalancing.class_targets import class_targets
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.errors import InputError, counted
from tokkit.progress import Progress, stage
from tokkit.runtime import threads


def select_rows(
    dataset: Dataset, positions: Sequence[int], options: RebalanceOptions, progress: Progress
) -> tuple[list[int], str | None]:
    """Numbers of the training rows to write, in their order, and what they were compared by, if they were.

    positions   the rows to choose from: complete, and without leaks

    A sampler that cleans runs first, and the requested numbers of rows are sampled from what it leaves.
    Raises `InputError` for more rows than a sampler can compare, vectors that do not fit, and a sampler that
    leaves nothing of a class; what `class_targets` raises.
    """
    labels = dataset.labels(TRAIN)[positions].to_list()
    targets = class_targets(labels, options)
    name = options.strategy
    if name not in samplers.SAMPLERS:
        return [positions[row] for row in resample(labels, targets, options.seed)], None
    where = dataset.split(TRAIN).where
    samplers.check_size(name, len(positions), where)
    if options.vectors is None:
        vectors, compared_by = row_vectors.tfidf(dataset.contents(TRAIN)[positions].to_list())
    else:
        path = Path(options.vectors)
        vectors, compared_by = (
            row_vectors.read_vectors(path, dataset.texts(TRAIN), where)[positions],
            path.name,
        )
    progress.say(f"{where}: rows are compared by {compared_by}")
    kept_rows = _kept_rows(name, vectors, labels, targets, options.seed, progress)
    _check_classes(name, where, labels, kept_rows, progress)
    # a sampler that cleans changes the counts that ratio, cap and floor refer to
    if not samplers.SAMPLERS[name].to_targets:
        targets = class_targets([labels[row] for row in kept_rows], options)
    return [positions[row] for row in resample(labels, targets, options.seed, kept_rows)], compared_by


def resample(
    labels: Sequence[str], targets: Mapping[str, int], seed: int, kept_rows: Sequence[int] | None = None
) -> list[int]:
    """Row numbers that have every class as often as its target, shuffled.

    kept_rows   the rows to sample from; all where None

    Under-sampled without, over-sampled with repetition (every row once first) by imbalanced-learn's random
    samplers, over row numbers in place of features.
    """
    names = sort_labels(labels)
    classes = class_numbers(labels, names)
    rows = np.arange(len(labels)) if kept_rows is None else np.asarray(kept_rows, np.int64)
    changed = len(rows) < len(labels)
    # imbalanced-learn samples rows of a matrix: row numbers are its one feature
    rows, classes = rows.reshape(-1, 1), classes[rows]
    counts = np.bincount(classes, minlength=len(names))
    fewer = {i: targets[name] for i, name in enumerate(names) if targets[name] < counts[i]}
    more = {i: targets[name] for i, name in enumerate(names) if targets[name] > counts[i]}
    # the order is part of the result: another one would give other rows for the same seed
    strategies = {"RandomUnderSampler": fewer, "imblearn.over_sampling:RandomOverSampler": more}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that classes are many is seen in the table of them
        for path, strategy in strategies.items():
            if strategy:
                sampler = samplers.load_class(path)(sampling_strategy=strategy, random_state=seed)
                rows, classes = sampler.fit_resample(rows, classes)
    sampled: NDArray[np.int64] = rows.ravel()
    # rows that nothing changed keep the order of the source
    if fewer or more or changed:
        np.random.default_rng(seed).shuffle(sampled)
    return [int(row) for row in sampled]


def class_numbers(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """(rows,) the index of each label among the names."""
    number = {label: i for i, label in enumerate(names)}
    return np.array([number[label] for label in labels], dtype=np.int64)


def run_sampler(
    name: str, vectors: Any, classes: NDArray[np.int64], targets: Mapping[int, int], seed: int
) -> NDArray[np.int64]:
    """Rows that the sampler keeps, (kept rows,), ascending.

    vectors   (rows, width) dense or sparse
    classes   (rows,) class numbers from 0
    targets   class -> rows wanted; used by samplers that cut to targets, for classes that have more

    The classes with the fewest rows stay whole; if all have as many, all stay.
    """
    counts = np.bincount(classes)
    sampler = samplers.SAMPLERS[name]
    strategy: Mapping[int, int] | Sequence[int]
    if sampler.to_targets:
        strategy = {number: n for number, n in targets.items() if n < counts[number]}
    else:
        strategy = np.flatnonzero(counts > counts.min()).tolist()
    if not strategy:
        return np.arange(len(classes))
    built = sampler.build(samplers.Sampling(strategy, counts.tolist(), seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that NearMiss-3 finds fewer rows is reported from the result
        built.fit_resample(vectors, classes)
    return np.asarray(np.unique(built.sample_indices_), np.int64)


def top_up(
    kept_rows: NDArray[np.int64], classes: NDArray[np.int64], targets: Mapping[int, int], seed: int
) -> NDArray[np.int64]:
    """The rows kept and, for a class with fewer than wanted, random others of it; ascending.

    NearMiss-3 chooses among the neighbors of rare rows alone, which may be too few.
    """
    rng = np.random.default_rng(seed)
    counts = np.bincount(classes[kept_rows], minlength=len(targets))
    parts = [kept_rows]
    for number, wanted in targets.items():
        others = np.setdiff1d(np.flatnonzero(classes == number), kept_rows)
        missing = min(wanted - int(counts[number]), len(others))
        if missing > 0:
            parts.append(rng.choice(others, missing, replace=False))
    return np.sort(np.concatenate(parts))


def _kept_rows(
    name: str, vectors: Any, labels: Sequence[str], targets: dict[str, int], seed: int, progress: Progress
) -> list[int]:
    """The rows a sampler keeps; one that cuts to targets is topped up to them."""
    names = sort_labels(labels)
    classes = class_numbers(labels, names)
    wanted = {i: targets[label] for i, label in enumerate(names)}
    with stage(progress, f"comparing rows: {name}"):
        # in a thread, so that Ctrl-C is heard while scikit-learn computes
        kept_rows = threads.aside(lambda: run_sampler(name, vectors, classes, wanted, seed), progress)
    if samplers.SAMPLERS[name].to_targets:
        chosen = len(kept_rows)
        kept_rows = top_up(kept_rows, classes, wanted, seed)
        if len(kept_rows) > chosen:
            missing = counted(len(kept_rows) - chosen, "row")
            progress.say(f"{name} finds {missing} too few; as many are sampled at random")
    return list(map(int, kept_rows))


def _check_classes(
    name: str, where: str, labels: Sequence[str], kept_rows: Sequence[int], progress: Progress
) -> None:
    """Raises `InputError` where nothing is left of a class; reports one cut below the rarest class."""
    before, after = class_counts(labels), class_counts(labels[row] for row in kept_rows)
    gone = [label for label in before if label not in after]
    if gone:
        raise InputError(
            f'{where}: {name} leaves no row of the class "{gone[0]}", whose rows are all near other classes',
            hint="sample at random (--max-per-class), or clean less:\n--strategy tomek",
        )
    rarest, least = min(before.values()), min(after, key=lambda label: after[label])
    if after[least] < rarest:
        left = counted(after[least], "row")
        progress.say(f'{name} leaves {left} of "{least}", where the rarest class had {rarest}')
