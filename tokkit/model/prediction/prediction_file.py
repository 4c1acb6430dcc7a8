"""The rows of a data set written with their predictions: each in its place, with all its columns.

Rows are read, predicted and written some thousand at a time, so that memory does not grow with the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tokkit import files
from tokkit.data import save
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.streaming import RowBlock, StreamedDataset, over_batches
from tokkit.data.row_writer import RowWriter
from tokkit.errors import UsageError, counted
from tokkit.model.options.inference_options import PredictOptions
from tokkit.model.prediction.predicted_columns import PredictedColumns
from tokkit.model.prediction.predictor import Predictor
from tokkit.progress import SILENT, PartOfStage, Progress, SayOnce, stage

_PACKAGES = ("numpy", "polars", "pyarrow", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class WrittenPredictions:
    """rows   of the file
    without_prediction  those of them without a text
    truncated           those of which the model reads the beginning only
    classes             label -> rows it is predicted for; tags and numbers have none
    """

    output: str
    rows: int
    without_prediction: int
    truncated: int
    classes: dict[str, int]


@dataclass(frozen=True)
class PredictionFile:
    """The file that predictions are written to, and how."""

    path: Path
    predictor: Predictor
    options: PredictOptions
    read: DatasetOptions
    force: bool

    def write(self, source: str | Path, progress: Progress) -> WrittenPredictions:
        """Predict all rows of a data set and publish the file with its receipt.

        Raises `UsageError` for a data set of several splits and for a column whose name is taken, and
        `InputError` as `over_batches` and `RowWriter`.
        """
        models = [self.predictor.receipt.folder]
        _, written = over_batches(
            source,
            self.read,
            SayOnce(progress),
            lambda dataset: self._publish(dataset, source, models, progress),
            self.predictor.members[0].receipt.columns,
        )
        if written.truncated:
            max_length = self.predictor.classifier.limits.max_length
            truncated = counted(written.truncated, "row", style=",")
            progress.say(f"{self.predictor.name}: {truncated} truncated at max length {max_length}")
        return written

    def _publish(
        self, dataset: StreamedDataset, source: str | Path, models: Sequence[Path], progress: Progress
    ) -> WrittenPredictions:
        if len(dataset.splits) > 1:
            raise UsageError(
                f"{dataset.source}: has the splits {', '.join(dataset.splits)}, and -o is one file",
                hint="name the file of one split",
            )
        (split,) = dataset.splits.values()
        like = save.plain_format(self.options.output_format) if self.options.output_format else split.format
        table_format = save.format_for(self.path, like)
        inputs = [*split.files, *models]
        with files.files(self.path, f".{files.RECEIPT}", force=self.force, inputs=inputs) as staging:
            staged = staging / self.path.name
            columns = PredictedColumns(self.predictor, self.options, table_format.name)
            with RowWriter(staged, table_format) as writer:
                written = self._write_rows(dataset, columns, writer, progress)
            result = {name: value for name, value in asdict(written).items() if name != "output"}
            files.write_receipt(
                staged,
                command="predict",
                settings={**asdict(self.options), **asdict(self.read), "raw": self.predictor.raw},
                inputs=inputs,
                packages=_PACKAGES,
                sources={"model": self.predictor.name, "texts": source},
                result=result,
                run={"output": str(self.path), "threads": self.predictor.threads},
            )
        return written

    def _write_rows(
        self, dataset: StreamedDataset, columns: PredictedColumns, writer: RowWriter, progress: Progress
    ) -> WrittenPredictions:
        rows = predicted = truncated = 0
        classes: Counter[str] = Counter()
        counted = self.predictor.classifier.task
        with stage(progress, "predicting", dataset.size, dataset.unit):
            for block in dataset.row_blocks():
                if not rows:
                    self._check_columns(block, columns, writer, dataset.source)
                complete = block.complete(by_row=counted.by_row)
                # What a model expects of its rows is the same for all of them: it is said of the first.
                self.predictor.receipt.check_rows(complete, SILENT if rows else progress)
                encoded = self.predictor.classifier.encode(complete, self.predictor.threads)
                part = PartOfStage(progress, len(encoded) * len(self.predictor.members), block.read)
                predictions = self.predictor.predict(complete, encoded, part)
                in_place: list[Any] = [None] * block.original.height
                for position, prediction in zip(complete.positions, predictions, strict=True):
                    in_place[position] = prediction
                added = columns.frame(in_place)
                writer.write(pl.concat([block.original, added], how="horizontal"), block.mixed)
                if counted.by_row and counted.has_classes:
                    classes.update(name for row in predictions for name in row.get("labels", [row["label"]]))
                rows += block.original.height
                predicted += len(predictions)
                truncated += encoded.truncated
                part.complete()
        labels = self.predictor.classifier.labels if counted.by_row and counted.has_classes else ()
        by_class = {label: classes[label] for label in labels}
        return WrittenPredictions(str(self.path), rows, rows - predicted, truncated, by_class)

    def _check_columns(
        self, block: RowBlock, columns: PredictedColumns, writer: RowWriter, where: str
    ) -> None:
        """Raises now what would be raised once the first rows are predicted, which takes a while."""
        columns.check_free(block.original.columns, where)
        empty = columns.frame([None] * block.original.height)
        writer.check(pl.concat([block.original, empty], how="horizontal"))
