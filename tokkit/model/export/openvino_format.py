"""An ONNX graph in OpenVINO's own format: `model.xml` with the operators, `model.bin` with the weights."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tokkit.runtime.panics import guarded


def write_openvino(graph: Path, target: Path) -> None:
    """Write the graph, its weights unchanged; raises `InputError` for an operator that OpenVINO lacks."""
    # Optional: without it everything else of `export` works.
    openvino = import_module("openvino")
    with guarded(f"{graph.name}: OpenVINO cannot convert it"):
        # By default weights would be rounded to 16 bits.
        openvino.save_model(openvino.Core().read_model(str(graph)), str(target), compress_to_fp16=False)
