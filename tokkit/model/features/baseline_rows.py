"""The rows of a data set that have vectors, and the labeled ones that baselines train on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import ONE, SEVERAL, TEST, TRAIN, Dataset, Rows, Split
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError
from tokkit.model.tasks import task_of
from tokkit.model.tasks.task import Task
from tokkit.model.training import training_rows
from tokkit.progress import Progress
from tokkit.sources.formats import TableFormat
from tokkit.tokenizer.encoding.encode import Encoded

ROW, ID, TEXT, PAIR, LABEL, SPLIT = "row", "id", "text", "pair", "label", "split"


def feature_rows(dataset: Dataset) -> pl.DataFrame:
    """Every row that has a text, and a second one in pairs, one split after another.

    Columns: row (its index in all splits), id (from the column of ids, else the index of the row in its
    split), text, pair (where rows are pairs), label (null where a row has none), split.
    """
    splits = [_split_rows(dataset, name) for name in dataset.splits]
    if len({split[ID].dtype for split in splits}) > 1:
        # Ids may be numbers in one split and strings in another; a column has one type.
        splits = [split.with_columns(pl.col(ID).cast(pl.String)) for split in splits]
    texts = [TEXT] if dataset.pair_column is None else [TEXT, PAIR]
    return pl.concat(splits).with_row_index(ROW).cast({ROW: pl.Int64}).drop_nulls(texts)


def _split_rows(dataset: Dataset, name: str) -> pl.DataFrame:
    texts, pairs = dataset.texts(name), dataset.pairs(name)
    indices = pl.Series(range(texts.len()), dtype=pl.Int64)
    unlabeled = pl.Series([None] * texts.len(), dtype=pl.String)
    return pl.DataFrame(
        {
            ID: dataset.split(name).frame[dataset.id_column] if dataset.id_column else indices,
            TEXT: texts,
            **({} if pairs is None else {PAIR: pairs}),
            LABEL: dataset.labels(name) if dataset.label_column else unlabeled,
            SPLIT: pl.repeat(name, texts.len(), dtype=pl.String, eager=True),
        }
    )


@dataclass(frozen=True)
class LabeledRows:
    """indices  (rows,) int64, ascending: which rows of the features file
    texts    of pairs both, with a space between
    targets  the values of the task's targets
    """

    indices: NDArray[np.int64]
    texts: list[str]
    targets: NDArray[Any]


@dataclass(frozen=True)
class BaselineRows:
    """labels  names of the classes, by id; each occurs in ``training``
    split    name of the split that is scored
    """

    training: LabeledRows
    held_out: LabeledRows
    labels: tuple[str, ...]
    split: str
    task: Task


def baseline_rows(
    rows: pl.DataFrame, source: str, split: str, seed: int, progress: Progress, labels_are: str = ONE
) -> BaselineRows:
    """The labeled rows of train, and those of the split to score.

    Scored on validation, they are the very rows that `finetune` validates on, split off train where there is
    no validation split.

    labels_are  `ONE` or `SEVERAL`

    Raises `InputError` as `training_rows.training_and_validation`, and where a split is missing.
    """
    dataset = _as_dataset(rows, source, labels_are)
    dataset.require_labels()
    task = task_of("auto", dataset)
    if split == TEST:
        training, held_out = dataset.complete(TRAIN), dataset.complete(TEST)
    else:
        training, held_out = training_rows.training_and_validation(
            dataset, None, DatasetOptions(), seed, progress, task
        )
    # Of the training rows alone: a class that is only in the held-out rows cannot be learned.
    labels = task.labels(training)
    if len(labels) < 2:
        raise InputError(
            f'{source}: one class only ("{"".join(labels)}"): there is nothing to learn',
            hint="name another column (--label-column)",
        )
    if not held_out.labels:
        raise InputError(f"{source}: no row of {split} has both text and label")

    def labeled(part: Rows, of_split: str) -> LabeledRows:
        # `positions` count within the rows of the split, `ROW` in the file.
        indices = rows.filter(rows[SPLIT] == of_split)[ROW].to_numpy()[part.positions]
        pairs = part.pairs or [""] * len(part.texts)
        texts = [f"{text} {pair}" if pair else text for text, pair in zip(part.texts, pairs, strict=True)]
        # Targets of rows need no tokens; those of tags, which do, are no targets of a baseline.
        no_tokens = Encoded(np.empty(0, np.int32), np.zeros(len(texts) + 1, np.int64), 0)
        return LabeledRows(indices, texts, task.targets(part, labels, source, no_tokens).values)

    return BaselineRows(
        training=labeled(training, TRAIN),
        held_out=labeled(held_out, split if split in dataset.splits else TRAIN),
        labels=labels,
        split=split,
        task=task,
    )


def _as_dataset(rows: pl.DataFrame, source: str, labels_are: str) -> Dataset:
    """The rows as a data set with their splits, labels and pairs; without labels where no row has one."""
    splits = {}
    for name in rows[SPLIT].unique(maintain_order=True).to_list():
        frame = rows.filter(rows[SPLIT] == name)
        splits[name] = Split(name, frame, (Path(source),), TableFormat("parquet"), frame, known=True)
    label = LABEL if rows[LABEL].null_count() < rows.height else None
    pair = PAIR if PAIR in rows.columns else None
    return Dataset(source, splits, TEXT, label, pair, label_lists=labels_are == SEVERAL)
