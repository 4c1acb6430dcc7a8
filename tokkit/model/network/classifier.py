"""The classifier: a model with its tokenizer, labels, task and limits; its batches, and the logits of rows.

Encoded rows are cut into padded batches within a token budget; logits come back in the order of the rows.
"""

from __future__ import annotations

import os
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
from tokkit.errors import InputError, counted
from tokkit.model.network.heads import HeadedModel
from tokkit.model.tasks.task import Task
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.runtime.panics import reason_of
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.checkpoints import takes_tokens
from tokkit.tokenizer.folder.load import LoadedTokenizer

# Tokens per row where a model has no limit of its own.
_POSITIONS = 512


def pieces_within(
    rows: NDArray[np.int64], lengths: NDArray[np.int64], budget: int, rows_per_piece: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Sort the rows by length and cut them into pieces whose padded size stays within ``budget`` tokens.

    A row longer than the budget is a piece of its own. ``rows_per_piece`` replaces the budget.

    >>> list(pieces_within(np.array([0, 1, 2]), np.array([2, 9, 3]), budget=10))
    [array([1]), array([2, 0])]
    """
    # The longest come first, so that too little memory shows at once and not after an hour.
    ordered = rows[np.argsort(-lengths[rows], kind="stable")]
    start = 0
    while start < len(ordered):
        width = max(int(lengths[ordered[start]]), 1)
        count = rows_per_piece or max(budget // width, 1)
        yield ordered[start : start + count]
        start += count


def token_positions(encoded: Encoded, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(tokens of these rows,) positions of their tokens in ``encoded.ids``, row after row.

    Rows 2 and 0 of offsets [0, 3, 5, 6] give [5, 0, 1, 2].
    """
    lengths = encoded.lengths[rows]
    ends = np.cumsum(lengths)
    # A running number, minus where each row starts in the output, plus where it starts in the input.
    return np.arange(int(ends[-1]) if len(rows) else 0) + np.repeat(
        encoded.offsets[rows] - (ends - lengths), lengths
    )


def part_of(encoded: Encoded, rows: NDArray[np.int64]) -> Encoded:
    """These of the encoded rows, in this order."""
    offsets = np.concatenate([[0], np.cumsum(encoded.lengths[rows])])
    positions = token_positions(encoded, rows)
    segments = None if encoded.segments is None else encoded.segments[positions]
    words = None if encoded.words is None else encoded.words[positions]
    return Encoded(encoded.ids[positions], offsets, 0, segments, words)


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
    lengths = encoded.lengths[rows]
    width = width or max(int(lengths.max()), 1)
    mask = np.arange(width) < lengths[:, None]

    def padded(flat: NDArray[Any], padding: int) -> torch.Tensor:
        values = np.full(mask.shape, padding, dtype=np.int64)
        values[mask] = np.concatenate([flat[encoded.offsets[r] : encoded.offsets[r + 1]] for r in rows])
        return torch.from_numpy(values)

    segments = padded(encoded.segments, 0) if encoded.segments is not None else None
    return Batch(rows, padded(encoded.ids, pad_id), torch.from_numpy(mask.astype(np.int64)), segments)


@dataclass(frozen=True)
class RowLimits:
    """max_length  tokens per row: the tokenizer's limit, at most the model's
    pad_id      id that rows are padded with
    segments    whether the model has an embedding for the second text of a pair
    """

    max_length: int
    pad_id: int
    segments: bool

    @classmethod
    def of(cls, config: Any, tokenizer: LoadedTokenizer, max_length: int | None = None) -> RowLimits:
        """Limits of a configuration; raises `InputError` where ``max_length`` is above them."""
        pad_id = padding_id(tokenizer, config.pad_token_id)
        positions = int(getattr(config, "max_position_embeddings", None) or 0)
        positions = positions if positions > 0 else _POSITIONS  # XLNet writes -1
        positions = takes_tokens(config.model_type, positions, pad_id)
        longest = min(positions, tokenizer.max_length or positions)
        if max_length is not None and max_length > longest:
            raise InputError(
                f"--max-length {max_length}: model and tokenizer take at most {counted(longest, 'token')}",
                hint=f"at most:\n--max-length {longest}",
            )
        return cls(max_length or longest, pad_id, int(getattr(config, "type_vocab_size", 0) or 0) > 1)


def padding_id(tokenizer: LoadedTokenizer, config_id: int | None) -> int:
    """The id to pad with; where neither tokenizer nor configuration has one, 0: the mask hides it."""
    own = tokenizer.id_of("pad")
    return own if own is not None else config_id if config_id is not None else 0


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


# Tokens, padding included, computed at once: the fastest measured on CPUs; enough to fill an accelerator.
CPU_BUDGET, CPU_TRAINING_BUDGET, ACCELERATOR_BUDGET = 1024, 384, 32_768

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
        os.environ["RAYON_NUM_THREADS"] = str(threads)  # read when tokenizers first works in parallel


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
    by_row = classifier.task.by_row
    items = len(encoded) if by_row else len(encoded.ids)
    logits = np.zeros((items, len(classifier.labels)), dtype=np.float32)
    rows = np.arange(len(encoded))
    with torch.inference_mode(), stage(progress, "predicting", len(encoded), "rows"):
        for piece in pieces_within(rows, encoded.lengths, budget, rows_per_batch):
            stop_if_cancelled(progress)
            batch = batch_of(encoded, piece, classifier.limits.pad_id)
            with _failures_named(classifier):
                output = classifier.logits(batch, device).float().cpu().numpy()
            if by_row:
                logits[piece] = output
            else:
                logits[token_positions(encoded, piece)] = output[batch.mask.numpy() == 1]
            progress.advance(len(piece))
    return logits


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
