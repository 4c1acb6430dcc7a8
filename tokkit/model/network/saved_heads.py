"""Files of a classifier with one of our heads, arranged so that no other loader mistakes them for a model.

    body/              what `AutoModel` loads
    head.safetensors   weights of the head
    head.json          {"head": "mean", "task": "single-label", "labels": [...], "dropout": 0.1}

There is no `config.json` next to them: `AutoModelForSequenceClassification` raises an error for the folder,
where it would otherwise initialize a random head.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from tokkit.errors import InputError, counted
from tokkit.files import Fields
from tokkit.model.network.heads import HEADS, HeadedModel
from tokkit.runtime.panics import reason_of
from tokkit.tokenizer.folder.checkpoints import LOADING, loading, quiet

BODY = "body"
WEIGHTS = "head.safetensors"
DESCRIPTION = "head.json"
_CONFIG = "config.json"
_COPY_AGAIN = "copy the whole folder again; the command finetune wrote all of it"


@dataclass(frozen=True)
class Description:
    """Content of `head.json`: the head, its task and labels, and its dropout in training."""

    head: str
    task: str
    labels: tuple[str, ...]
    dropout: float


def is_headed(folder: str | Path) -> bool:
    """Whether a folder has these files, all or some of them."""
    path = Path(folder)
    parts = (path / BODY / _CONFIG, path / WEIGHTS, path / DESCRIPTION)
    return not (path / _CONFIG).exists() and any(part.exists() for part in parts)


def write(folder: Path, model: HeadedModel, task: str, labels: tuple[str, ...]) -> None:
    """Write all three, replacing existing files."""
    with quiet():
        model.body.save_pretrained(str(folder / BODY))
    weights = {name: value.detach().cpu().contiguous() for name, value in model.head_weights().items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    description = asdict(Description(model.head, task, labels, model.dropout.p))
    (folder / DESCRIPTION).write_text(
        json.dumps(description, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )


def read(folder: Path) -> Description:
    """Read `head.json`; raises `InputError` where a file is missing or has other content."""
    for part in (Path(BODY) / _CONFIG, Path(WEIGHTS), Path(DESCRIPTION)):
        if not (folder / part).exists():
            raise InputError(f"{folder}: {part} is missing: the model is incomplete", hint=_COPY_AGAIN)
    path = folder / DESCRIPTION
    content = Fields.of_file(path, _COPY_AGAIN)
    description = Description(
        head=content.text("head"),
        task=content.text("task"),
        labels=tuple(content.list_of("labels", str, "a list of labels")),
        dropout=content.number("dropout", 0, 1),
    )
    if description.head not in HEADS or len(set(description.labels)) != len(description.labels):
        raise InputError(
            f'{path}: has head "{description.head}" and {len(description.labels)} labels; expected one of '
            f"{', '.join(HEADS)}, and labels that differ",
            hint="upgrade tokkit, if a newer version wrote it",
        )
    return description


def load(folder: Path, description: Description, config: Any = None) -> HeadedModel:
    """Load the model as it was written, float32, in evaluation mode.

    config  replaces the configuration of the body

    Raises `InputError` for weights that are missing, unexpected, or of another shape.
    """
    with loading(folder / BODY):
        body, info = AutoModel.from_pretrained(
            str(folder / BODY), config=config, **LOADING, output_loading_info=True
        )
    if missing := sorted(info.get("missing_keys", ())):
        raise InputError(
            f"{folder / BODY}: {counted(len(missing), 'weight', 'are')} missing ({', '.join(missing[:2])}): "
            "its predictions would be random",
            hint=_COPY_AGAIN,
        )
    model = HeadedModel(body, description.head, len(description.labels), description.dropout)
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{folder / WEIGHTS}: not a safetensors file: {reason_of(error)}") from error
    _check_shapes(folder / WEIGHTS, weights, model.head_weights())
    model.load_state_dict(weights, strict=False)
    return model.eval()


def _check_shapes(file: Path, weights: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    for name in sorted({*weights, *expected}):
        ours, theirs = expected.get(name), weights.get(name)
        if ours is None or theirs is None or ours.shape != theirs.shape:
            shapes = [
                "no such weight" if weight is None else str(tuple(weight.shape)) for weight in (theirs, ours)
            ]
            raise InputError(
                f"{file}: {name}: {shapes[0]}, but this body and {DESCRIPTION} need {shapes[1]}",
                hint="body/, head.safetensors and head.json belong together: copy the whole folder again",
            )
