"""Device, precision and processes of a training.

Weights, optimizer and loss are fp32 in any case; only the model is computed under autocast, in fp32, bf16 or
fp16. Several processes train one model together when `torchrun` starts them:

    torchrun --nproc-per-node 2 -m tokkit finetune DATASET --tokenizer out/

Each process prepares the same rows and computes its share of each step (`steps`); the first one chooses the
precision and the best evaluation for all, and writes the results.
"""

from __future__ import annotations

import math
import os
import time

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast
from numpy.typing import NDArray

from tokkit.errors import UsageError
from tokkit.model.network.classifier import batch_of
from tokkit.model.training.schedule import steps_per_epoch
from tokkit.model.training.setup import TrainingSetup
from tokkit.progress import Progress

_MIXED_PRECISION = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}

# How much faster than fp32 another precision must be: more than the noise of a busy machine.
_MIN_SPEEDUP = 1.5
# Steps of a training below which a trial costs more than it gains.
_MIN_STEPS = 200
# Precisions are timed in turn this long or this often, whichever comes first.
_TRIAL_SECONDS, _TRIALS = 2.0, 6


def process_count() -> int:
    """Number of processes that train together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ else 1


def is_helper() -> bool:
    """Whether another process is the first one."""
    return process_count() > 1 and os.environ.get("RANK", "0") != "0"


def from_first_process(values: NDArray[np.float32], device: torch.device) -> NDArray[np.float32]:
    """The values of the first process; every process calls this, with values of the same shape."""
    if process_count() == 1:
        return values
    state = PartialState(cpu=device.type == "cpu")
    # From the accelerator's device: its backend may not send from the CPU.
    received: torch.Tensor = broadcast(torch.from_numpy(values).to(state.device))
    array: NDArray[np.float32] = received.cpu().numpy()
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
    """The requested precision; for ``auto`` the fastest in a trial of about two seconds, which is reported.

    Raises `UsageError` for a precision that the device does not have.
    """
    requested, device = setup.options.precision, setup.device
    if requested != "auto":
        _check(requested, device)
        return requested
    # A CPU without matrix units (AMX) gains little from bf16 or loses, and the timing of a busy machine would
    # make the same command give other bytes from run to run.
    steps = setup.options.epochs * steps_per_epoch(len(setup.training.encoded), setup.options)
    if steps < _MIN_STEPS or (device.type == "cpu" and not torch.cpu._is_amx_tile_supported()):
        return "fp32"
    # bf16 has the range of fp32 and needs no loss scaling; fp16 only where it is missing.
    other = "bf16" if _has_bf16(device) else "fp16"
    seconds = _time_precisions(("fp32", other), setup)
    faster = np.array([seconds[other] * _MIN_SPEEDUP < seconds["fp32"]], dtype=np.float32)
    chosen = other if from_first_process(faster, device)[0] else "fp32"
    timing = ", ".join(f"{least * 1000:.0f} ms in {name}" for name, least in seconds.items())
    progress.say(f"--precision {chosen}: a piece of a step takes {timing}")
    return chosen


def _check(precision: str, device: torch.device) -> None:
    if precision == "fp16" and device.type == "cpu":
        raise UsageError("--precision fp16: needs a GPU; this is a CPU", hint="--precision auto")
    if precision == "bf16" and not _has_bf16(device):
        raise UsageError("--precision bf16: this GPU does not support it", hint="--precision fp16")


def _has_bf16(device: torch.device) -> bool:
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def _time_precisions(precisions: tuple[str, ...], setup: TrainingSetup) -> dict[str, float]:
    """Least seconds of a few trials over rows of median length; infinite where all fail."""
    lengths, model = setup.training.encoded.lengths, setup.classifier.model
    ordered = np.argsort(lengths, kind="stable")
    median = max(int(lengths[ordered[len(ordered) // 2]]), 1)
    count = max(setup.budget // median, 1)
    start = max(len(ordered) // 2 - count + 1, 0)
    piece = ordered[start : start + count]  # up to the median row, so none is longer
    model.to(setup.device).train()
    seconds = dict.fromkeys(precisions, math.inf)
    begun = time.monotonic()
    for trial in range(1 + _TRIALS):
        for precision in precisions:
            started = time.monotonic()
            try:
                finite = _gradient_is_finite(precision, setup, piece)
            except RuntimeError:  # an operation that this precision lacks, or too little memory
                finite = False
            # The first trial is slower: kernels are chosen and memory is allocated.
            if finite and trial:
                seconds[precision] = min(seconds[precision], time.monotonic() - started)
        if trial and time.monotonic() - begun > _TRIAL_SECONDS:
            break
    # The trial leaves no trace: gradients are dropped, and the weights were never changed.
    model.zero_grad(set_to_none=True)
    return seconds


def _gradient_is_finite(precision: str, setup: TrainingSetup, piece: NDArray[np.int64]) -> bool:
    """Compute loss and gradient of these rows; whether the loss is finite."""
    classifier, training, device = setup.classifier, setup.training, setup.device
    batch = batch_of(training.encoded, piece, classifier.limits.pad_id)
    targets = training.targets.of(piece, batch.width).to(device)
    dtype = torch.float16 if precision == "fp16" else torch.bfloat16
    with torch.autocast(device.type, dtype=dtype, enabled=precision != "fp32"):
        logits = classifier.logits(batch, device)
    summed = setup.loss.summed(logits, targets)
    summed.backward()
    if device.type != "cpu":
        # Kernels run asynchronously; without waiting, only their launch would be timed.
        torch.accelerator.synchronize()
    return bool(torch.isfinite(summed))
