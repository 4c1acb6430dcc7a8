"""The rows of a data set in folds: each row is validated on once, and trained on in all other folds."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data.dataset import TRAIN, VALIDATION, Dataset, Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.splitting.grouping import row_groups
from tokkit.data.splitting.stratifier import stratified_folds
from tokkit.errors import InputError, UsageError
from tokkit.model.folder.receipt import fold_name, fold_number
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import task_of
from tokkit.model.tasks.task import Task
from tokkit.model.training import training_rows as labelled
from tokkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_FOLDS = 5
_NAMED = 5
"""Classes that are named in a sentence."""


@dataclass(frozen=True)
class Fold:
    """places  (validation rows,) where they stand among all rows"""

    training: Rows
    validation: Rows
    places: NDArray[np.int64]


@dataclass(frozen=True)
class FoldedRows:
    """dataset   where they come from
    rows      all that are complete, in their order: each in the validation of one fold
    folds     in their order
    files     that were read
    """

    dataset: Dataset
    rows: Rows
    folds: tuple[Fold, ...]
    files: tuple[Path, ...]

    @property
    def parts(self) -> Iterable[Rows]:
        """Rows that together hold every text there is."""
        return (self.rows, *(fold.training for fold in self.folds))

    @cached_property
    def digest(self) -> str:
        """A hash of all that is trained and validated on, fold by fold."""
        digest = hashlib.sha256()
        for fold in self.folds:
            for part in (fold.training, fold.validation):
                for column in (part.texts, part.pairs, part.labels):
                    digest.update(json.dumps(column).encode())
        return digest.hexdigest()


def drawn(dataset: Dataset, spec: FinetuneOptions, progress: Progress) -> FoldedRows:
    """Folds of the train split, stratified; copies of a text and rows of a group stay in one fold.

    The rows of a validation split are joined to those of train, which is said; a test split is not touched.
    Raises `InputError` for fewer rows than folds, and for a class that one of the folds could not learn.
    """
    import numpy as np

    folds = spec.folds or DEFAULT_FOLDS
    dataset = _joined(dataset, progress)
    rows = dataset.complete(TRAIN)
    for reason, n in rows.left_out.items():
        progress.say(f"{n} rows left out: {reason}")
    task = task_of(spec.task, dataset)
    labelled.check_two_classes(dataset, rows, task)
    groups = row_groups(dataset, TRAIN, group_column=spec.group_column, progress=progress)[rows.positions]
    numbers = stratified_folds(
        groups,
        _strata(rows, task),
        folds,
        rng=np.random.default_rng(spec.seed),
        source=dataset.source,
        progress=progress,
    )
    found = []
    for number in range(folds):
        validated = np.flatnonzero(numbers == number)
        found.append(
            Fold(
                training=_at(rows, np.flatnonzero(numbers != number)),
                validation=_at(rows, validated),
                places=validated,
            )
        )
    folded = FoldedRows(dataset, rows, tuple(found), tuple(dataset.files))
    _check_classes(folded, task)
    _say_rare(rows, groups, folds, task, progress)
    return folded


def is_ready(source: str | Path) -> bool:
    """Whether a data set is a folder of folds, as `split --folds` writes it."""
    return bool(_ready_folders(source))


def ready(
    source: str | Path, options: DatasetOptions, spec: FinetuneOptions, progress: Progress
) -> FoldedRows:
    """The folds that `split --folds` wrote, each with its own train and validation files.

    Raises `UsageError` where another number of folds is asked for.
    """
    import numpy as np

    folders = _ready_folders(source)
    if spec.folds not in (None, len(folders)):
        raise UsageError(
            f"--folds {spec.folds}: {source} holds {len(folders)} folds",
            hint="leave --folds out, or name the data set that the folds were made of",
        )
    if spec.group_column is not None:
        raise UsageError(f"--group-column: the folds of {source} are made already", hint="leave it out")
    loaded = [read_dataset(folder, options, progress, lists=True) for folder in folders]
    found, place = [], 0
    for dataset in loaded:
        dataset.require_labels()
        dataset.split(TRAIN)
        dataset.split(VALIDATION)
        validation = dataset.complete(VALIDATION)
        places = np.arange(place, place + len(validation.texts))
        found.append(Fold(dataset.complete(TRAIN), validation, places))
        place += len(validation.texts)
    rows = joined_rows([fold.validation for fold in found])
    dataset = replace(loaded[0], source=str(source))
    folded = FoldedRows(dataset, rows, tuple(found), tuple(file for each in loaded for file in each.files))
    progress.say(f"{source}: its {len(found)} folds are trained on in turn")
    _check_classes(folded, task_of(spec.task, dataset))
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


_COLUMNS = tuple(each.name for each in fields(Rows) if each.name != "left_out")
"""The fields of `Rows` that hold a value a row."""


def _at(rows: Rows, places: NDArray[np.int64]) -> Rows:
    """These of the rows; what was left out of all is not told again."""
    return replace(rows.only([rows.positions[place] for place in places]), left_out={})


def _ready_folders(source: str | Path) -> list[Path]:
    folder = Path(source)
    if not folder.is_dir():
        return []
    return sorted(
        (path for path in folder.iterdir() if path.is_dir() and fold_number(path)),
        key=lambda path: fold_number(path) or 0,
    )


def _joined(dataset: Dataset, progress: Progress) -> Dataset:
    """The data set with the rows of validation behind those of train, and without any other split."""
    import polars as pl

    dataset.require_labels()
    train = dataset.split(TRAIN)
    if VALIDATION not in dataset.splits:
        return replace(dataset, splits={TRAIN: train})
    validation = dataset.splits[VALIDATION]
    progress.say(
        f"{dataset.source}: folds are made of train and validation together, "
        f"{train.frame.height:,} and {validation.frame.height:,} rows"
    )
    both = replace(
        train,
        frame=pl.concat([train.frame, validation.frame], how="diagonal_relaxed"),
        original=pl.concat([train.original, validation.original], how="diagonal_relaxed"),
        files=(*train.files, *validation.files),
    )
    return replace(dataset, splits={TRAIN: both})


def _strata(rows: Rows, task: Task) -> NDArray[np.int64]:
    """(rows,) the class of each row; all alike where hardly two rows have the same: numbers, tags."""
    import numpy as np

    classes, numbers = np.unique(np.array(rows.labels), return_inverse=True)
    if 2 * len(classes) > len(rows.labels) and len(classes) > len(task.labels(rows)):
        return np.zeros(len(rows.labels), np.int64)
    return numbers.astype(np.int64)


def _check_classes(folded: FoldedRows, task: Task) -> None:
    """Raises `InputError` for a class that the model of a fold would never see."""
    source, labels = folded.dataset.source, task.labels(folded.rows)
    for number, fold in enumerate(folded.folds, 1):
        known = set(task.labels(fold.training))
        for label in labels:
            if label not in known:
                rows = sum(label in task.names(written) for written in folded.rows.labels)
                raise InputError(
                    f'{source}: all {rows} rows of "{label}" are in {fold_name(number)}, '
                    "whose model could not learn it",
                    hint=f"more rows of it, or none: --where \"{folded.dataset.label_column} != '{label}'\"",
                )


def _say_rare(rows: Rows, units: NDArray[np.int64], folds: int, task: Task, progress: Progress) -> None:
    """Says which classes some folds are not scored on, and that folds are smaller than there are classes."""
    seen: dict[str, set[int]] = {}
    for unit, written in zip(units.tolist(), rows.labels, strict=True):
        for name in task.names(written):
            seen.setdefault(name, set()).add(unit)
    rare = [label for label in task.labels(rows) if 0 < len(seen.get(label, ())) < folds]
    if rare and task.has_classes:
        named = ", ".join(rare[:_NAMED]) + (", ..." if len(rare) > _NAMED else "")
        progress.say(f"fewer texts than folds, so some folds are scored without them: {named}")
    per_fold, classes = len(rows.labels) // folds, len(task.labels(rows))
    if task.has_classes and classes > per_fold:
        progress.say(
            f"a fold holds {per_fold} rows and there are {classes} classes: "
            "look at the scores out of fold, which are those of all rows"
        )
