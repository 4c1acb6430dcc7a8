"""A model folder with the library that computes it; no other library is loaded.

torch        what `finetune` writes, and checkpoints of transformers
onnxruntime  what `export` writes
openvino     what `export` writes, best with ``--openvino``
"""

from __future__ import annotations

import shlex
from pathlib import Path

from tokkit.errors import InputError
from tokkit.model.exported.description import GRAPHS, Description, is_exported
from tokkit.model.folder.loaded_model import LoadedModel
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.options.inference_options import DecisionOptions
from tokkit.progress import Progress
from tokkit.runtime.packages import require_packages

AUTO, TORCH, ONNXRUNTIME, OPENVINO = "auto", "torch", "onnxruntime", "openvino"
# The backend of a format where none is requested.
_OF_FORMAT = {"onnx": ONNXRUNTIME, "openvino": OPENVINO}


def load_model(
    receipt: ModelReceipt, options: DecisionOptions, threads: int | None, progress: Progress
) -> LoadedModel:
    """The model of a folder, computed by the backend of the options, on ``threads`` threads.

    Raises `InputError` for a folder that the backend does not compute, and as `load_classifier`; `UsageError`
    for a backend that is not installed.
    """
    folder = receipt.folder
    if not is_exported(folder):
        if options.backend not in (AUTO, TORCH):
            raise not_exported(folder, f"--backend {options.backend}")
        # Seconds, which exported models do without.
        from tokkit.model.folder.model_folder import load_saved

        return load_saved(receipt, threads, progress)
    description = Description.read(folder)
    backend = _OF_FORMAT[description.format] if options.backend == AUTO else options.backend
    if backend == TORCH:
        raise InputError(
            f"--backend {TORCH}: {folder} is an exported model, which torch does not load",
            hint="name the folder it was exported from, or leave --backend out",
        )
    if backend == ONNXRUNTIME and description.format != "onnx":
        raise InputError(
            f"--backend {ONNXRUNTIME}: only OpenVINO loads {folder / GRAPHS[description.format]}",
            hint="leave --backend out",
        )
    require_packages(str(folder), backend)
    # Its libraries are optional.
    from tokkit.model.exported.loading import load_exported

    return load_exported(receipt, description, backend, options.device, threads)


def not_exported(folder: Path, what: str) -> InputError:
    """The error for a model folder that was not exported."""
    return InputError(
        f"{what}: {folder} is no exported model: it has no export.json",
        hint=f"export it first:\ntokkit export {shlex.quote(str(folder))} -o exported",
    )
