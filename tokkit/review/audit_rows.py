"""The rows of a data set with their out-of-fold predictions, which are matches by text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import Dataset, Rows
from tokkit.data.review_file import ReviewRow
from tokkit.data.row_hash import Label, label_value, row_hash
from tokkit.errors import InputError, counted
from tokkit.model.folds.fold_rows import joined_rows
from tokkit.progress import Progress


@dataclass(frozen=True)
class AuditRows:
    """The labeled rows of all splits that a fold held out, one split after another.

    splits   (rows,) the split of each row
    indices  (rows,) its prediction: the index in the table of predictions
    """

    dataset: Dataset
    rows: Rows
    splits: Sequence[str]
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.splits)

    def chosen(self, indices: NDArray[np.int64]) -> AuditRows:
        """Those of the rows with these indices."""
        rows = self.rows.at(indices.tolist())
        splits = [self.splits[i] for i in indices]
        return replace(self, rows=rows, splits=splits, indices=self.indices[indices])

    def label(self, row: int) -> Label:
        """The label of a row as JSON has it."""
        return label_value(self.rows.labels[row], self.dataset.label_kind)

    def review_row(self, row: int, suggested: Label, score: float, reasons: list[str]) -> ReviewRow:
        """A row as a review file has it."""
        rows, text = self.rows, self.rows.texts[row]
        content = (text, rows.pairs[row]) if rows.pairs else text
        position, label = rows.positions[row], self.label(row)
        return ReviewRow(
            id=rows.ids[row] if rows.ids else position,
            split=self.splits[row],
            row=position,
            hash=row_hash(content, label),
            text=text,
            label=label,
            suggested=suggested,
            score=score,
            reasons=reasons,
        )


def labeled_rows(dataset: Dataset) -> AuditRows:
    """The rows that have a text and a label; their predictions are of the same order."""
    dataset.require_labels()
    by_split = {name: dataset.complete(name) for name in dataset.splits}
    rows = joined_rows(list(by_split.values()))
    splits = [name for name, of_split in by_split.items() for _ in of_split.texts]
    if not splits:
        raise InputError(f"{dataset.source}: no row has both text and label")
    return AuditRows(dataset, rows, splits, np.arange(len(splits)))


def held_out_rows(rows: AuditRows, predictions: pl.DataFrame, model: str, progress: Progress) -> AuditRows:
    """Those of the rows that have a prediction; the others are reported.

    predictions   as `out_of_fold_predictions` gives them: ``text``, and ``pair`` where rows are pairs

    A text has the prediction of its first row: its copies are in the same fold. Raises `InputError` where no
    row has one.
    """
    source, texts, pairs = rows.dataset.source, rows.rows.texts, rows.rows.pairs
    names = ["text", "pair"] if pairs and "pair" in predictions.columns else ["text"]
    keys = pl.DataFrame({"text": texts, **({"pair": pairs} if "pair" in names else {})})
    # Numbers of rows may have shifted since the training, and texts have not.
    known = predictions.select(names).with_row_index("prediction").unique(names, keep="first")
    matches = keys.join(known, on=names, how="left", maintain_order="left")["prediction"]
    has_one = matches.is_not_null().to_numpy()
    if not has_one.any():
        raise InputError(
            f"{source}: none of its {counted(len(rows), 'labeled row', style=',')} is among those that the "
            f"folds of {model} held out",
            hint="name the data set that the folds were trained on",
        )
    without = Counter(name for name, has in zip(rows.splits, has_one, strict=True) if not has)
    for name, count in without.items():
        progress.say(
            f"{source}: skipped {counted(count, 'row', style=',')} of {name} that no fold of {model} held out"
        )
    # What has no prediction gets that of row 0, and is left out in the next line.
    predicted = matches.fill_null(0).to_numpy().astype(np.int64)
    return replace(rows, indices=predicted).chosen(np.flatnonzero(has_one))
