"""The rows held out in training, which a model folder keeps with what the model predicts for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from tokkit.errors import InputError
from tokkit.model.folder.receipt import PERCENT, PREDICTIONS
from tokkit.model.tasks import DEFAULT, TASKS
from tokkit.model.tasks.multi_label import MultiLabel
from tokkit.model.tasks.regression import Regression, number_in
from tokkit.model.tasks.tags import Tags
from tokkit.model.tasks.task import Task
from tokkit.sources.formats.columnar import read_table

# Per cent that probabilities of one label a row may differ from 100 by, as they are rounded.
_SLACK = 0.5


def read_predictions(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """A table of predictions; raises `InputError` for a file that cannot be read, or lacks a column."""
    table = read_table(path)
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(f'{path}: no column "{missing[0]}"; it was not written by tokkit finetune')
    return table


def out_of_fold_predictions(folder: Path, labels: Sequence[str] = ()) -> pl.DataFrame:
    """The predictions of a folder of folds, each row by the model that was not trained on it.

    labels   the classes of its models, which must have a column of probabilities each

    Raises `InputError` where the predictions are missing or have other classes.
    """
    path = folder / PREDICTIONS
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; the out-of-fold predictions are missing",
            hint="train the folds again",
        )
    return read_predictions(path, ["id", "text", "label", *(f"{PERCENT}{label}" for label in labels)])


def held_out_texts(folder: Path) -> frozenset[str]:
    """The texts of the held-out rows; empty where the folder does not have them."""
    path = folder / PREDICTIONS
    return frozenset(read_predictions(path, ["text"])["text"]) if path.is_file() else frozenset()


def task_of(table: pl.DataFrame) -> Task:
    """The task whose predictions these are, as far as their columns and labels say."""
    labels = [name.removeprefix(PERCENT) for name in table.columns if name.startswith(PERCENT)]
    if labels:
        # Of a softmax they add up to 100, of labels that are decided one by one to anything.
        sums = table.select(pl.sum_horizontal(f"{PERCENT}{label}" for label in labels)).to_series()
        exclusive = bool(((sums - 100).abs() < _SLACK).all())
        return DEFAULT if exclusive else TASKS[MultiLabel.name]
    written = table["label"].cast(pl.String).unique().to_list()
    numbers = all(number_in(label) is not None for label in written)
    return TASKS[Regression.name if numbers else Tags.name]
