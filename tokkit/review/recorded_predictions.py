"""Predictions that a run has recorded for the rows it held out, and the rows that two runs have in common.

a model folder       its validation rows
a folder of folds    all rows, out of fold
``evaluate -o``      the rows that were scored
a Parquet file       such a table by itself
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tokkit.data.dataset import sort_labels
from tokkit.errors import InputError
from tokkit.model.folder.held_out import read_predictions, task_of
from tokkit.model.folder.receipt import PERCENT, PREDICTIONS
from tokkit.model.tasks.task import Task
from tokkit.sources import paths

_COLUMNS = ("text", "label", "predicted", "loss")
# Number of a row among those with the same text and label.
_COPY = "_copy"


@dataclass(frozen=True)
class ScoredRows:
    """The rows of one run, as `prediction_table` has them."""

    name: str
    table: pl.DataFrame
    task: Task
    labels: tuple[str, ...]

    @classmethod
    def recorded(cls, name: str | Path) -> ScoredRows:
        """What a folder or file has recorded; raises `InputError` where it has no predictions."""
        path = Path(name)
        if not paths.is_path(path):
            raise paths.missing(path)
        file = path / PREDICTIONS if path.is_dir() else path
        if not file.is_file():
            raise InputError(
                f"{name}: has no {PREDICTIONS}, so that there are no rows to compare",
                hint="score both runs on rows with labels (--on DATASET)",
            )
        table = read_predictions(file, _COLUMNS)
        if not (table["text"] != "").any():
            raise InputError(
                f"{name}: its predictions are of rows of ids, which have no texts to tell them apart",
                hint="score both runs on rows with labels (--on DATASET)",
            )
        task = task_of(table)
        table = table.with_columns(pl.col("label", "predicted").cast(pl.String))
        return cls(str(name), table, task, _labels(table, task))


@dataclass(frozen=True)
class SharedRows:
    """The rows that two runs have predicted, with the same text and label, in the order of the old run.

    relabeled   texts that both have predicted, and that have another label in the new run
    """

    old: pl.DataFrame
    new: pl.DataFrame
    relabeled: int


def shared_rows(old: ScoredRows, new: ScoredRows) -> SharedRows:
    """Raises `InputError` where there are none."""
    both = "pair" in old.table.columns and "pair" in new.table.columns
    content = ["text", "pair"] if both else ["text"]
    keys = [*content, "label", _COPY]
    tables = [_numbered(run.table, [*content, "label"]) for run in (old, new)]
    # Copies of a text are matched one by one: the second copy with the second.
    shared = tables[0].join(tables[1].select(keys), on=keys, how="semi", maintain_order="left")
    if not shared.height:
        raise InputError(
            f"{old.name} and {new.name} have predicted no row with the same text and label",
            hint="score both on the same rows (--on DATASET)",
        )
    other = shared.select(keys).join(tables[1], on=keys, how="left", maintain_order="left")
    texts = [run.table.select(content).unique() for run in (old, new)]
    labeled = [run.table.select(*content, "label").unique() for run in (old, new)]
    common = texts[0].join(texts[1], on=content, how="semi")
    relabeled = common.join(
        labeled[0].join(labeled[1], on=[*content, "label"], how="semi"), on=content, how="anti"
    )
    return SharedRows(shared.drop(_COPY), other.drop(_COPY), relabeled.height)


def _numbered(table: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The rows, with the number of each among those that have the same keys."""
    return table.with_columns(pl.int_range(pl.len()).over(keys).alias(_COPY))


def _labels(table: pl.DataFrame, task: Task) -> tuple[str, ...]:
    """The classes of the predictions: those with probabilities, else all that are true or predicted."""
    if labels := [name.removeprefix(PERCENT) for name in table.columns if name.startswith(PERCENT)]:
        return tuple(labels)
    written = {*table["label"].cast(pl.String), *table["predicted"].cast(pl.String)}
    return tuple(sort_labels(name for label in written for name in task.names(label)))
