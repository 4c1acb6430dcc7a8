"""Whether a model masks padding: one that does not answers by how wide the batch happens to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.network.batching import batch_of
from tokkit.model.network.classifier import Classifier
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import torch

_WIDER = 8
_CLOSE = 1e-3
"""More than rounding in float32, far less than a padding token that is seen."""


def check_padding(name: str | Path, classifier: Classifier, encoded: Encoded, device: torch.device) -> None:
    """Asks for the shortest row that has tokens, alone and padded.

    Raises `InputError` for a model whose answers differ: XLNet, say, which reads the last place of the batch.
    """
    import numpy as np
    import torch

    rows = np.flatnonzero(encoded.lengths > 0)
    if not len(rows):
        return
    row = rows[[int(encoded.lengths[rows].argmin())]]
    length = int(encoded.lengths[row[0]])
    model: Any = classifier.model
    model.to(device).eval()
    with torch.inference_mode():
        alone, padded = (
            classifier.logits(batch_of(encoded, row, classifier.pad_id, width), device)
            for width in (length, min(length + _WIDER, classifier.max_length))
        )
    if not classifier.task.by_row:
        padded = padded[:, :length]
    if not torch.allclose(alone, padded, atol=_CLOSE, rtol=_CLOSE):
        raise InputError(
            f"{name}: its answer to a text changes with the padding behind it: batches would decide it",
            hint="a model that masks padding, as BERT, RoBERTa, ELECTRA, DeBERTa and ModernBERT do",
        )
