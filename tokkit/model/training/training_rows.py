"""The rows a classifier is trained or scored on, checked: classes, splits, labels it knows."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data.dataset import TRAIN, VALIDATION, Dataset, Rows, sort_labels
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.data.splitting.stratifier import assign_rows
from tokkit.errors import InputError
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.class_ids import class_ids
from tokkit.model.tasks.task import Task
from tokkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VALIDATION_SHARE = 0.1
_OF_YOUR_OWN = "name validation rows of your own: --validation-data PATH"


def training_and_validation(
    dataset: Dataset,
    validation_data: str | Path | None,
    options: DatasetOptions,
    seed: int,
    progress: Progress,
    task: Task = DEFAULT,
) -> tuple[Rows, Rows]:
    """The rows to train on and those to validate on, complete, with the same classes.

    Validation rows come from their own file, from the data set's validation split, or are split off,
    stratified, which is said. What is left out is said by reason; a test split is never looked at.

    Raises `InputError` for fewer than two classes, for a label that one of the two lacks, and where no row
    is left for one.
    """
    train = dataset.split(TRAIN)
    check_two_classes(dataset, dataset.complete(TRAIN), task)
    if validation_data is not None:
        loaded = read_dataset(validation_data, options, progress, lists=True)
        loaded.require_labels()
        training, validation = dataset.complete(TRAIN), loaded.complete(_validation_split(loaded))
    elif VALIDATION in dataset.splits:
        training, validation = dataset.complete(TRAIN), dataset.complete(VALIDATION)
    else:
        training, validation = _split_off(dataset, seed, task)
        progress.say(
            f"{train.where}: no validation split; {len(validation.texts)} of "
            f"{len(training.texts) + len(validation.texts)} rows are split off for it"
            f"{', stratified' if task.has_strata else ''}"
        )
    for name, rows in ((TRAIN, training), (VALIDATION, validation)):
        for reason, n in rows.left_out.items():
            progress.say(f"{n} rows of {name} left out: {reason}")
        if not rows.texts:
            raise InputError(f"{dataset.source}: no row of {name} has both text and label", hint=_OF_YOUR_OWN)
    _check_classes(dataset, training, validation, task, progress)
    _say_leaks(training, validation, progress)
    return training, validation


def targets(rows: Rows, labels: Sequence[str], where: str) -> NDArray[np.int64]:
    """(rows,) class ids; raises `InputError` for labels that are none of the model's."""
    return class_ids(rows.labels, labels, where)


def _validation_split(dataset: Dataset) -> str:
    """The validation split of a data set named for validation, or the only split it has."""
    if VALIDATION in dataset.splits or len(dataset.splits) > 1:
        return dataset.split(VALIDATION).name
    return next(iter(dataset.splits))


def _say_leaks(training: Rows, validation: Rows, progress: Progress) -> None:
    trained_on = set(_contents(training))
    leaking = sum(content in trained_on for content in _contents(validation))
    if leaking:
        progress.say(
            f"{leaking} validation rows hold a text that stands in train too, which flatters the scores: "
            "tokkit rebalance DATASET -o OUT --strategy weights leaves them out of train"
        )


def _contents(rows: Rows) -> Iterable[tuple[str, ...]]:
    """The text of each row, of pairs both."""
    return zip(rows.texts, *([rows.pairs] if rows.pairs else []), strict=True)


def _split_off(dataset: Dataset, seed: int, task: Task) -> tuple[Rows, Rows]:
    """Training and validation rows of the train split; a row stays in training where no other there has one
    of its labels."""
    plan = SplitOptions(validation=VALIDATION_SHARE, test=0, seed=seed)
    try:
        assigned = assign_rows(_stratifiable(dataset, task), TRAIN, plan)
    except InputError as error:  # its hint is of another command
        raise InputError(error.message, hint=_OF_YOUR_OWN) from error
    everything = dataset.complete(TRAIN)
    held_out = everything.only(assigned[VALIDATION])
    if not task.excluding:
        learned = _label_counts(everything.only(assigned[TRAIN]), task)
        seen = {
            position
            for position, written in zip(held_out.positions, held_out.labels, strict=True)
            if all(learned[name] for name in task.names(written))
        }
        held_out = held_out.only(seen)
    kept = set(held_out.positions)
    training = everything.only(position for position in everything.positions if position not in kept)
    return training, replace(held_out, left_out={})


def _stratifiable(dataset: Dataset, task: Task) -> Dataset:
    """The data set with labels that are strata: none of tags and numbers, rare sets of labels all alike."""
    import polars as pl

    if not task.has_strata:
        return replace(dataset, label_column=None)
    if task.excluding:
        return dataset
    train, label = dataset.split(TRAIN), dataset.require_labels()
    pooled = pl.when(pl.len().over(label) >= _COMMON).then(pl.col(label)).otherwise(pl.lit("")).alias(label)
    return replace(dataset, splits={TRAIN: replace(train, frame=train.frame.with_columns(pooled))})


_COMMON = 10
"""Rows from which on a set of labels is a stratum of its own."""


def _label_counts(rows: Rows, task: Task) -> Counter[str]:
    """How often each label stands in the rows."""
    counts: Counter[str] = Counter()
    for written, n in Counter(rows.labels).items():
        for name in task.names(written):
            counts[name] += n
    return counts


def check_two_classes(dataset: Dataset, training: Rows, task: Task) -> None:
    dataset.require_labels()
    classes = task.labels(training)
    if task.has_classes and len(classes) < 2:
        raise InputError(
            f'{dataset.source}: one class only ("{next(iter(classes), "none")}"): there is nothing to learn',
            hint=f"tokkit stats {shlex.quote(dataset.source)} shows the labels; --label-column names others",
        )


def _check_classes(
    dataset: Dataset, training: Rows, validation: Rows, task: Task, progress: Progress
) -> None:
    """Both need the same classes; one too rare to be expected in validation is only said, as is one of
    several labels that a row may have."""
    if not task.has_classes:
        return
    train, held_out = _label_counts(training, task), _label_counts(validation, task)
    mend = "draw both from all rows: tokkit split ALL_ROWS.csv -o split/, then tokkit finetune split/"
    unseen = sort_labels(set(held_out).difference(task.labels(training)))
    if unseen:
        raise InputError(
            f'{dataset.source}: the label "{unseen[0]}" stands in validation but in no training row',
            hint=mend,
        )
    ratio = len(validation.labels) / len(training.labels)
    absent = sort_labels(set(train) - set(held_out))
    expected = [label for label in absent if task.excluding and train[label] * ratio >= 1]
    if expected:
        raise InputError(
            f'{dataset.source}: the label "{expected[0]}" ({train[expected[0]]} training rows) '
            "is missing in validation, so no score would see it",
            hint=mend,
        )
    if absent:
        told = ", ".join(absent) if task.excluding or len(absent) <= _TOLD else f"{len(absent)} labels"
        progress.say(f"too rare to be in validation, so no score sees them: {told}")


_TOLD = 10
"""Labels that are named one by one."""
