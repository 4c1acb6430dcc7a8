"""The classifier: a model with its tokenizer, labels, task and limits; its batches, and the logits of rows.

`batches` cuts encoded rows into padded batches within a token budget; here torch computes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.network.batches import (
    ACCELERATOR_BUDGET,
    CPU_BUDGET,
    PaddedRows,
    RowLimits,
    logits_in_order,
    padded_rows,
)
from tokkit.model.network.heads import HeadedModel
from tokkit.model.tasks.task import Task
from tokkit.progress import SILENT, Progress
from tokkit.runtime.panics import reason_of
from tokkit.runtime.threads import limit_tokenizer_threads
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.load import LoadedTokenizer


@dataclass(frozen=True)
class Batch:
    """Rows padded on the right to the longest of them.

    rows      (rows,) their numbers
    ids       (rows, longest) int64
    mask      (rows, longest) int64, 1 on tokens, 0 on padding
    segments  (rows, longest) int64, 1 on the second text of a pair; None where rows are single texts
    """

    rows: NDArray[np.int64]
    ids: torch.Tensor
    mask: torch.Tensor
    segments: torch.Tensor | None = None

    @classmethod
    def of(cls, padded: PaddedRows) -> Batch:
        """The same rows as tensors, which share the memory of the arrays."""
        segments = None if padded.segments is None else torch.from_numpy(padded.segments)
        return cls(padded.rows, torch.from_numpy(padded.ids), torch.from_numpy(padded.mask), segments)

    @property
    def width(self) -> int:
        """Tokens of the longest row."""
        return int(self.ids.shape[1])

    def inputs(self, device: torch.device) -> dict[str, torch.Tensor]:
        """Keyword arguments of a model of transformers, on that device."""
        inputs = {"input_ids": self.ids, "attention_mask": self.mask}
        if self.segments is not None:
            inputs["token_type_ids"] = self.segments
        return {name: value.to(device) for name, value in inputs.items()}


def batch_of(encoded: Encoded, rows: NDArray[np.int64], pad_id: int, width: int | None = None) -> Batch:
    """These rows as one batch, ``width`` tokens wide, else as wide as the longest row."""
    return Batch.of(padded_rows(encoded, rows, pad_id, width))


AnyModel: TypeAlias = PreTrainedModel | HeadedModel


@dataclass(frozen=True)
class Classifier:
    """model    float32: a stock classifier of transformers, or a body with one of our heads
    labels   names of its classes, by id
    """

    model: AnyModel
    tokenizer: LoadedTokenizer
    labels: tuple[str, ...]
    task: Task
    limits: RowLimits

    def encode(self, rows: Rows, threads: int | None = None, progress: Progress = SILENT) -> Encoded:
        """The rows as ids, each truncated to the maximum length; raises as `Task.encode`."""
        max_length = self.limits.max_length
        return self.task.encode(rows, self.tokenizer, max_length, threads=threads, progress=progress)

    def logits(self, batch: Batch, device: torch.device) -> torch.Tensor:
        """(rows, classes) logits of a batch, for tasks by token (rows, tokens, classes), on ``device``.

        The model is on that device already.
        """
        inputs = (batch if self.limits.segments else replace(batch, segments=None)).inputs(device)
        # A row without tokens attends to one padding token: a model that attends to nothing gives logits
        # that depend on the width of the batch.
        first = torch.zeros(1, dtype=torch.int64, device=device)
        inputs["attention_mask"] = inputs["attention_mask"].index_fill(1, first, 1)
        output: Any = self.model(**inputs)
        logits: torch.Tensor = output.logits
        return logits


# Tokens, padding included, computed at once in training on CPUs: the fastest measured.
CPU_TRAINING_BUDGET = 384

_EXTRA_PADDING = 8
# More than rounding in float32, far less than the effect of a padding token that the model attends to.
_CLOSE = 1e-3


def budget_for(device: torch.device, requested: int | None, *, training: bool = False) -> int:
    """The requested token budget, else that of the device; on a CPU training has a smaller one."""
    # Training: 58 rows/s in pieces of 384 tokens (24 % padding), 45 at 2,048 (57 %); prediction pads less,
    # because it sorts all rows and not those of one step.
    on_cpu = CPU_TRAINING_BUDGET if training else CPU_BUDGET
    return requested or (on_cpu if device.type == "cpu" else ACCELERATOR_BUDGET)


def use_threads(threads: int | None) -> None:
    """Set the threads of torch and tokenizers; None leaves their defaults, all cores."""
    if threads:
        torch.set_num_threads(threads)
    limit_tokenizer_threads(threads)


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` is CUDA, then MPS, then the CPU. Raises `InputError`."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--device {name}: {reason}", hint="take what there is:\n--device auto") from error
    return device


@contextmanager
def _failures_named(classifier: Classifier) -> Iterator[None]:
    """Turn what a model with an impossible configuration raises as it runs into an `InputError`."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError, TypeError, ArithmeticError) as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate" in str(error):
            raise
        raise InputError(
            f"{classifier.tokenizer.folder}: the model fails on a row: {reason_of(error)}",
            hint="its config.json may be damaged or of other weights: copy the whole folder again",
        ) from error


def predict_logits(
    classifier: Classifier,
    encoded: Encoded,
    device: torch.device,
    budget: int,
    progress: Progress = SILENT,
    *,
    rows_per_batch: int | None = None,
) -> NDArray[np.float32]:
    """(rows, classes) logits in the order of the rows; for tasks by token (tokens, classes)."""
    model: Any = classifier.model
    model.to(device).eval()

    def compute(padded: PaddedRows) -> NDArray[np.float32]:
        with _failures_named(classifier):
            output: NDArray[np.float32] = classifier.logits(Batch.of(padded), device).float().cpu().numpy()
            return output

    with torch.inference_mode():
        return logits_in_order(
            encoded,
            compute,
            classes=len(classifier.labels),
            by_row=classifier.task.by_row,
            pad_id=classifier.limits.pad_id,
            budget=budget,
            rows_per_batch=rows_per_batch,
            progress=progress,
        )


def check_padding(name: str | Path, classifier: Classifier, encoded: Encoded, device: torch.device) -> None:
    """Compute the shortest row that has tokens, alone and with padding, and compare.

    Raises `InputError` for a model whose logits differ: XLNet, which reads the last position of the batch.
    """
    rows = np.flatnonzero(encoded.lengths > 0)
    if not len(rows):
        return
    row = rows[[int(encoded.lengths[rows].argmin())]]
    length = int(encoded.lengths[row[0]])
    model: Any = classifier.model
    model.to(device).eval()
    with torch.inference_mode(), _failures_named(classifier):
        alone, padded = (
            classifier.logits(batch_of(encoded, row, classifier.limits.pad_id, width), device)
            for width in (length, min(length + _EXTRA_PADDING, classifier.limits.max_length))
        )
    if not classifier.task.by_row:
        padded = padded[:, :length]
    if not torch.allclose(alone, padded, atol=_CLOSE, rtol=_CLOSE):
        raise InputError(
            f"{name}: its prediction for a text changes with the padding behind it, so with the batch",
            hint="use a model that masks padding, as BERT, RoBERTa, ELECTRA, DeBERTa and ModernBERT do",
        )
