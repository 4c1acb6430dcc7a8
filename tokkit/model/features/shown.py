"""The rows that baselines learn from and are scored on, as they stand in a features file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import TEST, TRAIN, Rows
from tokkit.data.loading.load import DatasetOptions
from tokkit.errors import InputError
from tokkit.model.features.rows import ONE, SPLIT, as_dataset
from tokkit.model.tasks import task_of
from tokkit.model.tasks.task import Task
from tokkit.model.training import training_rows as labelled
from tokkit.progress import Progress
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """Labelled rows.

    numbers  (rows,) int64, ascending: which rows of the features file they are
    texts    of pairs both, a space between them
    targets  the values of the task's targets
    """

    numbers: NDArray[np.int64]
    texts: list[str]
    targets: NDArray[Any]


@dataclass(frozen=True)
class Shown:
    """labels  names of the classes, by id; each stands in ``training``
    split    name of the split that ``held_out`` is
    task     one label a row, or several
    """

    training: Part
    held_out: Part
    labels: tuple[str, ...]
    split: str
    task: Task


def shown_rows(
    rows: pl.DataFrame, source: str, split: str, seed: int, progress: Progress, labels_are: str = ONE
) -> Shown:
    """The labelled rows of train, and of the split to score: of validation, the rows `finetune` validates on.

    labels_are  as `rows.labels_of`, not tags

    Raises `InputError` as `labelled.training_and_validation`, and where a split is not there.
    """
    dataset = as_dataset(rows, source, labels_are)
    dataset.require_labels()
    task = task_of("auto", dataset)
    if split == TEST:
        training, held_out = dataset.complete(TRAIN), dataset.complete(TEST)
    else:
        training, held_out = labelled.training_and_validation(
            *(dataset, None, DatasetOptions(), seed, progress), task
        )
    drawn_from = split if split in dataset.splits else TRAIN
    labels = task.labels(training)
    if len(labels) < 2:
        raise InputError(
            f'{source}: one class only ("{"".join(labels)}"): there is nothing to learn',
            hint="--label-column names another column",
        )
    if not held_out.labels:
        raise InputError(f"{source}: no row of {split} has both text and label")
    return Shown(
        _part(rows, training, TRAIN, labels, source, task),
        _part(rows, held_out, drawn_from, labels, source, task),
        labels,
        split,
        task,
    )


def _part(
    rows: pl.DataFrame, part: Rows, split: str, labels: tuple[str, ...], source: str, task: Task
) -> Part:
    import numpy as np

    numbers = np.flatnonzero((rows[SPLIT] == split).to_numpy())[part.positions]
    pairs = part.pairs or [""] * len(part.texts)
    texts = [f"{text} {pair}" if pair else text for text, pair in zip(part.texts, pairs, strict=True)]
    nothing = Encoded(np.empty(0, np.int32), np.zeros(len(texts) + 1, np.int64), 0)
    return Part(numbers, texts, task.targets(part, labels, source, nothing).values)
