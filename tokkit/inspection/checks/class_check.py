"""Whether `AutoTokenizer` would rebuild a tokenizer, given its files and the configuration of the model."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tokkit.inspection.checks.inputs import MODEL_CONFIG, ExaminedModel, ExaminedTokenizer
from tokkit.tokenizer.folder.checkpoints import rebuild_difference
from tokkit.tokenizer.folder.tokenizer_folder import TOKENIZER_FILE

_GENERIC_CLASSES = ("PreTrainedTokenizerFast", "TokenizersBackend")


def rebuilt(tokenizer: ExaminedTokenizer, model: ExaminedModel | None) -> str | None:
    """How its ids differ when `AutoTokenizer` loads it, in a sentence; None where they do not.

    Where the tokenizer's configuration names no class, the model's configuration decides it.
    """
    file, named = tokenizer.loaded.file, tokenizer.config.get("tokenizer_class")
    own = tokenizer.loaded.folder / MODEL_CONFIG
    model_config = own if own.exists() else model.folder / MODEL_CONFIG if model else None
    # Generic classes load `tokenizer.json` unchanged, so that the ids cannot differ. Returning here also
    # avoids loading transformers, which takes seconds.
    if not file.exists() or named in _GENERIC_CLASSES or (named is None and model_config is None):
        return None
    # `AutoTokenizer` reads tokenizer and model configuration from one folder, as a saved model has them.
    with tempfile.TemporaryDirectory(prefix="tokkit-") as made:
        folder = Path(made)
        for each in tokenizer.loaded.folder.iterdir():
            if each.is_file() and each.suffix in (".json", ".txt") and each.name != "tokkit.json":
                shutil.copyfile(each, folder / each.name)
        shutil.copyfile(file, folder / TOKENIZER_FILE)
        if model_config is not None:
            shutil.copyfile(model_config, folder / MODEL_CONFIG)
        return rebuild_difference(folder, tokenizer.loaded.backend)
