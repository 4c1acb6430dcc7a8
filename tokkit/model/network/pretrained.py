"""Classifiers to train: a new encoder for a vocabulary, or a checkpoint with a head for the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from tokkit.errors import InputError, UsageError, counted
from tokkit.model.network import saved_heads, vocabulary
from tokkit.model.network.batches import RowLimits, padding_id
from tokkit.model.network.classifier import AnyModel, Classifier
from tokkit.model.network.heads import STOCK, HeadedModel, width_of
from tokkit.model.options.finetune_options import SIZES, FinetuneOptions
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import Task
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder.checkpoints import LOADING, checkpoint_path, loading
from tokkit.tokenizer.folder.load import LoadedTokenizer
from tokkit.tokenizer.folder.stored_weights import differences

# Names of dropout rates in the configurations of transformers.
_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "summary_last_dropout",
    "dropout",
    "attention_dropout",
    "seq_classif_dropout",
    "embedding_dropout",
    "mlp_dropout",
    "pooler_dropout",
    "cls_dropout",
)

_HEAD_DROPOUTS = ("classifier_dropout", "seq_classif_dropout", "hidden_dropout_prob", "dropout")
# Of heads where a configuration has no rate; BERT's.
_DEFAULT_DROPOUT = 0.1


def new_classifier(
    tokenizer: LoadedTokenizer, labels: Sequence[str], options: FinetuneOptions, task: Task = DEFAULT
) -> Classifier:
    """A BERT encoder of ``options.size`` with new weights, for the vocabulary of this tokenizer.

    Raises `UsageError` for options that need a checkpoint.
    """
    # Ignoring them would let a forgotten --model go unnoticed.
    for name in ("reset_embeddings", "random_init"):
        if getattr(options, name):
            raise UsageError(
                f"--{name.replace('_', '-')}: is about the weights of a --model, and none is named",
                hint="an encoder from scratch has only new weights: leave it out",
            )
    layers, width, attention_heads = SIZES[options.size]
    config = transformers.BertConfig(
        vocab_size=tokenizer.vocab_size,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=attention_heads,
        intermediate_size=4 * width,
        max_position_embeddings=tokenizer.max_length or 512,
        pad_token_id=padding_id(tokenizer, None),
        **label_config(labels, task),
    )
    set_dropout(config, options.dropout)
    model = initialized(config, checked_head(options, task), task)
    limits = RowLimits.of(model.config, tokenizer, options.max_length)
    return Classifier(model, tokenizer, tuple(labels), task, limits)


def load_pretrained(
    name: str | Path,
    tokenizer: LoadedTokenizer,
    labels: Sequence[str],
    options: FinetuneOptions,
    progress: Progress,
    task: Task = DEFAULT,
) -> Classifier:
    """A checkpoint, local or from the hub, with the head of ``options.head``, for these labels.

    A head that was trained for the same labels is kept, with its own order of them; another is initialized.
    New and dropped weights are reported. Raises `InputError` for a checkpoint that cannot be loaded and for a
    tokenizer that does not belong to it, `UsageError` for a head that the task cannot have.
    """
    head = checked_head(options, task)
    pretrained = Pretrained.of(name, progress)
    config = pretrained.config
    if set(pretrained.labels) == set(labels):
        labels = pretrained.labels  # the rows of the head's weight matrix are in this order
    config.update(label_config(labels, task))
    set_dropout(config, options.dropout)
    config.pad_token_id = padding_id(tokenizer, config.pad_token_id)
    if options.random_init:
        # New embeddings can have any number of rows, so any tokenizer fits.
        config.vocab_size = tokenizer.vocab_size
        progress.say(f"{name}: weights are initialized anew; only its configuration is used (--random-init)")
        model = initialized(config, head, task)
    else:
        vocabulary.check(name, pretrained.body, config, tokenizer, options.reset_embeddings, progress)
        model = pretrained.load(labels, head, task)
        if options.reset_embeddings:
            # Stock classifiers resize through their own methods; of ours only the body has embeddings.
            body = model if head == STOCK else model.base_model
            vocabulary.reset_embeddings(body, tokenizer, name, progress)
    if head != STOCK:
        model.dropout.p = head_dropout(config)
    limits = RowLimits.of(model.config, tokenizer, options.max_length)
    return Classifier(model, tokenizer, tuple(labels), task, limits)


def hidden_width(name: str | Path | None, options: FinetuneOptions) -> int:
    """Width of the hidden states of what is trained, without loading it: a checkpoint, or a new encoder."""
    return SIZES[options.size][1] if name is None else width_of(Pretrained.of(name, SILENT).config)


def checked_head(options: FinetuneOptions, task: Task) -> str:
    """The name of the head; raises `UsageError` for one that pools rows where the task labels tokens."""
    if options.head != STOCK and not task.by_row:
        raise UsageError(
            f"--head {options.head}: pools a row into one vector, but {task.name} needs one per token",
            hint=f"the head of a token classifier:\n--head {STOCK}",
        )
    return options.head


def initialized(config: Any, head: str, task: Task) -> AnyModel:
    """A model of this configuration with new weights; raises `InputError` for a head it cannot have."""
    if head == STOCK:
        model: AnyModel = getattr(transformers, task.auto_class).from_config(config, dtype=torch.float32)
        return model
    body = transformers.AutoModel.from_config(config, dtype=torch.float32)
    return HeadedModel(body, head, config.num_labels, head_dropout(config))


@dataclass(frozen=True)
class Pretrained:
    """A checkpoint to train on.

    name     as the user named it
    body     the folder of its body, or its name on the hub
    head     description of its head, where that is one of ours
    config   of its body, which the caller changes: classes, task and dropout of this training
    labels   those that its head was trained for; for a bare body the placeholders of transformers
    """

    name: str | Path
    body: str
    head: saved_heads.Description | None
    config: Any
    labels: tuple[str, ...]
    progress: Progress

    @classmethod
    def of(cls, name: str | Path, progress: Progress) -> Pretrained:
        """Find the checkpoint; raises `InputError` where there is none."""
        own = saved_heads.read(Path(name)) if saved_heads.is_headed(name) else None
        body = checkpoint_path(name, progress) if own is None else str(Path(name) / saved_heads.BODY)
        with loading(name):
            config = transformers.AutoConfig.from_pretrained(body, trust_remote_code=False)
        labels = own.labels if own else tuple(str(config.id2label[i]) for i in range(config.num_labels))
        return cls(name, body, own, config, labels, progress)

    def load(self, labels: Sequence[str], head: str, task: Task) -> Any:
        """The body with the named head: its own where that is the same, else a new one, which is reported.

        labels   those of this training
        """
        own = self.head
        same_labels = tuple(labels) == self.labels
        if own is not None and (own.head, own.task, own.labels) == (head, task.name, tuple(labels)):
            return saved_heads.load(Path(self.name), own, self.config)
        if own is not None:
            self.progress.say(
                f'{self.name}: its head "{own.head}" for {", ".join(own.labels[:5])} is dropped'
                + (f"; --head {own.head} would keep it" if same_labels else "")
            )
        if head == STOCK:
            return self._with_stock_head(same_labels, task)
        with loading(self.name):
            body, info = transformers.AutoModel.from_pretrained(
                self.body,
                config=self.config,
                **LOADING,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        self._check_body(body, info)
        model = HeadedModel(body, head, self.config.num_labels, head_dropout(self.config))
        new = [*_weights(info, "missing_keys"), *model.head_weights()]
        self._report(new, _weights(info, "unexpected_keys"))
        return model

    def _with_stock_head(self, same_labels: bool, task: Task) -> Any:
        config, stock = self.config, getattr(transformers, task.auto_class)
        with loading(self.name):
            model, info = stock.from_pretrained(
                self.body, config=config, **LOADING, ignore_mismatched_sizes=True, output_loading_info=True
            )
        self._check_body(model, info)
        new = sorted({*_weights(info, "missing_keys"), *_weights(info, "mismatched_keys")})
        self._report(new, _weights(info, "unexpected_keys"))
        if not same_labels and not new:
            # A head of the same shape for other labels was loaded without complaint; it must not be kept.
            self.progress.say(
                f"{self.name}: its head was trained for other labels ({', '.join(self.labels[:5])}); "
                "a new one is initialized"
            )
            body = model.base_model.state_dict()
            model = initialized(config, STOCK, task)
            model.base_model.load_state_dict(body)
        return model

    def _check_body(self, model: Any, info: dict[str, Any]) -> None:
        """Raise `InputError` where config.json describes other weights of the body than those stored."""
        # A new head is expected to differ in shape; a body that does is a broken checkpoint.
        for message, fix in differences(model, info):
            raise InputError(f"{self.name}: {message}", hint=fix)

    def _report(self, new: Sequence[str], dropped: Sequence[str]) -> None:
        if new:
            self.progress.say(f"{self.name}: {counted(len(new), 'weight', 'are')} new: {_shortened(new)}")
        if dropped:
            weights = counted(len(dropped), "weight", "are")
            self.progress.say(f"{self.name}: {weights} not used: {_shortened(dropped)}")


def label_config(labels: Sequence[str], task: Task) -> dict[str, Any]:
    """Classes and task as the configurations of transformers name them."""
    return {
        # num_labels alone is ignored where id2label has another length.
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: i for i, label in enumerate(labels)},
        "problem_type": task.problem_type,
    }


def set_dropout(config: Any, rate: float | None) -> None:
    """Set every dropout rate that this configuration has; None leaves them."""
    for name in _DROPOUTS:
        if rate is not None and hasattr(config, name):
            setattr(config, name, rate)


def head_dropout(config: Any) -> float:
    """The dropout rate of a head for this configuration."""
    rates = (getattr(config, name, None) for name in _HEAD_DROPOUTS)
    return next((float(rate) for rate in rates if rate is not None), _DEFAULT_DROPOUT)


def _weights(info: dict[str, Any], kind: str) -> list[str]:
    """Names of weights in the loading info of transformers, where those with a wrong shape are tuples."""
    return sorted(key[0] if isinstance(key, tuple) else key for key in info.get(kind, ()))


def _shortened(keys: Sequence[str]) -> str:
    return ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
