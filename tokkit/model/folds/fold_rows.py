"""The rows of a data set in folds: each row is validated on once, and trained on in all other folds."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import TRAIN, VALIDATION, Dataset, Rows
from tokkit.data.encoding.read_ids import read_rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.splitting.stratifier import row_groups, stratified_folds
from tokkit.errors import InputError, UsageError, counted
from tokkit.model.folder.receipt import fold_folders, fold_name
from tokkit.model.network.classifier import Classifier
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.options.process_options import ProcessOptions
from tokkit.model.tasks import task_of
from tokkit.model.tasks.task import Task
from tokkit.model.training import training_rows
from tokkit.model.training.encoded_rows import EncodedOnce, cached
from tokkit.model.training.train_model import FinetuneRequest, local_paths
from tokkit.progress import Progress, SayOnce

DEFAULT_FOLDS = 5
# Classes that are named in a message.
_NAMED = 5
# The fields of `Rows` with one value per row.
_COLUMNS = tuple(field.name for field in fields(Rows) if field.name != "left_out")


@dataclass(frozen=True)
class Fold:
    """row_indices  (validation rows,) their indices among all rows"""

    training: Rows
    validation: Rows
    row_indices: NDArray[np.int64]


@dataclass(frozen=True)
class FoldedRows:
    """rows      all complete rows in order, each in the validation rows of one fold
    files     the files that were read
    """

    dataset: Dataset
    rows: Rows
    folds: tuple[Fold, ...]
    files: tuple[Path, ...]

    @property
    def parts(self) -> Iterable[Rows]:
        """Rows that together have every text."""
        return (self.rows, *(fold.training for fold in self.folds))

    @cached_property
    def digest(self) -> str:
        """A hash of the training and validation rows, fold by fold."""
        digest = hashlib.sha256()
        for fold in self.folds:
            for part in (fold.training, fold.validation):
                # Contents and not numbers of rows: the same folds of a changed file are other folds.
                for column in (part.texts, part.pairs, part.labels):
                    digest.update(json.dumps(column).encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class FoldsRequest(FinetuneRequest):
    """What one call of `finetune` with folds trains on: one model per fold."""

    folded: FoldedRows


def folds_request(
    dataset: str | Path,
    tokenizer: str | Path | None,
    model: str | Path | None,
    options: FinetuneOptions,
    read_options: DatasetOptions,
    *,
    process_options: ProcessOptions,
    threads: int | None = None,
    progress: Progress,
) -> FoldsRequest:
    """The rows in folds, and how to train on them; each distinct text is encoded once."""
    # Every fold loads the same files and finds the same things to report.
    once = SayOnce(progress)
    if fold_folders(dataset):
        folded = read_folds(dataset, options, read_options, once)
    else:
        folded = make_folds(read_rows(dataset, read_options, once), options, once)
    return FoldsRequest(
        source=dataset,
        validation_data=None,
        dataset=folded.dataset,
        tokenizer=tokenizer,
        model=model,
        options=options,
        read_options=read_options,
        inputs=(*folded.files, *local_paths(tokenizer, model, options.class_weights)),
        threads=threads,
        progress=once,
        encoder=EncodedOnce(folded.parts, Classifier.encode if options.no_cache else cached),
        process_options=process_options,
        folded=folded,
    )


def make_folds(dataset: Dataset, options: FinetuneOptions, progress: Progress) -> FoldedRows:
    """Stratified folds of the train split; copies of a text and rows of a group stay in one fold.

    The rows of a validation split are added to those of train, which is reported; a test split is not used.
    Raises `InputError` for fewer rows than folds, and for a class that one of the folds could not learn.
    """
    folds = options.folds or DEFAULT_FOLDS
    # Cross-validation replaces the one validation split, whose rows would otherwise be lost.
    dataset = _with_validation_rows(dataset, progress)
    rows = dataset.complete(TRAIN)
    for reason, n in rows.left_out.items():
        progress.say(f"skipped {counted(n, 'row')}: {reason}")
    task = task_of(options.task, dataset)
    # Before the rows are split: a single class has a clearer message than an empty fold.
    training_rows.check_two_classes(dataset, rows, task)
    # Copies of a text in two folds would let a model predict what it was trained on.
    groups = row_groups(dataset, TRAIN, group_column=options.group_column, progress=progress)[rows.positions]
    numbers = stratified_folds(
        groups,
        _strata(rows, task),
        folds,
        rng=np.random.default_rng(options.seed),
        source=dataset.source,
        progress=progress,
    )
    parts = []
    for number in range(folds):
        validation = np.flatnonzero(numbers == number)
        training = np.flatnonzero(numbers != number)
        parts.append(Fold(_selected(rows, training), _selected(rows, validation), validation))
    folded = FoldedRows(dataset, rows, tuple(parts), tuple(dataset.files))
    _check_classes(folded, task)
    _report_rare_classes(rows, groups, folds, task, progress)
    return folded


def read_folds(
    source: str | Path, options: FinetuneOptions, read_options: DatasetOptions, progress: Progress
) -> FoldedRows:
    """The folds that `split --folds` wrote, each with its own train and validation files.

    Raises `UsageError` for another number of folds, or a group column.
    """
    folders = fold_folders(source)
    if options.folds not in (None, len(folders)):
        raise UsageError(
            f"--folds {options.folds}: {source} has {counted(len(folders), 'fold')}",
            hint="leave --folds out, or name the data set that the folds were made from",
        )
    if options.group_column is not None:
        raise UsageError(f"--group-column: {source} already has folds", hint="leave it out")
    datasets = [read_dataset(folder, read_options, progress) for folder in folders]
    folds: list[Fold] = []
    end = 0
    for dataset in datasets:
        dataset.require_labels()
        training, validation = dataset.complete(TRAIN), dataset.complete(VALIDATION)
        start, end = end, end + len(validation.texts)
        folds.append(Fold(training, validation, np.arange(start, end)))
    folded = FoldedRows(
        dataset=replace(datasets[0], source=str(source)),
        rows=joined_rows([fold.validation for fold in folds]),
        folds=tuple(folds),
        files=tuple(file for dataset in datasets for file in dataset.files),
    )
    progress.say(f"{source}: training on each of its {counted(len(folds), 'fold')}")
    _check_classes(folded, task_of(options.task, folded.dataset))
    return folded


def joined_rows(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts, one after another."""
    left_out: Counter[str] = Counter()
    for part in parts:
        left_out.update(part.left_out)
    return replace(
        parts[0],
        **{name: [value for part in parts for value in getattr(part, name)] for name in _COLUMNS},
        left_out=dict(left_out),
    )


def _selected(rows: Rows, indices: NDArray[np.int64]) -> Rows:
    """These of the rows; rows skipped from all of them are counted with all, not here."""
    return replace(rows.only([rows.positions[index] for index in indices]), left_out={})


def _with_validation_rows(dataset: Dataset, progress: Progress) -> Dataset:
    """The data set with the rows of validation after those of train, and without any other split."""
    dataset.require_labels()
    train = dataset.split(TRAIN)
    if VALIDATION not in dataset.splits:
        return replace(dataset, splits={TRAIN: train})
    validation = dataset.splits[VALIDATION]
    progress.say(
        f"{dataset.source}: folds are made from train and validation together, "
        f"{train.frame.height:,} and {counted(validation.frame.height, 'row', style=',')}"
    )
    both = replace(
        train,
        frame=pl.concat([train.frame, validation.frame], how="diagonal_relaxed"),
        original=pl.concat([train.original, validation.original], how="diagonal_relaxed"),
        files=(*train.files, *validation.files),
    )
    return replace(dataset, splits={TRAIN: both})


def _strata(rows: Rows, task: Task) -> NDArray[np.int64]:
    """(rows,) class of each row; one for all where hardly two rows have the same label: numbers, tags."""
    classes, numbers = np.unique(np.array(rows.labels), return_inverse=True)
    # Strata of one row each would only shuffle; regression and tags end here.
    if 2 * len(classes) > len(rows.labels) and len(classes) > len(task.labels(rows)):
        return np.zeros(len(rows.labels), np.int64)
    return numbers.astype(np.int64)


def _check_classes(folded: FoldedRows, task: Task) -> None:
    """Raises `InputError` for a class without training rows in one of the folds."""
    source, labels = folded.dataset.source, task.labels(folded.rows)
    for number, fold in enumerate(folded.folds, 1):
        # Labels of the task, not of the column: of tags, each I- tag is known with its B- tag.
        known = set(task.labels(fold.training))
        for label in labels:
            if label not in known:
                rows = sum(label in task.names(written) for written in folded.rows.labels)
                others = shlex.quote(f"{folded.dataset.label_column} != {label!r}")
                all_rows, are = (f"all {rows} rows", "are") if rows > 1 else ("the only row", "is")
                raise InputError(
                    f'{source}: {all_rows} of "{label}" {are} in {fold_name(number)}, '
                    "whose model could not learn it",
                    hint=f"more rows of it, or none:\n--where {others}",
                )


def _report_rare_classes(
    rows: Rows, groups: NDArray[np.int64], folds: int, task: Task, progress: Progress
) -> None:
    """Report classes that some folds are not scored on, and folds with fewer rows than classes."""
    groups_of: dict[str, set[int]] = {}
    for group, written in zip(groups.tolist(), rows.labels, strict=True):
        for name in task.names(written):
            groups_of.setdefault(name, set()).add(group)
    rare = [label for label in task.labels(rows) if 0 < len(groups_of.get(label, ())) < folds]
    if rare and task.has_classes:
        named = ", ".join(rare[:_NAMED]) + (", ..." if len(rare) > _NAMED else "")
        progress.say(f"fewer texts than folds, so some folds are scored without them: {named}")
    per_fold, classes = len(rows.labels) // folds, len(task.labels(rows))
    if task.has_classes and classes > per_fold:
        progress.say(
            f"a fold has {counted(per_fold, 'row')} and there are {counted(classes, 'class')}: "
            "look at the out-of-fold scores, which are those of all rows"
        )
