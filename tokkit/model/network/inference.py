"""Logits of every row in the order of the rows, computed within a token budget."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.model.network.batching import batch_of, pieces_within, token_positions
from tokkit.model.network.classifier import Classifier
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import Encoded

CPU_BUDGET, CPU_TRAINING_BUDGET, ACCELERATOR_BUDGET = 1024, 384, 32_768
"""Tokens, padding included, computed at once: the fastest measured on CPUs; enough to fill an accelerator."""

_EXTRA_PADDING = 8
_CLOSE = 1e-3
"""More than rounding in float32, far less than the effect of a padding token that the model attends to."""


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
        raise InputError(f"--device {name}: {reason}", hint="--device auto takes what there is") from error
    return device


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
            batch = batch_of(encoded, piece, classifier.pad_id)
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
    with torch.inference_mode():
        alone, padded = (
            classifier.logits(batch_of(encoded, row, classifier.pad_id, width), device)
            for width in (length, min(length + _EXTRA_PADDING, classifier.max_length))
        )
    if not classifier.task.by_row:
        padded = padded[:, :length]
    if not torch.allclose(alone, padded, atol=_CLOSE, rtol=_CLOSE):
        raise InputError(
            f"{name}: its prediction for a text changes with the padding behind it, so with the batch",
            hint="use a model that masks padding, as BERT, RoBERTa, ELECTRA, DeBERTa and ModernBERT do",
        )
