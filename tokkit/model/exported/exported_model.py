"""An exported model, ready to predict: the same rows, batches and decisions as with torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.model.exported.description import Description
from tokkit.model.exported.runtime import Inputs, Runtime
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.network.batches import (
    ACCELERATOR_BUDGET,
    PaddedRows,
    RowLimits,
    logits_in_order,
)
from tokkit.model.options.inference_options import InferenceOptions
from tokkit.model.tasks import Task
from tokkit.progress import SILENT, Progress
from tokkit.runtime.panics import guarded
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.load import LoadedTokenizer
from tokkit.tokenizer.folder.load import load as load_tokenizer

# Tokens computed at once: 230 rows/s in 8 bits, 210 with the 1,024 that are the fastest with torch.
EXPORTED_BUDGET = 512


@dataclass(frozen=True)
class ExportedClassifier:
    """A graph with its tokenizer, labels, task and limits."""

    description: Description
    tokenizer: LoadedTokenizer
    runtime: Runtime

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of its classes, by id."""
        return self.description.labels

    @property
    def task(self) -> Task:
        return self.description.task_of_rows

    @property
    def limits(self) -> RowLimits:
        return self.description.limits

    def encode(self, rows: Rows, threads: int | None = None, progress: Progress = SILENT) -> Encoded:
        """The rows as ids, each truncated to the maximum length; raises as `Task.encode`."""
        max_length = self.limits.max_length
        return self.task.encode(rows, self.tokenizer, max_length, threads=threads, progress=progress)

    def inputs(self, padded: PaddedRows) -> Inputs:
        """A batch as the graph takes it."""
        segments = np.zeros_like(padded.ids) if padded.segments is None else padded.segments
        arrays = (padded.ids, padded.mask, segments)
        return dict(zip(self.description.inputs, arrays, strict=False))

    def logits(self, padded: PaddedRows) -> NDArray[np.float32]:
        """(rows, classes) of a batch, for tasks by token (rows, tokens, classes)."""
        with guarded(f"{self.tokenizer.folder}: the model fails on a row"):
            return self.runtime.logits(self.inputs(padded))


@dataclass(frozen=True)
class ExportedModel:
    """An exported model loaded from its folder, with what the folder records of its training."""

    receipt: ModelReceipt
    classifier: ExportedClassifier

    @classmethod
    def load(cls, receipt: ModelReceipt, description: Description, runtime: Runtime) -> ExportedModel:
        """Raises `InputError` for a folder without a tokenizer that can be read."""
        tokenizer = load_tokenizer(receipt.folder, SILENT)
        return cls(receipt, ExportedClassifier(description, tokenizer, runtime))

    def logits(self, encoded: Encoded, options: InferenceOptions, progress: Progress) -> NDArray[np.float32]:
        """(rows, classes), for tasks by token (tokens, classes)."""
        classifier = self.classifier
        on_device = EXPORTED_BUDGET if classifier.runtime.on_cpu else ACCELERATOR_BUDGET
        return logits_in_order(
            encoded,
            classifier.logits,
            classes=len(classifier.labels),
            by_row=classifier.task.by_row,
            pad_id=classifier.limits.pad_id,
            budget=options.tokens_per_batch or on_device,
            progress=progress,
        )
