"""The best evaluation of a training so far: its scores, its answers, and its model folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.model.folder import model_folder as folder
from tokkit.model.training.checkpoints import link_tree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tokkit.model.network.classifier import Classifier

_MODEL, _ANSWERS = "best", "best.safetensors"
"""In a checkpoint."""


@dataclass
class Best:
    """place    among the evaluations
    logits   (answers, classes) what it says of the validation rows
    model    its folder
    """

    place: int
    scores: dict[str, Any]
    logits: NDArray[np.float32]
    model: Path

    def write(self, classifier: Classifier) -> None:
        """The model as it stands, into a folder that is new."""
        self.model.mkdir()
        folder.write_classifier(self.model, classifier)

    def discard(self) -> None:
        """Another is better."""
        shutil.rmtree(self.model)

    def told(self) -> dict[str, Any]:
        """What a checkpoint tells of it as JSON."""
        return {"place": self.place, "scores": self.scores}

    def keep_in(self, checkpoint: Path) -> None:
        """The rest of it, in a checkpoint's folder."""
        from safetensors.numpy import save_file

        link_tree(self.model, checkpoint / _MODEL)
        save_file({"logits": self.logits}, checkpoint / _ANSWERS)

    @classmethod
    def kept_in(cls, checkpoint: Path, told: Mapping[str, Any] | None, model: Path) -> Best | None:
        """What `told` and `keep_in` kept, its model now in the new folder ``model``; None where none was."""
        from safetensors.numpy import load_file

        if told is None or not (checkpoint / _MODEL).is_dir():
            return None
        link_tree(checkpoint / _MODEL, model)
        logits = load_file(checkpoint / _ANSWERS)["logits"]
        return cls(told["place"], told["scores"], logits, model)

    def publish(self, target: Path) -> None:
        """The model's files stand in ``target`` itself."""
        for path in sorted(self.model.iterdir()):
            path.rename(target / path.name)
        self.model.rmdir()
        self.model = target
