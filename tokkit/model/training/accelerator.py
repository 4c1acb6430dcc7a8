"""Device, precision and processes of a training.

Weights, optimizer and loss are fp32 in any case; only the model is computed under autocast, in fp32, bf16 or
fp16. Several processes train one model together when `torchrun` starts them:

    torchrun --nproc-per-node 2 -m tokkit finetune DATASET --tokenizer out/
    tokkit finetune DATASET --tokenizer out/ --processes 2          # starts it itself: `data_parallel`

Each process prepares the same rows and computes its share of each step (`steps`) and of each evaluation; all
know the logits of all rows, and so the best evaluation, and the first one writes the results.
"""

from __future__ import annotations

import os

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import reduce
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.model.network.batches import part_of, token_positions
from tokkit.model.network.classifier import Classifier, predict_logits
from tokkit.model.network.heads import width_of
from tokkit.model.training.setup import TrainingSetup
from tokkit.progress import Progress
from tokkit.runtime.processes import process_count
from tokkit.tokenizer.encoding.encode import Encoded

_MIXED_PRECISION = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}

# Below this width, matrix products are too small a part of a step: bf16 gained 45 to 60 % at 384 and 85 % at
# 768, but 20 % at 256 and nothing at 128 (AMD Zen with AVX512_BF16, `tests.benchmarks.finetune_speed`).
_MIN_WIDTH = 384


def predict_shared(
    classifier: Classifier,
    encoded: Encoded,
    device: torch.device,
    budget: int,
    progress: Progress,
    rows_per_batch: int | None = None,
) -> NDArray[np.float32]:
    """As `predict_logits`, of several processes each a share of the rows; all return the same logits.

    Every process calls this, with the same rows.
    """
    count = process_count()
    if count == 1:
        return predict_logits(classifier, encoded, device, budget, progress, rows_per_batch=rows_per_batch)
    state = PartialState(cpu=device.type == "cpu")
    # Dealt out by length, as the rows of a step are.
    rows = np.argsort(-encoded.lengths, kind="stable")[state.process_index :: count]
    own = predict_logits(
        classifier, part_of(encoded, rows), device, budget, progress, rows_per_batch=rows_per_batch
    )
    by_row = classifier.task.by_row
    logits = np.zeros((len(encoded) if by_row else len(encoded.ids), own.shape[1]), dtype=np.float32)
    logits[rows if by_row else token_positions(encoded, rows)] = own
    # Of each row all processes but one add zero, so the sum is exact, and the same for all of them.
    summed: torch.Tensor = reduce(torch.from_numpy(logits).to(state.device), "sum")
    array: NDArray[np.float32] = summed.cpu().numpy()
    return array


def leave_process_group() -> None:
    """End the connection between the processes."""
    if "LOCAL_RANK" in os.environ and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def accelerator_for(device: torch.device, precision: str) -> Accelerator:
    """An `Accelerator` for this device and precision; with several processes each gets its own device.

    Raises `UsageError` for a precision that the device does not have.
    """
    _check(precision, device)
    # Accelerate settles device and precision once per process; a second training must be able to change them.
    AcceleratorState._reset_state(reset_partial_state=True)
    distributed = "LOCAL_RANK" in os.environ
    if not distributed:
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(device)
    try:
        return Accelerator(mixed_precision=_MIXED_PRECISION[precision], cpu=device.type == "cpu")
    finally:
        if not distributed:
            del os.environ["ACCELERATE_TORCH_DEVICE"]


def choose_precision(setup: TrainingSetup, progress: Progress) -> str:
    """The requested precision; for ``auto`` that of the device and the model's width, reported if not fp32.

    No timing decides, so the same command gives the same bytes. Raises `UsageError` for a precision that the
    device does not have.
    """
    requested, device = setup.options.precision, setup.device
    if requested != "auto":
        _check(requested, device)
        return requested
    return precision_for(device, width_of(setup.classifier.model.config), progress)


def precision_for(device: torch.device, width: int, progress: Progress) -> str:
    """The precision that ``auto`` stands for on this device for a model of this width."""
    chosen, reason = _fast_precision(device)
    if chosen == "fp32" or width < _MIN_WIDTH:
        return "fp32"
    progress.say(f"chose precision {chosen} (--precision): {reason}, and the model is {width} wide")
    return chosen


def _fast_precision(device: torch.device) -> tuple[str, str]:
    """The precision that trains wide models faster on this device than fp32, and why; else fp32."""
    if device.type == "cuda":
        # bf16 has the range of fp32 and needs no loss scaling; fp16 only where it is missing.
        return ("bf16" if _has_bf16(device) else "fp16"), "the GPU has matrix units for it"
    # With AMX, bf16 was no faster (58 against 57 rows/s at width 384); without either, it is emulated.
    has_bf16 = torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported()
    if device.type == "cpu" and has_bf16:
        return "bf16", "the CPU has AVX512_BF16"
    return "fp32", ""


def _check(precision: str, device: torch.device) -> None:
    if precision == "fp16" and device.type == "cpu":
        raise UsageError(
            "--precision fp16: needs a GPU; this is a CPU", hint="what the device can:\n--precision auto"
        )
    if precision == "bf16" and not _has_bf16(device):
        raise UsageError(
            "--precision bf16: this GPU does not support it", hint="16 bits that it does:\n--precision fp16"
        )


def _has_bf16(device: torch.device) -> bool:
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
