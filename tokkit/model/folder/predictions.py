"""Predictions row by row: the table `predictions.parquet`, and scores computed from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from tokkit.data.dataset import Rows
from tokkit.data.tag_schemes import TagScheme
from tokkit.data.tag_spans import spans_of
from tokkit.model.folder.receipt import PERCENT
from tokkit.model.metrics.significance import RowSums
from tokkit.model.tasks.task import Task


def prediction_table(
    task: Task,
    rows: Rows,
    labels: Sequence[str],
    logits: NDArray[np.float32],
    targets: Any,
    *,
    decided: NDArray[np.float32] | None = None,
    folds: NDArray[np.int64] | None = None,
) -> pl.DataFrame:
    """One row per text, in the order of the rows.

    id         from the rows' column of ids, else the index of the row in its split
    text, pair the second text where rows are pairs; empty where rows are ids
    label      as written in the data, and ``predicted`` written the same way
    loss       of the row, in nats
    fold       in which the row was held out, where known
    % LABEL    the probability of each label in per cent, where a row has such

    decided    logits that the decisions come from, where thresholds shift them
    folds      (rows,) numbers of folds
    """
    choices = logits if decided is None else decided
    # Of rows of ids, texts are their hashes, which are of no use to a reader.
    texts = [""] * len(rows.texts) if rows.input_ids else rows.texts
    columns: dict[str, Any] = {"id": rows.ids or rows.positions, "text": texts}
    if rows.pairs:
        columns["pair"] = rows.pairs
    columns["label"] = rows.labels
    # Thresholds decide what is predicted; loss and probabilities stay those of the model.
    columns["predicted"] = task.predicted_labels(choices, targets, labels)
    columns["loss"] = task.row_losses(logits, targets).round(6)
    if folds is not None:
        columns["fold"] = folds
    if task.decisions(choices, targets) is not None:
        shares = task.probabilities(logits) * 100
        columns |= {f"{PERCENT}{label}": shares[:, i] for i, label in enumerate(labels)}
    return pl.DataFrame(columns)


def rows_by_loss(table: pl.DataFrame, count: int, *, highest: bool) -> list[dict[str, Any]]:
    """The rows with the highest or lowest loss, without probabilities; equal ones in the table's order."""
    columns = [name for name in table.columns if not name.startswith(PERCENT)]
    ordered = table.select(columns).sort("loss", descending=highest, maintain_order=True, nulls_last=True)
    return ordered.head(count).to_dicts()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write one object as indented JSON."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def row_sums(task: Task, labels: Sequence[str], metric: str, table: pl.DataFrame) -> RowSums | None:
    """A score of a table of predictions as sums over its rows; None for a score that is no such function.

    table   as `prediction_table` gives it: ``label``, ``predicted``, ``loss``
    """
    if metric == "loss":
        return RowSums.ratio(table["loss"].to_numpy())
    if not task.has_classes:
        return _number_sums(metric, table)
    if metric == "accuracy":
        # Labels as names, so that `joy|love` and `love|joy` are the same set.
        pairs = [
            (task.names(true), task.names(predicted))
            for true, predicted in zip(table["label"], table["predicted"], strict=True)
        ]
        if task.by_row:
            return RowSums.ratio(np.array([set(true) == set(predicted) for true, predicted in pairs]))
        correct = np.array([sum(map(str.__eq__, true, predicted)) for true, predicted in pairs])
        return RowSums.ratio(correct, np.array([len(true) for true, _ in pairs]))
    if metric == "span_f1":
        scheme = TagScheme.of(labels)
        return _f1_sums(
            table, lambda written: {(0, span) for span in spans_of(task.names(written), scheme)}, 1
        )
    # classes.LABEL.f1; a label may itself have dots
    label = metric.removeprefix("classes.").removesuffix(".f1")
    scored = labels if metric == "macro_f1" else [label] if metric == f"classes.{label}.f1" else ()
    if not task.by_row or not set(scored) & set(labels):
        return None
    index = {label: i for i, label in enumerate(scored)}
    return _f1_sums(
        table,
        lambda written: {(index[name], name) for name in task.names(written) if name in index},
        len(index),
    )


def _number_sums(metric: str, table: pl.DataFrame) -> RowSums | None:
    """``mae`` and ``pearson`` of numbers, as written in the table."""
    true, predicted = (table[name].cast(pl.Float64).to_numpy() for name in ("label", "predicted"))
    if metric == "mae":
        return RowSums.ratio(np.abs(true - predicted))
    return RowSums.correlation(true, predicted) if metric == "pearson" else None


def _f1_sums(table: pl.DataFrame, items_of: Callable[[str], Set[tuple[int, Any]]], classes: int) -> RowSums:
    """The mean F1 of classes of items, of which those both true and predicted are hits.

    items_of  (class, label or span) for each of a row, as written in the table
    """
    hits: list[tuple[int, int]] = []
    sizes: list[tuple[int, int]] = []
    for row, (label, written) in enumerate(zip(table["label"], table["predicted"], strict=True)):
        true, predicted = items_of(label), items_of(written)
        hits += [(number, row) for number, _ in true & predicted]
        sizes += [(number, row) for items in (true, predicted) for number, _ in items]
    return RowSums.mean_f1(_counts(hits, classes, len(table)), _counts(sizes, classes, len(table)))


def _counts(cells: Sequence[tuple[int, int]], classes: int, rows: int) -> Any:
    """(classes, rows) sparse, how often each cell is listed."""
    index = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    return sparse.coo_array((np.ones(index.shape[1]), (index[0], index[1])), shape=(classes, rows)).tocsr()
