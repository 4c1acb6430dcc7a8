"""Models of the hub: what `push` sent has its receipt, its scores and all of its folds there."""

from __future__ import annotations

from tokkit.model.folder.receipt import ModelReceipt
from tokkit.progress import Progress
from tokkit.sources.paths import is_path
from tokkit.tokenizer.folder.checkpoints import MODEL_PATTERNS
from tokkit.tokenizer.folder.hub_downloads import from_hub

# With the graphs of exported models, and the files that have the weights of OpenVINO's and of large ones.
_PATTERNS = (*MODEL_PATTERNS, "model.onnx", "model.onnx.data", "model.xml", "model.bin")


def local_receipt(receipt: ModelReceipt, progress: Progress) -> ModelReceipt:
    """The receipt of a model; of one on the hub that in the cache, where the model is downloaded to.

    Raises `InputError` as `from_hub`.
    """
    if is_path(receipt.folder):
        return receipt
    return ModelReceipt.read(from_hub(str(receipt.folder), progress, "model", _PATTERNS))
