"""The files of a classifier with a head of ours, laid so that no other loader mistakes them for all of it.

    body/              what `AutoModel` loads
    head.safetensors   the head's weights
    head.json          {"head": "mean", "task": "single-label", "labels": [...], "dropout": 0.1}

There is no `config.json` beside them: `AutoModelForSequenceClassification` raises an error on the folder,
where it would otherwise draw a random head.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.network.heads import HEADS
from tokkit.tokenizer.checkpoints import LOADING, loading, quiet

if TYPE_CHECKING:
    import torch

    from tokkit.model.network.heads.headed import HeadedModel

BODY = "body"
WEIGHTS = "head.safetensors"
DESCRIPTION = "head.json"
_CONFIG = "config.json"


@dataclass(frozen=True)
class Description:
    """What `head.json` holds: which head, for which task and labels, and its dropout in training."""

    head: str
    task: str
    labels: tuple[str, ...]
    dropout: float


def stands_in(folder: str | Path) -> bool:
    """Whether a folder is one of these, as a whole or in part."""
    path = Path(folder)
    parts = (path / BODY / _CONFIG, path / WEIGHTS, path / DESCRIPTION)
    return not (path / _CONFIG).exists() and any(part.exists() for part in parts)


def write(folder: Path, model: HeadedModel, task: str, labels: tuple[str, ...]) -> None:
    """Writes all three; what stood there is replaced."""
    from safetensors.torch import save_file

    with quiet():
        model.body.save_pretrained(str(folder / BODY))
    weights = {name: value.detach().cpu().contiguous() for name, value in model.head_weights().items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    described = asdict(Description(model.head.name, task, labels, model.dropout.p))
    (folder / DESCRIPTION).write_text(
        json.dumps(described, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )


def read(folder: Path) -> Description:
    """What the folder's head is; raises `InputError` where a file is missing or says something else."""
    for part in (Path(BODY) / _CONFIG, Path(WEIGHTS), Path(DESCRIPTION)):
        if not (folder / part).exists():
            raise InputError(
                f"{folder}: {part} is missing: the model is not whole",
                hint="copy the whole folder again; tokkit finetune wrote all of it",
            )
    path = folder / DESCRIPTION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        described = Description(
            str(found["head"]), str(found["task"]), tuple(map(str, found["labels"])), float(found["dropout"])
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: no description of a head: {error!r}") from error
    if described.head not in HEADS or len(set(described.labels)) != len(described.labels):
        raise InputError(
            f'{path}: says head "{described.head}" and {len(described.labels)} labels; expected is one of '
            f"{', '.join(HEADS)}, and labels that differ",
            hint="pip install --upgrade tokkit, if a newer version wrote it",
        )
    return described


def load(folder: Path, described: Description, config: Any = None) -> HeadedModel:
    """The model as it was written, float32, in evaluation mode.

    config  the body's configuration, where it is to be another than the one written

    Raises `InputError` for weights that are missing, too many, or of another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import AutoModel

    from tokkit.model.network.heads.headed import HeadedModel

    with loading(folder / BODY):
        body, info = AutoModel.from_pretrained(
            str(folder / BODY), config=config, **LOADING, output_loading_info=True
        )
    if missing := sorted(info.get("missing_keys", ())):
        raise InputError(
            f"{folder / BODY}: {len(missing)} weights are missing ({', '.join(missing[:2])}): "
            "its answers would be random",
            hint="copy the whole folder again; tokkit finetune wrote all of it",
        )
    model = HeadedModel(body, described.head, len(described.labels), described.dropout)
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{folder / WEIGHTS}: no safetensors file: {error}") from error
    _check_shapes(folder / WEIGHTS, weights, model.head_weights())
    model.load_state_dict(weights, strict=False)
    return model.eval()


def _check_shapes(file: Path, found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    for name in sorted({*found, *expected}):
        ours, theirs = expected.get(name), found.get(name)
        if ours is None or theirs is None or ours.shape != theirs.shape:
            told = ["no such weight" if each is None else str(tuple(each.shape)) for each in (theirs, ours)]
            raise InputError(
                f"{file}: {name}: {told[0]}, where this body and {DESCRIPTION} ask for {told[1]}",
                hint="body/, head.safetensors and head.json belong together: copy the whole folder again",
            )
