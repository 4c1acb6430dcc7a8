"""The rows a classifier is trained and validated on, checked: complete, with the same classes in both."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import polars as pl

from tokkit.data.dataset import TRAIN, VALIDATION, Dataset, Rows, sort_labels
from tokkit.data.encoding.read_ids import read_rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.data.splitting.stratifier import assign_rows
from tokkit.errors import InputError, counted
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import Task
from tokkit.progress import Progress

VALIDATION_SHARE = 0.1
_OWN_ROWS = "name validation rows of your own (--validation-data)"
_SPLIT_ALL = "join the files, and split all rows again (the command split)"
# Rows from which on a set of labels is a stratum of its own.
_MIN_STRATUM = 10
# Labels up to which each is named in a message.
_NAMED = 10


def training_and_validation(
    dataset: Dataset,
    validation_data: str | Path | None,
    read_options: DatasetOptions,
    seed: int,
    progress: Progress,
    task: Task = DEFAULT,
) -> tuple[Rows, Rows]:
    """The rows to train on and those to validate on, complete, with the same classes.

    Validation rows come from their own file, from the data set's validation split, or are split off,
    stratified. That and the skipped rows are reported; a test split is not used.

    Raises `InputError` for fewer than two classes, for a label that one of the two lacks, and where no row
    is left for one.
    """
    train, split_off = dataset.split(TRAIN), ""
    check_two_classes(dataset, dataset.complete(TRAIN), task)
    if validation_data is not None:
        loaded = read_rows(validation_data, read_options, progress)
        loaded.require_labels()
        training, validation = dataset.complete(TRAIN), loaded.complete(_validation_split(loaded))
    elif VALIDATION in dataset.splits:
        training, validation = dataset.complete(TRAIN), dataset.complete(VALIDATION)
    else:
        training, validation = _split_off(dataset, seed, task)
        split_off = (
            f"{train.where}: no validation split; {len(validation.texts)} of "
            f"{counted(len(training.texts) + len(validation.texts), 'row', 'are')} split off for it"
            f"{', stratified' if task.has_strata else ''}"
        )
    for name, rows in ((TRAIN, training), (VALIDATION, validation)):
        for reason, n in rows.left_out.items():
            progress.say(f"skipped {counted(n, 'row')} of {name}: {reason}")
        if not rows.texts:
            raise InputError(f"{dataset.source}: no row of {name} has both text and label", hint=_OWN_ROWS)
    # The skipped rows are not among those that it counts, so they come first.
    if split_off:
        progress.say(split_off)
    _check_classes(dataset, training, validation, task, progress)
    _report_leaks(training, validation, progress)
    return training, validation


def check_two_classes(dataset: Dataset, training: Rows, task: Task) -> None:
    """Raises `InputError` where a task with classes has fewer than two."""
    dataset.require_labels()
    classes = task.labels(training)
    if task.has_classes and len(classes) < 2:
        raise InputError(
            f'{dataset.source}: one class only ("{next(iter(classes), "none")}"): there is nothing to learn',
            hint="look at the labels, or name another column (--label-column):\n"
            f"tokkit stats {shlex.quote(dataset.source)}",
        )


def _validation_split(dataset: Dataset) -> str:
    """The validation split of a data set for validation, or its only split."""
    if VALIDATION in dataset.splits or len(dataset.splits) > 1:
        return dataset.split(VALIDATION).name
    return next(iter(dataset.splits))


def _report_leaks(training: Rows, validation: Rows, progress: Progress) -> None:
    contents = set(_contents(training))
    leaking = sum(content in contents for content in _contents(validation))
    if leaking:
        progress.say(
            f"{leaking} validation rows have a text that is in train too, so the scores are optimistic: "
            "the command clean drops them from train"
        )


def _contents(rows: Rows) -> Iterable[tuple[str, ...]]:
    """The text of each row, for pairs both."""
    return zip(rows.texts, *([rows.pairs] if rows.pairs else []), strict=True)


def _split_off(dataset: Dataset, seed: int, task: Task) -> tuple[Rows, Rows]:
    """Training and validation rows from the train split.

    Where rows have several labels, a row with a label that no other training row has stays in training.
    """
    options = SplitOptions(validation=VALIDATION_SHARE, test=0, seed=seed)
    try:
        assigned = assign_rows(_stratifiable(dataset, task), TRAIN, options)
    except InputError as error:  # its hint names options of `split`
        raise InputError(error.message, hint=_OWN_ROWS) from error
    rows = dataset.complete(TRAIN)
    validation = rows.only(assigned[VALIDATION])
    if not task.exclusive:
        counts = _label_counts(rows.only(assigned[TRAIN]), task)
        learnable = {
            position
            for position, written in zip(validation.positions, validation.labels, strict=True)
            if all(counts[name] for name in task.names(written))
        }
        validation = validation.only(learnable)
    held_out = set(validation.positions)
    training = rows.only(position for position in rows.positions if position not in held_out)
    return training, replace(validation, left_out={})


def _stratifiable(dataset: Dataset, task: Task) -> Dataset:
    """The data set with labels as strata: none for tags and numbers, one for all rare sets of labels."""
    if not task.has_strata:
        return replace(dataset, label_column=None)
    if task.exclusive:
        return dataset
    train, label = dataset.split(TRAIN), dataset.require_labels()
    common = pl.len().over(label) >= _MIN_STRATUM
    pooled = pl.when(common).then(pl.col(label)).otherwise(pl.lit("")).alias(label)
    return replace(dataset, splits={TRAIN: replace(train, frame=train.frame.with_columns(pooled))})


def _label_counts(rows: Rows, task: Task) -> Counter[str]:
    """Number of rows with each label."""
    counts: Counter[str] = Counter()
    for written, n in Counter(rows.labels).items():
        for name in task.names(written):
            counts[name] += n
    return counts


def _check_classes(
    dataset: Dataset, training: Rows, validation: Rows, task: Task, progress: Progress
) -> None:
    """Both need the same classes; one too rare to be expected in validation is only reported."""
    if not task.has_classes:
        return
    train, held_out = _label_counts(training, task), _label_counts(validation, task)
    unseen = sort_labels(set(held_out).difference(task.labels(training)))
    if unseen:
        raise InputError(
            f'{dataset.source}: the label "{unseen[0]}" is in validation but in no training row',
            hint=_SPLIT_ALL,
        )
    ratio = len(validation.labels) / len(training.labels)
    absent = sort_labels(set(train) - set(held_out))
    # Had both been split from the same rows, a row of it would be in validation.
    expected = [label for label in absent if task.exclusive and train[label] * ratio >= 1]
    if expected:
        raise InputError(
            f'{dataset.source}: the label "{expected[0]}" ({train[expected[0]]} training rows) '
            "is missing in validation, so no score would include it",
            hint=_SPLIT_ALL,
        )
    if absent:
        named = task.exclusive or len(absent) <= _NAMED
        labels = ", ".join(absent) if named else counted(len(absent), "label")
        progress.say(f"too rare to be in validation, so no score includes them: {labels}")
