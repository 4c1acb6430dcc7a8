"""The numbers a step is computed in, fp32, bf16 or fp16, chosen by trying them where nobody says.

Weights, optimizer and loss are fp32 in any case; the model alone is computed under autocast. A CPU without
matrix units (AMX) stays at fp32: it gains little or loses by bf16, and a trial among other work would give
other bytes from run to run.
"""

from __future__ import annotations

import math
import os
import time
from typing import TYPE_CHECKING, Any

from tokkit.errors import UsageError
from tokkit.model.network.batching import batch_of
from tokkit.model.training.processes import as_the_first
from tokkit.progress import Progress

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

    from tokkit.model.network.classifier import Classifier
    from tokkit.model.training.gradients import TrainingRows

_MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}

_WORTH_IT = 1.5
"""How much faster than fp32 another precision has to be: so much that a busy machine does not decide it."""
_WORTH_TRYING = 200
"""Steps of a training below which a trial gains less than it takes."""
_SECONDS, _TIMES = 2.0, 6
"""Precisions are tried in turn this long or this often, whichever comes first."""


def choose_precision(
    asked: str,
    classifier: Classifier,
    rows: TrainingRows,
    device: torch.device,
    budget: int,
    steps: int,
    progress: Progress,
) -> str:
    """The precision asked for; of ``auto``, the fastest in a trial of about two seconds, which is said.

    Raises `UsageError` for a precision the device does not have.
    """
    import numpy as np

    if asked != "auto":
        _check(asked, device)
        return asked
    if steps < _WORTH_TRYING or not _may_gain(device):
        return "fp32"
    other = "bf16" if _has_bf16(device) else "fp16"
    taken = _seconds(("fp32", other), classifier, rows, device, budget)
    gains = np.array([taken[other] * _WORTH_IT < taken["fp32"]], dtype=np.float32)
    chosen = other if as_the_first(gains, device)[0] else "fp32"
    told = ", ".join(f"{seconds * 1000:.0f} ms in {name}" for name, seconds in taken.items())
    progress.say(f"--precision {chosen}: a piece of a step takes {told}")
    return chosen


def accelerator_for(device: torch.device, precision: str) -> Accelerator:
    """What places, casts and adds up over processes, on this device and in this precision.

    Accelerate settles both once for a process; a process that trains twice settles them anew. Where torchrun
    started several processes, each gets its own device.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    _check(precision, device)
    AcceleratorState._reset_state(reset_partial_state=True)
    several = "LOCAL_RANK" in os.environ
    if not several:
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(device)
    try:
        return Accelerator(mixed_precision=_MIXED[precision], cpu=device.type == "cpu")
    finally:
        if not several:
            del os.environ["ACCELERATE_TORCH_DEVICE"]


def _check(precision: str, device: torch.device) -> None:
    if precision == "fp16" and device.type == "cpu":
        raise UsageError("--precision fp16: needs a GPU; this is a CPU", hint="--precision auto")
    if precision == "bf16" and not _has_bf16(device):
        raise UsageError("--precision bf16: this GPU does not compute in it", hint="--precision fp16")


def _may_gain(device: torch.device) -> bool:
    import torch

    return device.type != "cpu" or torch.cpu._is_amx_tile_supported()


def _has_bf16(device: torch.device) -> bool:
    import torch

    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def _seconds(
    precisions: tuple[str, ...],
    classifier: Classifier,
    rows: TrainingRows,
    device: torch.device,
    budget: int,
) -> dict[str, float]:
    """Of rows of the usual length forward and backward, the least of a few trials; infinite if it fails."""
    import numpy as np

    lengths = rows.encoded.lengths
    ordered = np.argsort(lengths, kind="stable")
    usual = max(int(lengths[ordered[len(ordered) // 2]]), 1)
    count = max(budget // usual, 1)
    start = max(len(ordered) // 2 - count + 1, 0)
    piece = ordered[start : start + count]  # none of them longer than the usual one
    model: Any = classifier.model
    model.to(device).train()
    taken = dict.fromkeys(precisions, math.inf)
    began = time.monotonic()
    for number in range(1 + _TIMES):
        for precision in precisions:
            started = time.monotonic()
            try:
                finite = _finite(precision, classifier, rows, piece, device)
            except RuntimeError:  # an operation that this precision lacks, or too little memory
                finite = False
            if finite and number:  # the first is slower: kernels are chosen, memory is taken
                taken[precision] = min(taken[precision], time.monotonic() - started)
        if number and time.monotonic() - began > _SECONDS:
            break
    model.zero_grad(set_to_none=True)
    return taken


def _finite(
    precision: str, classifier: Classifier, rows: TrainingRows, piece: Any, device: torch.device
) -> bool:
    import torch

    batch = batch_of(rows.encoded, piece, classifier.pad_id)
    targets = rows.targets.of(piece, batch.width).to(device)
    dtype = torch.float16 if precision == "fp16" else torch.bfloat16
    with torch.autocast(device.type, dtype=dtype, enabled=precision != "fp32"):
        logits = classifier.logits(batch, device)
    loss = rows.loss.summed(logits, targets)
    loss.backward()
    if device.type != "cpu":
        torch.accelerator.synchronize()
    return bool(torch.isfinite(loss))
