"""A graph computed by OpenVINO on the CPU, in float32 also where the CPU has faster, coarser arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from tokkit.model.exported.description import LOGITS
from tokkit.model.exported.runtime import Inputs, cannot_load, no_device
from tokkit.runtime.panics import guarded
from tokkit.runtime.threads import threads_to_use

NAME = "openvino"


class OpenVino:
    """A compiled model, of OpenVINO's own format or of ONNX; raises `InputError` as `OnnxRuntime`."""

    def __init__(self, graph: Path, device: str, threads: int | None) -> None:
        if device not in ("auto", "cpu"):
            raise no_device(device, NAME, ["cpu"])
        self.on_cpu = True
        settings = {
            "INFERENCE_NUM_THREADS": threads_to_use(threads),
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }
        with guarded(cannot_load(graph, NAME), hint="export the model again (the command export)"):
            self._model = openvino.Core().compile_model(str(graph), "CPU", settings)

    def logits(self, inputs: Inputs) -> NDArray[np.float32]:
        """As `Runtime.logits`."""
        output: NDArray[np.float32] = self._model(dict(inputs))[LOGITS]
        return output
