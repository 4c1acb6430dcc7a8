"""What a model says of each row: its prediction, how sure it is, and the loss of the row's label.

A folder of folds has its out-of-fold predictions on file, each by the fold that was not trained on the row;
any other model is applied to the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import TAGS, Rows
from tokkit.errors import InputError, counted
from tokkit.model.backends.load_model import load_model
from tokkit.model.folder.held_out import read_predictions, task_of
from tokkit.model.folder.loaded_model import encode_rows
from tokkit.model.folder.receipt import PERCENT, PREDICTIONS, ModelReceipt
from tokkit.model.options.inference_options import EvaluateOptions, InferenceOptions
from tokkit.progress import Progress
from tokkit.review.explorer.rows import CONTENT, LABEL, PAIR, TEXT

# What a prediction on file is of; of equal rows, the first prediction is that of the first row.
_TEXTS, _KEY = [TEXT, PAIR], [TEXT, PAIR, LABEL]


@dataclass(frozen=True)
class RowPredictions:
    """predicted   of each row, as labels are written in the data; None where there is no prediction
    confidence  (rows,) float64, the probability of the predicted label, of several that of the decision the
                model is least sure of; NaN where there is none, as for tags
    loss        (rows,) float64, in nats; NaN where the row has no label
    source      what predicted
    """

    predicted: list[str | None]
    confidence: NDArray[np.float64]
    loss: NDArray[np.float64]
    source: str

    @classmethod
    def none(cls, rows: int, source: str) -> RowPredictions:
        confidence, loss = np.full((2, rows), np.nan)
        return cls([None] * rows, confidence, loss, source)


@dataclass(frozen=True)
class RowPredictor:
    """Predicts the rows of a page.

    model, receipt  the folder as it was named, and what it records
    label_kind      of the data set, as `Dataset.label_kind`
    where           source of the rows, for messages
    """

    model: str
    receipt: ModelReceipt
    options: InferenceOptions
    label_kind: str
    where: str
    threads: int | None
    progress: Progress

    def predict(self, rows: pl.DataFrame, tokens: Sequence[list[str]]) -> RowPredictions:
        """The predictions for rows, as `sampled` gives them.

        tokens   of each row, where rows have tags; else empty

        Raises `InputError` for labels that the model does not know, and for what is no model of these rows.
        """
        path = self.receipt.folder / PREDICTIONS
        if not self.receipt.folds or not path.is_file():
            return self._computed(rows, tokens, self.model)
        known = _out_of_fold_table(path)
        result = _out_of_fold(rows, known, f"{self.model} (out-of-fold)")
        # No fold was trained on a text that none of them has: of these, all folds predict.
        with_text = rows.with_row_index("index").filter(pl.col(CONTENT).is_not_null())
        others = with_text.join(known, on=_TEXTS, how="anti", nulls_equal=True)
        index = np.sort(others["index"].to_numpy().astype(np.int64))
        if len(index):
            chosen = [tokens[i] for i in index.tolist()] if tokens else []
            computed = self._computed(rows[index], chosen, self.model)
            result.confidence[index], result.loss[index] = computed.confidence, computed.loss
            for i, label in zip(index.tolist(), computed.predicted, strict=True):
                result.predicted[i] = label
            if predicted := sum(label is not None for label in computed.predicted):
                has = counted(predicted, "row", "are", ",")
                self.progress.say(f"{self.model}: {has} of no fold, and predicted by the mean of all folds")
        if missing := sum(label is None for label in result.predicted):
            has = counted(missing, "row", "have", ",")
            self.progress.say(f"{self.model}: {has} no prediction: without text or label, or changed since")
        return result

    def _computed(self, rows: pl.DataFrame, tokens: Sequence[list[str]], source: str) -> RowPredictions:
        options = EvaluateOptions(tokens_per_batch=self.options.tokens_per_batch, device=self.options.device)
        members = [
            load_model(member, options, self.threads, self.progress) for member in self.receipt.models()
        ]
        task, labels = members[0].classifier.task, members[0].classifier.labels
        if any(member.classifier.labels != labels for member in members):
            raise InputError(f"{self.model}: its folds do not have the same classes", hint="name one of them")
        if not task.by_row and self.label_kind != TAGS:
            raise InputError(
                f"{self.model}: is a {task.name} model, and these rows have no tags",
                hint="leave --model out",
            )
        # Tags are predicted where there are some to compare with: their targets say which tokens carry one.
        has_label = rows[LABEL].is_not_null()
        complete = rows[CONTENT].is_not_null() & (has_label | task.by_row)
        index = complete.arg_true().to_numpy()
        result = RowPredictions.none(rows.height, source)
        if not len(index):
            return result
        encoded = encode_rows(members[0], _rows_at(rows, tokens, index), self.threads, self.progress)
        logits = [member.logits(encoded, options, self.progress) for member in members]
        # Those of several models have the mean of their probabilities, as in `evaluate`.
        combined = logits[0] if len(logits) == 1 else task.ensemble(logits)
        labeled = np.flatnonzero(has_label.to_numpy()[index])
        targets = None
        if len(labeled):
            chosen = _rows_at(rows, tokens, index[labeled])
            targets = task.targets(chosen, labels, self.where, encoded)
            of_labeled = combined[labeled] if task.by_row else combined
            result.loss[index[labeled]] = task.row_losses(of_labeled, targets)
        for i, label in zip(index.tolist(), task.predicted_labels(combined, targets, labels), strict=True):
            result.predicted[i] = label
        if task.by_row and task.has_classes:
            result.confidence[index] = _confidences(task.probabilities(combined), task.exclusive)
        return result


def _out_of_fold_table(path: Path) -> pl.DataFrame:
    """The predictions on file: text, pair, label, predicted, loss and confidence."""
    table = read_predictions(path, [TEXT, LABEL, "predicted", "loss"])
    shares = [name for name in table.columns if name.startswith(PERCENT)]
    confidence = None
    if shares:
        confidence = _confidences(table.select(shares).to_numpy() / 100, task_of(table).exclusive)
    if PAIR not in table.columns:
        table = table.with_columns(pair=pl.lit(None, pl.String))
    return table.select(
        *(pl.col(name).cast(pl.String) for name in (*_KEY, "predicted")),
        pl.col("loss").cast(pl.Float64),
        confidence=pl.lit(None, pl.Float64) if confidence is None else pl.Series(confidence),
    )


def _confidences(shares: NDArray[np.float64], exclusive: bool) -> NDArray[np.float64]:
    """(rows,) from probabilities (rows, classes); with several labels each of them is a decision."""
    confidence: NDArray[np.float64] = (
        shares.max(axis=1) if exclusive else np.maximum(shares, 1 - shares).min(axis=1)
    )
    return confidence


def _out_of_fold(rows: pl.DataFrame, known: pl.DataFrame, source: str) -> RowPredictions:
    """The predictions on file, by text and label; of equal rows the first is the first."""
    occurrence = pl.int_range(pl.len()).over(_KEY).alias("occurrence")
    key = [*_KEY, "occurrence"]
    matched = (
        rows.select(_KEY)
        .with_columns(occurrence)
        .join(known.with_columns(occurrence), on=key, how="left", nulls_equal=True, maintain_order="left")
    )
    return RowPredictions(
        matched["predicted"].to_list(),
        matched["confidence"].fill_null(np.nan).to_numpy().copy(),
        matched["loss"].fill_null(np.nan).to_numpy().copy(),
        source,
    )


def _rows_at(rows: pl.DataFrame, tokens: Sequence[list[str]], index: NDArray[np.int64]) -> Rows:
    part = rows[index]
    pairs = part[PAIR].to_list() if part[PAIR].null_count() < part.height else []
    return Rows(
        texts=part[TEXT].to_list(),
        labels=part[LABEL].to_list(),
        positions=index.tolist(),
        left_out={},
        pairs=pairs,
        tokens=[tokens[i] for i in index.tolist()] if tokens else [],
    )
