"""What makes a training the one it is: equal identities end in the same bytes, on the same machine."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tokkit import files

if TYPE_CHECKING:
    import torch

    from tokkit.model.network.classifier import Classifier
    from tokkit.model.options.finetune_options import FinetuneOptions
    from tokkit.model.training.gradients import TrainingRows
    from tokkit.tokenizer.encoding.encode import Encoded

CHANGE_NOTHING = ("resume", "save_every", "keep", "keep_optimizer", "log_every", "no_cache")
"""Options that change no byte of the model folder."""
_CHANGE_NO_WEIGHT = (*CHANGE_NOTHING, "baseline")
_ROWS_AT_ONCE = 4096


def identity_of(
    classifier: Classifier,
    rows: TrainingRows,
    validation: Encoded,
    truth: Any,
    spec: FinetuneOptions,
    lr: float,
    device: torch.device,
) -> dict[str, Any]:
    """Settings by their names, and what they are applied to: rows, labels and first weights by their SHA-256.

    validation, truth  the rows that are validated on, and what the model is to answer to them
    """
    import torch

    settings = {name: value for name, value in asdict(spec).items() if name not in _CHANGE_NO_WEIGHT}
    return {
        **settings,
        "lr": lr,
        "max_length": classifier.max_length,
        "device": device.type,
        "threads": torch.get_num_threads(),
        "labels": list(classifier.labels),
        "data": _of_rows((rows.encoded, rows.targets), (validation, truth)),
        "start": _of_weights(classifier.model),
        "versions": files.versions("accelerate", "numpy", "torch", "transformers"),
    }


def _of_rows(*splits: tuple[Encoded, Any]) -> str:
    import numpy as np

    digest = hashlib.sha256()
    for encoded, targets in splits:
        widest = int(encoded.lengths.max(initial=1))
        for values in (encoded.offsets, encoded.ids, encoded.segments):
            if values is not None:
                digest.update(np.ascontiguousarray(values).tobytes())
        for start in range(0, len(encoded), _ROWS_AT_ONCE):
            part = np.arange(start, min(start + _ROWS_AT_ONCE, len(encoded)))
            digest.update(targets.of(part, widest).numpy().tobytes())
    return digest.hexdigest()


def _of_weights(model: Any) -> str:
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
