"""Predictions as columns next to those of the rows.

one label per row       predicted, probability; predicted_2, ... on request
several labels          predicted, the labels with ``|`` between
tags                    predicted, one tag per token, and spans
a number                predicted

With ``probabilities``, classes also have a column each: "% LABEL", or "share LABEL" from 0 to 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tokkit.data.dataset import BETWEEN_TAGS
from tokkit.errors import UsageError
from tokkit.model.folder.receipt import PERCENT
from tokkit.model.options.inference_options import PredictOptions
from tokkit.model.prediction.predictor import Predictor

PREDICTED, PROBABILITY, SPANS = "predicted", "probability", "spans"
_SHARE = "share "
_SPAN = pl.Struct(
    {
        **{"type": pl.String, "text": pl.String, "first": pl.Int64, "last": pl.Int64},
        **{"start": pl.Int64, "end": pl.Int64, "probability": pl.Float64},
    }
)
# formats in which a cell may be a list
_WITH_LISTS = ("parquet", "arrow", "jsonl", "json", "conll")

Prediction = Mapping[str, Any]


@dataclass(frozen=True)
class PredictedColumns:
    """What is added to rows that a model predicts.

    format_name   of the file, which decides how lists are written
    """

    predictor: Predictor
    options: PredictOptions
    format_name: str

    def __post_init__(self) -> None:
        """Raises `UsageError` for what the task does not have."""
        task = self.predictor.classifier.task
        options, labels = self.options, len(self.predictor.classifier.labels)
        classes = task.by_row and task.has_classes
        if options.probabilities and not classes:
            raise UsageError(f"--probabilities: a {task.name} model has none by row", hint="leave it out")
        if options.top > 1 and not (classes and task.exclusive):
            raise UsageError(
                f"--top {options.top}: a {task.name} model does not choose one of several classes",
                hint="leave it out"
                if not classes
                else "leave it out: --probabilities gives that of each class",
            )
        if options.top > labels:
            raise UsageError(
                f"--top {options.top}: the model has {labels} classes", hint=f"at most:\n--top {labels}"
            )

    def check_free(self, names: Sequence[str], where: str) -> None:
        """Raises `UsageError` where the rows have a column of the name of one that is added."""
        if used := [name for name in self.frame([]).columns if name in names]:
            raise UsageError(
                f'{where}: the rows have a column "{used[0]}" already, the name of one that is added',
                hint="begin the added names with model_:\n--prefix model_",
            )

    def frame(self, predictions: Sequence[Prediction | None]) -> pl.DataFrame:
        """(rows, columns), null in all columns of a row without a prediction."""
        task = self.predictor.classifier.task
        if not task.by_row:
            columns = self._tags(predictions)
        elif not task.has_classes:
            values = [None if row is None else row["value"] for row in predictions]
            columns = {PREDICTED: pl.Series(values, dtype=pl.Float64)}
        elif task.exclusive:
            columns = self._ranked(predictions)
        else:
            columns = {PREDICTED: _strings(None if row is None else row["label"] for row in predictions)}
        if self.options.probabilities:
            columns |= self._probabilities(predictions)
        return pl.DataFrame({f"{self.options.prefix}{name}": values for name, values in columns.items()})

    def _ranked(self, predictions: Sequence[Prediction | None]) -> dict[str, pl.Series]:
        """The label predicted, and those that follow it by their probability, each with that."""
        names: list[list[str | None]] = [[] for _ in range(self.options.top)]
        shares: list[list[float | None]] = [[] for _ in range(self.options.top)]
        for row in predictions:
            ranked = [] if row is None else _by_probability(row["label"], row["probabilities"])
            for rank in range(self.options.top):
                label, share = ranked[rank] if ranked else (None, None)
                names[rank].append(label)
                shares[rank].append(share)
        columns: dict[str, pl.Series] = {}
        for rank in range(self.options.top):
            number = f"_{rank + 1}" if rank else ""
            columns[f"{PREDICTED}{number}"] = _strings(names[rank])
            columns[f"{PROBABILITY}{number}"] = pl.Series(shares[rank], dtype=pl.Float64)
        return columns

    def _tags(self, predictions: Sequence[Prediction | None]) -> dict[str, pl.Series]:
        tags = [None if row is None else row["tags"] for row in predictions]
        spans = [None if row is None else row["spans"] for row in predictions]
        if self.format_name == "conll":
            return {PREDICTED: pl.Series(tags, dtype=pl.List(pl.String))}
        if self.format_name in _WITH_LISTS:
            return {
                PREDICTED: pl.Series(tags, dtype=pl.List(pl.String)),
                SPANS: pl.Series(spans, dtype=pl.List(_SPAN)),
            }
        return {
            PREDICTED: _strings(None if row is None else BETWEEN_TAGS.join(row) for row in tags),
            SPANS: _strings(None if row is None else json.dumps(row, ensure_ascii=False) for row in spans),
        }

    def _probabilities(self, predictions: Sequence[Prediction | None]) -> dict[str, pl.Series]:
        unit = _SHARE if self.predictor.raw else PERCENT
        return {
            f"{unit}{label}": pl.Series(
                [None if row is None else row["probabilities"][label] for row in predictions],
                dtype=pl.Float64,
            )
            for label in self.predictor.classifier.labels
        }


def _by_probability(predicted: str, shares: Mapping[str, float]) -> list[tuple[str, float]]:
    """The classes with their probability: the one predicted, which thresholds may choose, then the likeliest.

    Of equal ones, the first of the model's classes comes first.
    """
    return sorted(shares.items(), key=lambda item: (item[0] != predicted, -item[1]))


def _strings(values: Any) -> pl.Series:
    return pl.Series(list(values), dtype=pl.String)
