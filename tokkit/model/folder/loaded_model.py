"""A model that is ready to predict rows, whatever computes it: torch, or a runtime of exported models."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.errors import counted
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.network.batches import RowLimits
from tokkit.model.options.inference_options import InferenceOptions
from tokkit.model.tasks.task import Task
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.load import LoadedTokenizer


class RowClassifier(Protocol):
    """What is known of a classifier besides how it is computed."""

    @property
    def tokenizer(self) -> LoadedTokenizer: ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def task(self) -> Task: ...

    @property
    def limits(self) -> RowLimits: ...

    def encode(self, rows: Rows, threads: int | None = None, progress: Progress = SILENT) -> Encoded:
        """The rows as ids, each truncated to the maximum length."""


class LoadedModel(Protocol):
    """A model loaded from its folder, with what the folder records of its training."""

    @property
    def receipt(self) -> ModelReceipt: ...

    @property
    def classifier(self) -> RowClassifier: ...

    def logits(self, encoded: Encoded, options: InferenceOptions, progress: Progress) -> NDArray[np.float32]:
        """(rows, classes), for tasks by token (tokens, classes), on the device of the options."""


def encode_rows(model: LoadedModel, rows: Rows, threads: int | None, progress: Progress) -> Encoded:
    """The rows as ids, truncated as in training; raises `InputError` as `ModelReceipt.check_rows`.

    Reports truncated rows, and what else of them the model does not get.
    """
    receipt, classifier = model.receipt, model.classifier
    receipt.check_rows(rows, progress)
    encoded = classifier.encode(rows, threads, progress)
    if encoded.truncated:
        truncated = counted(encoded.truncated, "row", style=",")
        progress.say(f"{receipt.folder}: {truncated} truncated at max length {classifier.limits.max_length}")
    classifier.task.warn_of_rows(rows, encoded, classifier.tokenizer, str(receipt.folder), progress)
    return encoded
