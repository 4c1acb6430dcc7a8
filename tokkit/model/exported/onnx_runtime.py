"""A graph computed by onnxruntime, on the provider that is requested and no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tokkit.model.exported.description import LOGITS
from tokkit.model.exported.runtime import Inputs, cannot_load, no_device
from tokkit.runtime.panics import guarded
from tokkit.runtime.threads import threads_to_use

NAME = "onnxruntime"
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_ERRORS_ONLY = 3


class OnnxRuntime:
    """A session; raises `InputError` for a file that is no graph, and for a device that is not there."""

    def __init__(self, graph: Path, device: str, threads: int | None) -> None:
        kind, _, number = device.partition(":")
        available = onnxruntime.get_available_providers()
        devices = [name for name, provider in (("cpu", _CPU), ("cuda", _CUDA)) if provider in available]
        if kind == "auto":
            kind = devices[-1]
        if kind not in devices:
            raise no_device(device, NAME, devices)
        self.on_cpu = kind == "cpu"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads_to_use(threads)
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # The provider of the CPU computes what CUDA has no kernel for; it never replaces CUDA as a whole.
        providers = [_CPU] if self.on_cpu else [(_CUDA, {"device_id": int(number or 0)}), _CPU]
        with guarded(cannot_load(graph, NAME), hint="export the model again (the command export)"):
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=providers)
            self._session.disable_fallback()
        # onnxruntime only logs that a provider could not be loaded, and goes on with the next.
        if self._session.get_providers()[0] != (_CPU if self.on_cpu else _CUDA):
            raise no_device(device, NAME, ["cpu"])

    def logits(self, inputs: Inputs) -> NDArray[np.float32]:
        """As `Runtime.logits`."""
        output: NDArray[np.float32] = self._session.run([LOGITS], dict(inputs))[0]
        return output
