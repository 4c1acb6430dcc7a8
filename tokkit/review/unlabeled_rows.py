"""The rows of a data set that have no label yet."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tokkit.data.dataset import TRAIN, Dataset, Rows, class_names, first_names, sort_labels
from tokkit.errors import InputError, counted
from tokkit.progress import Progress


@dataclass(frozen=True)
class UnlabeledRows:
    """rows    one of each text that no labeled row has
    count   rows without a label, copies included
    """

    split: str
    rows: Rows
    count: int


def unlabeled_rows(
    dataset: Dataset, classes: Sequence[str], model: str, by_row: bool, progress: Progress
) -> UnlabeledRows:
    """Raises `InputError` where every row has a label, for labels that the model does not know, and for texts
    where it needs tokens.
    """
    if not by_row and dataset.tokens_column is None:
        raise InputError(
            f"{dataset.source}: has texts, and {model} gives tags to tokens",
            hint="name a column of lists of tokens (--text-column)",
        )
    split = TRAIN if TRAIN in dataset.splits else next(iter(dataset.splits))
    if others := [name for name in dataset.splits if name != split]:
        progress.say(f"{dataset.source}: rows are picked from {split}, not from {' or '.join(others)}")
    # A text that has a label anywhere has nothing to teach.
    labeled = {name: _has_label(dataset, name) for name in dataset.splits}
    _check_known(dataset, classes, model)
    frame = dataset.split(split).frame
    complete = dataset.contents(split).is_not_null()
    without = complete & ~labeled[split]
    if not without.any():
        raise InputError(
            f"{dataset.source}: every row of {split} has a label",
            hint="name rows without one, or the labels that mean none (--missing-label)",
        )
    known = pl.concat([dataset.contents(name).filter(of_split) for name, of_split in labeled.items()])
    # Of copies the first is labeled; `clean` finds the others.
    first = pl.DataFrame({"content": dataset.contents(split)}).with_row_index("row").filter(without)
    chosen = first.filter(~pl.col("content").is_in(known.implode())).unique(
        "content", keep="first", maintain_order=True
    )
    if not chosen.height:
        raise InputError(
            f"{dataset.source}: {counted(int(without.sum()), 'row', 'have')} no label, and the text of "
            "a labeled row",
            hint="name other rows",
        )
    rows = chosen["row"]

    def values(name: str | None) -> list[Any]:
        return [] if name is None else frame[name][rows].to_list()

    return UnlabeledRows(
        split,
        Rows(
            texts=values(dataset.text_column),
            labels=[],
            positions=rows.to_list(),
            left_out={},
            pairs=values(dataset.pair_column),
            ids=values(dataset.id_column),
            tokens=values(dataset.tokens_column),
        ),
        int(without.sum()),
    )


def _has_label(dataset: Dataset, split: str) -> pl.Series:
    if dataset.label_column is None:
        return pl.repeat(False, dataset.texts(split).len(), dtype=pl.Boolean, eager=True)
    return dataset.labels(split).is_not_null()


def _check_known(dataset: Dataset, classes: Sequence[str], model: str) -> None:
    """Raises `InputError` where no label is one of the model's: the column holds something else."""
    if dataset.label_column is None:
        return
    written = {label for name in dataset.splits for label in dataset.labels(name).drop_nulls().unique()}
    names = {name for label in written for name in class_names(label, dataset.label_kind)}
    if names and names.isdisjoint(classes):
        text = shlex.quote(dataset.text_column)
        raise InputError(
            f'{dataset.source}: column "{dataset.label_column}" was read as labels, and {model} knows none '
            f"of them: {first_names(sort_labels(names))}",
            hint=f"read the texts alone (--select {text})",
        )
