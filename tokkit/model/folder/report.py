"""A model's answers row by row: the table of predictions, and the worst of them; figures as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import Rows
from tokkit.model.tasks.decisions import decisions

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from tokkit.model.tasks.task import Task

PER_CENT = "% "
"""What the name of a column of probabilities begins with; the label follows."""


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
    """A polars frame, a row a text, in the order of the rows.

    id         what the rows' column of ids holds, else the number of the row in its split
    text, pair the second text where rows are pairs
    label      as it stands in the data, and ``predicted`` written alike
    loss       of the row, in nats
    fold       in which it was held out, where that is known
    % LABEL    the probability of each label in per cent, where a row has such

    decided    logits the decisions come from, where thresholds move them
    folds      (rows,) numbers of folds
    """
    import polars as pl

    choices = logits if decided is None else decided
    columns: dict[str, Any] = {"id": rows.ids or rows.positions, "text": rows.texts}
    if rows.pairs:
        columns["pair"] = rows.pairs
    columns["label"] = rows.labels
    columns["predicted"] = task.answers(choices, targets, labels)
    columns["loss"] = task.row_losses(logits, targets).round(6)
    if folds is not None:
        columns["fold"] = folds
    if decisions(choices, targets) is not None:
        shares = task.shares(logits) * 100
        columns |= {f"{PER_CENT}{label}": shares[:, i] for i, label in enumerate(labels)}
    return pl.DataFrame(columns)


def worst_rows(table: pl.DataFrame, rows: int) -> list[dict[str, Any]]:
    """The rows with the highest loss first, without the probabilities; equal ones in the table's order."""
    columns = [name for name in table.columns if not name.startswith(PER_CENT)]
    found = table.select(columns).sort("loss", descending=True, maintain_order=True, nulls_last=True)
    return found.head(rows).to_dicts()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """One object, readable."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
