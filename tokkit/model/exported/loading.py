"""An exported model with the runtime that computes it; each runtime is an optional package."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tokkit.model.exported.description import GRAPHS, Description
from tokkit.model.exported.exported_model import ExportedModel
from tokkit.model.exported.runtime import Runtime
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.runtime.threads import limit_tokenizer_threads

# Package -> module and class here; only the one in use is imported.
RUNTIMES = {"onnxruntime": ("onnx_runtime", "OnnxRuntime"), "openvino": ("openvino_runtime", "OpenVino")}


def load_exported(
    receipt: ModelReceipt, description: Description, backend: str, device: str, threads: int | None
) -> ExportedModel:
    """Raises `InputError` for a folder that cannot be read, and for a device that the backend lacks."""
    limit_tokenizer_threads(threads)
    graph = receipt.folder / GRAPHS[description.format]
    return ExportedModel.load(receipt, description, load_graph(graph, backend, device, threads))


def load_graph(graph: Path, backend: str, device: str, threads: int | None) -> Runtime:
    """A graph alone; raises `InputError` as `load_exported`."""
    module, name = RUNTIMES[backend]
    runtime: Runtime = getattr(import_module(f"{__package__}.{module}"), name)(graph, device, threads)
    return runtime
