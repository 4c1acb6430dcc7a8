"""The model folder: what the Auto class of its task loads, its tokenizer, figures and a card.

config.json, model.safetensors        the classifier; with a head of ours `heads.saved` instead
tokenizer.json, tokenizer_config.json the tokenizer, copied as it was
metrics.json, history.csv, curves.png, predictions.parquet, README.md
tokkit.json                           the receipt
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError, TokkitError
from tokkit.model.network.classifier import Classifier
from tokkit.model.network.heads import saved
from tokkit.model.network.trained import Trained
from tokkit.model.tasks import TASKS, task_of_config
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer import folder as tokenizer_folder
from tokkit.tokenizer.checkpoints import LOADING, checkpoint_path, loading, quiet
from tokkit.tokenizer.load import load as load_tokenizer
from tokkit.tokenizer.rebuild import differs_when_loaded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tokkit.tokenizer.encoding.encode import Encoded

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)
_CLOSE = 1e-3


def write_classifier(folder: Path, classifier: Classifier) -> None:
    """Writes configuration, weights and the tokenizer's files; what stood there is replaced.

    A tokenizer that came without a configuration gets one, and without the truncation and padding that
    may be stored in it, so that the folder loads with transformers too.
    """
    from tokkit.model.network.heads.headed import HeadedModel

    if isinstance(classifier.model, HeadedModel):
        saved.write(folder, classifier.model, classifier.task.name, classifier.labels)
    else:
        with quiet():
            classifier.model.save_pretrained(str(folder))
    tokenizer = classifier.tokenizer
    if not (tokenizer.folder / tokenizer_folder.CONFIG_FILE).exists():
        tokenizer_folder.write_tokenizer(folder, tokenizer.backend)
        tokenizer_folder.write_config(folder, tokenizer.special, classifier.max_length, tokenizer.input_names)
        return
    for name in _TOKENIZER_FILES:
        if (tokenizer.folder / name).exists():
            shutil.copyfile(tokenizer.folder / name, folder / name)


def load_classifier(name: str | Path, progress: Progress = SILENT) -> Classifier:
    """A classifier as it was saved, with a stock head or one of ours, in evaluation mode, with its tokenizer.

    Raises `InputError` for a folder that is none or lacks a part, and for a checkpoint whose head is missing:
    its answers would be drawn at random. It cuts rows where they were cut in training.
    """
    import transformers

    if saved.stands_in(name):
        return _load_headed(Path(name), progress)
    where = checkpoint_path(name, progress)
    tokenizer = load_tokenizer(where, progress)
    with loading(name):
        config = transformers.AutoConfig.from_pretrained(where, trust_remote_code=False)
        task = task_of_config(config)
        model, info = getattr(transformers, task.auto_class).from_pretrained(
            where, config=config, **LOADING, output_loading_info=True
        )
    new = sorted(info.get("missing_keys", ()))
    if new:
        raise InputError(
            f"{name}: has no trained classification head ({', '.join(new[:2])}): its answers would be random",
            hint=f"tokkit finetune DATASET --model {name} -o model/ trains one",
        )
    labels = tuple(str(model.config.id2label[i]) for i in range(model.config.num_labels))
    return Classifier.of(model.eval(), tokenizer, labels, task=task, trained=Trained.of(name))


def _load_headed(folder: Path, progress: Progress) -> Classifier:
    described = saved.read(folder)
    if described.task not in TASKS:
        raise InputError(
            f'{folder / saved.DESCRIPTION}: says task "{described.task}"; '
            f"expected is one of {', '.join(TASKS)}",
            hint="pip install --upgrade tokkit, if a newer version wrote it",
        )
    model = saved.load(folder, described)
    tokenizer = load_tokenizer(folder, progress)
    task = TASKS[described.task]
    return Classifier.of(model, tokenizer, described.labels, task=task, trained=Trained.of(folder))


def verify(folder: Path, encoded: Encoded, expected: NDArray[np.float32]) -> None:
    """Loads what was written and compares its logits of a few rows, (rows, classes), with those expected."""
    import numpy as np
    import torch

    from tokkit.model.network.inference import predict_logits

    logits = predict_logits(load_classifier(folder), encoded, torch.device("cpu"), budget=1024)
    if not np.allclose(logits, expected, atol=_CLOSE):
        raise TokkitError(f"{folder}: the model written does not answer as the one trained: a bug")


def other_ids(folder: Path, classifier: Classifier) -> bool:
    """Whether `AutoTokenizer` reads other ids from the folder than its `tokenizer.json` gives."""
    return differs_when_loaded(folder, classifier.tokenizer.backend) is not None
