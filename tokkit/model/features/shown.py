"""The rows that baselines learn from and are scored on, as they stand in a features file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokkit.data.dataset import TEST, TRAIN, Rows, sort_labels
from tokkit.data.loading.load import DatasetOptions
from tokkit.errors import InputError
from tokkit.model import labelled
from tokkit.model.features.rows import SPLIT, as_dataset
from tokkit.model.tasks.class_ids import class_ids
from tokkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """Labelled rows.

    numbers  (rows,) int64, ascending: which rows of the features file they are
    texts    of pairs both, a space between them
    targets  (rows,) int64 class ids
    """

    numbers: NDArray[np.int64]
    texts: list[str]
    targets: NDArray[np.int64]


@dataclass(frozen=True)
class Shown:
    """labels  names of the classes, by id; each stands in ``training``
    split    name of the split that ``held_out`` is
    """

    training: Part
    held_out: Part
    labels: tuple[str, ...]
    split: str


def shown_rows(rows: pl.DataFrame, source: str, split: str, seed: int, progress: Progress) -> Shown:
    """The labelled rows of train, and of the split to score: of validation, the rows `finetune` validates on.

    Raises `InputError` as `labelled.training_and_validation`, and where a split is not there.
    """
    dataset = as_dataset(rows, source)
    dataset.require_labels()
    if split == TEST:
        training, held_out = dataset.complete(TRAIN), dataset.complete(TEST)
    else:
        training, held_out = labelled.training_and_validation(dataset, None, DatasetOptions(), seed, progress)
    drawn_from = split if split in dataset.splits else TRAIN
    labels = tuple(sort_labels(training.labels))
    if len(labels) < 2:
        raise InputError(
            f'{source}: one class only ("{"".join(labels)}"): there is nothing to learn',
            hint="--label-column names another column",
        )
    if not held_out.labels:
        raise InputError(f"{source}: no row of {split} has both text and label")
    return Shown(
        _part(rows, training, TRAIN, labels, source),
        _part(rows, held_out, drawn_from, labels, source),
        labels,
        split,
    )


def _part(rows: pl.DataFrame, part: Rows, split: str, labels: tuple[str, ...], source: str) -> Part:
    import numpy as np

    numbers = np.flatnonzero((rows[SPLIT] == split).to_numpy())[part.positions]
    pairs = part.pairs or [""] * len(part.texts)
    texts = [f"{text} {pair}" if pair else text for text, pair in zip(part.texts, pairs, strict=True)]
    return Part(numbers, texts, class_ids(part.labels, labels, source))
