"""Logits of every row in the order they came, within a token budget."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.network.batching import batch_of, pieces_within, token_places
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.model.network.classifier import Classifier

CPU_BUDGET, CPU_TRAINING_BUDGET, ACCELERATOR_BUDGET = 1024, 384, 32_768
"""Tokens, padding included, computed at once: what measured fastest on CPUs; what fills an accelerator."""


def budget_for(device: torch.device, asked: int | None, *, training: bool = False) -> int:
    """The token budget asked for, else the device's: of a CPU a smaller one to train with than to predict."""
    on_cpu = CPU_TRAINING_BUDGET if training else CPU_BUDGET
    return asked or (on_cpu if device.type == "cpu" else ACCELERATOR_BUDGET)


def use_threads(threads: int | None) -> None:
    """Lets torch and tokenizers use that many threads; None leaves their own choice, all cores."""
    if threads:
        import torch

        torch.set_num_threads(threads)
        os.environ["RAYON_NUM_THREADS"] = str(threads)  # read when tokenizers first works in parallel


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` takes CUDA, then MPS, then the CPU. Raises `InputError`."""
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        told = str(error).splitlines()[0]
        raise InputError(f"--device {name}: {told}", hint="--device auto takes what there is") from error
    return device


def predict_logits(
    classifier: Classifier,
    encoded: Encoded,
    device: torch.device,
    budget: int,
    progress: Progress = SILENT,
    *,
    most: int | None = None,
) -> NDArray[np.float32]:
    """(rows, classes) logits; of tags (tokens, classes), a row's tokens as they stand in ``encoded``.

    Computed sorted by length, given back in the order of the rows.
    """
    import numpy as np
    import torch

    model: Any = classifier.model
    model.to(device).eval()
    by_row = classifier.task.by_row
    logits = np.zeros(
        (len(encoded) if by_row else len(encoded.ids), len(classifier.labels)), dtype=np.float32
    )
    rows = np.arange(len(encoded))
    with torch.inference_mode(), stage(progress, "predicting", len(encoded), "rows"):
        for piece in pieces_within(rows, encoded.lengths, budget, most):
            stop_if_cancelled(progress)
            batch = batch_of(encoded, piece, classifier.pad_id)
            answers = classifier.logits(batch, device).float().cpu().numpy()
            if by_row:
                logits[piece] = answers
            else:
                logits[token_places(encoded, piece)] = answers[batch.mask.numpy() == 1]
            progress.advance(len(piece))
    return logits
