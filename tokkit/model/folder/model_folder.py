"""The model folder: what the Auto class of its task loads, its tokenizer, scores and a card.

config.json, model.safetensors        the classifier; one with a head of ours as in `saved_heads`
tokenizer.json                        the tokenizer, copied unchanged
tokenizer_config.json                 its settings, maximum length and inputs as the model has them
metrics.json, history.csv, curves.png, predictions.parquet, README.md
tokkit.json                           the receipt
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from tokkit import files
from tokkit.errors import InputError, TokkitError
from tokkit.model.folder.hub_models import local_receipt
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.network import saved_heads
from tokkit.model.network.batches import RowLimits
from tokkit.model.network.classifier import Classifier, budget_for, choose_device, predict_logits, use_threads
from tokkit.model.network.heads import HeadedModel
from tokkit.model.options.inference_options import InferenceOptions
from tokkit.model.tasks import TASKS, task_of_config
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.blocks.recipes import PLAIN_INPUTS
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder import tokenizer_folder
from tokkit.tokenizer.folder.checkpoints import (
    LOADING,
    checkpoint_path,
    loading,
    quiet,
    rebuild_difference,
    segment_count,
)
from tokkit.tokenizer.folder.class_settings import complete, settings_to_write
from tokkit.tokenizer.folder.load import load as load_tokenizer

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)
# Difference of logits that rounding may cause between the model in memory and the one read back.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class SavedModel:
    """A model loaded from its folder, with what the folder records of its training."""

    receipt: ModelReceipt
    classifier: Classifier

    @classmethod
    def load(cls, receipt: ModelReceipt, progress: Progress) -> SavedModel:
        """Raises as `load_classifier`."""
        return cls(receipt, load_classifier(receipt, progress))

    def logits(self, encoded: Encoded, options: InferenceOptions, progress: Progress) -> NDArray[np.float32]:
        """(rows, classes), for tasks by token (tokens, classes), on the device of the options."""
        device = choose_device(options.device)
        budget = budget_for(device, options.tokens_per_batch)
        return predict_logits(self.classifier, encoded, device, budget, progress)


def load_saved(receipt: ModelReceipt, threads: int | None, progress: Progress) -> SavedModel:
    """A model that torch computes on ``threads`` threads, None for all cores; raises as `load_classifier`."""
    use_threads(threads)
    return SavedModel.load(receipt, progress)


def write_classifier(folder: Path, classifier: Classifier) -> None:
    """Write configuration, weights and the tokenizer's files, replacing those in the folder.

    A tokenizer without a configuration gets one, and loses the truncation and padding that its
    `tokenizer.json` may hold, so that the folder loads with transformers too.
    """
    if isinstance(classifier.model, HeadedModel):
        saved_heads.write(folder, classifier.model, classifier.task.name, classifier.labels)
    else:
        with quiet():
            classifier.model.save_pretrained(str(folder))
    _write_tokenizer(folder, classifier)


def _write_tokenizer(folder: Path, classifier: Classifier) -> None:
    """Write the tokenizer; its maximum length and inputs are stated as the model has them.

    It may state none, or those of another model: 512 tokens for 128 positions, segment ids for RoBERTa.
    """
    config, tokenizer = classifier.model.config, classifier.tokenizer
    configured = (tokenizer.folder / tokenizer_folder.CONFIG_FILE).exists()
    if configured:
        # Copied, not saved through transformers, which may rebuild the pipeline into another one.
        for name in TOKENIZER_FILES:
            if (tokenizer.folder / name).exists():
                files.copy_inner(tokenizer.folder / name, folder / name, tokenizer.folder)
    else:
        tokenizer_folder.write_tokenizer(folder, tokenizer.backend)
    max_length, names = RowLimits.of(config, tokenizer).max_length, tokenizer.config.input_names
    gives_segments = tokenizer.config.has_own_class if names is None else "token_type_ids" in names
    lacks_segments = gives_segments and segment_count(config.to_dict()) in (0, 1)
    if configured and not lacks_segments and tokenizer.max_length == max_length:
        return
    tokenizer = complete(tokenizer)
    settings = settings_to_write(tokenizer.config, tokenizer.special, ())
    if lacks_segments:
        settings["model_input_names"] = [name for name in names or PLAIN_INPUTS if name != "token_type_ids"]
    tokenizer_folder.write_config(folder, max_length, settings)


def tokenizer_bytes(classifier: Classifier) -> int:
    """About the size of the tokenizer's files in a model folder."""
    paths = [classifier.tokenizer.folder / name for name in TOKENIZER_FILES]
    return sum(path.stat().st_size for path in paths if path.exists())


def load_classifier(model: str | Path | ModelReceipt, progress: Progress = SILENT) -> Classifier:
    """A saved classifier with its tokenizer, in evaluation mode, whether its head is stock or one of ours.

    It truncates rows where they were truncated in training, as the receipt of its folder says.

    Raises `InputError` for a folder that is no model or lacks a part, and for a checkpoint without a trained
    head, whose predictions would be random.
    """
    receipt = model if isinstance(model, ModelReceipt) else ModelReceipt.read(model)
    name = receipt.folder
    receipt = local_receipt(receipt, progress)
    if saved_heads.is_headed(receipt.folder):
        return _load_headed(receipt)
    path = checkpoint_path(receipt.folder, progress)
    tokenizer = load_tokenizer(path, progress)
    with loading(name):
        # The configuration first: it decides which Auto class loads the weights.
        config = transformers.AutoConfig.from_pretrained(path, trust_remote_code=False)
        task = task_of_config(config)
        network, info = getattr(transformers, task.auto_class).from_pretrained(
            path, config=config, **LOADING, output_loading_info=True
        )
    # transformers only warns here, and initializes the missing head at random.
    if missing := sorted(info.get("missing_keys", ())):
        raise InputError(
            f"{name}: has no trained classification head ({', '.join(missing[:2])}): "
            "its predictions would be random",
            hint="fine-tune it first (the command finetune)",
        )
    labels = tuple(str(network.config.id2label[i]) for i in range(network.config.num_labels))
    limits = RowLimits.of(network.config, tokenizer, receipt.max_length)
    return Classifier(network.eval(), tokenizer, labels, task, limits)


def _load_headed(receipt: ModelReceipt) -> Classifier:
    folder = receipt.folder
    described = saved_heads.read(folder)
    if described.task not in TASKS:
        raise InputError(
            f'{folder / saved_heads.DESCRIPTION}: invalid task "{described.task}": '
            f"choose from {', '.join(TASKS)}",
            hint="upgrade tokkit, if a newer version wrote it",
        )
    network = saved_heads.load(folder, described)
    tokenizer = load_tokenizer(folder, SILENT)
    limits = RowLimits.of(network.config, tokenizer, receipt.max_length)
    return Classifier(network, tokenizer, described.labels, TASKS[described.task], limits)


def verify(folder: Path, encoded: Encoded, expected: NDArray[np.float32]) -> None:
    """Load the folder just written and compare its logits of a few rows, (rows, classes), with these."""
    logits = predict_logits(load_classifier(folder), encoded, torch.device("cpu"), budget=1024)
    if not np.allclose(logits, expected, atol=_TOLERANCE):
        raise TokkitError(
            f"internal error: {folder}: the model read back does not predict as the one in memory; "
            "this is a bug in tokkit, please report it"
        )


def other_ids(folder: Path, classifier: Classifier) -> bool:
    """Whether `AutoTokenizer` gives other ids from the folder than its `tokenizer.json` does."""
    return rebuild_difference(folder, classifier.tokenizer.backend) is not None
