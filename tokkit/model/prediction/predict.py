"""`predict`: labels and probabilities of texts, in the order of the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.model.options.inference_options import PredictOptions
from tokkit.model.prediction.input_rows import complete_rows, read_rows
from tokkit.model.prediction.prediction_file import PredictionFile, WrittenPredictions
from tokkit.model.prediction.predictor import Predictor
from tokkit.model.requests.checks import check_predict
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress


@dataclass(frozen=True)
class PredictResult:
    """A dictionary per text: ``{text, label, probabilities, true_label if known}``.

    Pairs of texts also have ``pair``, and a task may add keys of its own (`Task.predictions`). A row without
    a text stays in its position: its label and its probabilities are None.

    written   what is in the file, where the predictions are written to one instead
    """

    predictions: list[dict[str, Any]]
    raw: bool = False
    written: WrittenPredictions | None = None

    def as_dict(self) -> dict[str, Any]:
        unit = {"unit": "share" if self.raw else "per cent"}
        if self.written is not None:
            return {**unit, **vars(self.written)}
        return {**unit, "predictions": self.predictions}


def predict(
    model: str | Path,
    texts: str | Path | Sequence[str | Path],
    *,
    out: str | Path | None = None,
    force: bool = False,
    raw: bool = False,
    options: PredictOptions | None = None,
    read_options: DatasetOptions | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> PredictResult:
    """Predictions of a model for texts; paths, web addresses, ``hub:NAME`` and ``-`` are read as data sets.

    A folder of folds predicts with the mean of its models' probabilities. Probabilities are per cent with two
    decimals, with ``raw`` unrounded shares. Where a file's label column has the model's labels, each row also
    gets its ``true_label``. A model of tags uses the tokens of CoNLL files and of list columns, and splits
    other texts at white space. Columns are those that the model was trained with, where a file has them and
    the options name no others.

    out   a file for the rows of one data set: each in its place with its columns unchanged, and those that
          `predicted_columns` describes added; the result then has no predictions

    ``settings`` are fields of `PredictOptions` and `DatasetOptions`.

    Raises `InputError` for a model without a trained head, and for files that are missing or cannot be read;
    `UsageError` for options that do not fit, and as `check_predict`; `OutputError` where ``out`` exists.
    """
    arguments = [texts] if isinstance(texts, str | Path) else list(texts)
    options, read_options = apply_to_both(PredictOptions, options, DatasetOptions, read_options, settings)
    check_predict(arguments, out, options, force)
    predictor = Predictor.load(model, options, raw, threads, progress)
    if out is not None:
        file = PredictionFile(Path(out), predictor, options, read_options, force)
        return PredictResult([], raw, file.write(arguments[0], progress))
    inputs = [row for argument in arguments for row in read_rows(argument, predictor, read_options, progress)]
    rows = complete_rows(inputs)
    predictions = predictor.predict(rows, predictor.encode(rows, progress), progress)
    # Rows without a text or pair stay in their position, without a prediction.
    remaining = iter(predictions)
    return PredictResult([row.result(next(remaining) if row.complete else None) for row in inputs], raw)
