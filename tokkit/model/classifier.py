"""The classifier to be trained: a small encoder built for a vocabulary, or a checkpoint, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.batching import Batch
from tokkit.model.spec import SIZES, FinetuneSpec
from tokkit.model.tasks import TASKS
from tokkit.model.tasks.single_label import SingleLabel
from tokkit.model.tasks.task import Task
from tokkit.progress import Progress
from tokkit.tokenizer.checkpoints import LOADING, check_fit, checkpoint_path, loading, takes_tokens
from tokkit.tokenizer.load import LoadedTokenizer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Classifier:
    """model        a sequence classification model of transformers, float32
    labels       names of its classes, by id
    max_length   tokens per row: the tokenizer's, at most the model's
    pad_id       id rows are padded with
    task         what it is asked for
    """

    model: PreTrainedModel
    tokenizer: LoadedTokenizer
    labels: tuple[str, ...]
    max_length: int
    pad_id: int
    task: Task

    @classmethod
    def of(
        cls,
        model: PreTrainedModel,
        tokenizer: LoadedTokenizer,
        labels: Sequence[str],
        max_length: int | None = None,
        task: Task = TASKS[SingleLabel.name],
    ) -> Classifier:
        """The model with its tokenizer; raises `InputError` for a maximum length they do not take."""
        config = model.config
        pad_id = _pad_id(tokenizer, config.pad_token_id)
        positions = int(getattr(config, "max_position_embeddings", 0) or 512)
        positions = takes_tokens(config.model_type, positions, pad_id)
        longest = min(positions, tokenizer.max_length or positions)
        if max_length is not None and max_length > longest:
            raise InputError(
                f"--max-length {max_length}: model and tokenizer take at most {longest} tokens",
                hint=f"--max-length {longest}",
            )
        return cls(model, tokenizer, tuple(labels), max_length or longest, pad_id, task)

    def logits(self, batch: Batch, device: torch.device) -> torch.Tensor:
        """(rows, classes) what the model answers to a batch, on the device, where the model is."""
        inputs = {"input_ids": batch.ids, "attention_mask": batch.mask}
        if batch.segments is not None:
            inputs["token_type_ids"] = batch.segments
        output: Any = self.model(**{name: value.to(device) for name, value in inputs.items()})
        logits: torch.Tensor = output.logits
        return logits


def build(tokenizer: LoadedTokenizer, labels: Sequence[str], spec: FinetuneSpec) -> Classifier:
    """A BERT encoder of the size asked for, its weights drawn anew, for this tokenizer's vocabulary."""
    from transformers import BertConfig, BertForSequenceClassification

    layers, width, heads = SIZES[spec.size]
    positions = tokenizer.max_length or 512
    pad_id = _pad_id(tokenizer, None)
    config = BertConfig(
        vocab_size=tokenizer.vocab_size,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=positions,
        pad_token_id=pad_id,
        **_label_config(labels),
    )
    _set_dropout(config, spec.dropout)
    return Classifier.of(BertForSequenceClassification(config), tokenizer, labels, spec.max_length)


def load_pretrained(
    name: str | Path,
    tokenizer: LoadedTokenizer,
    labels: Sequence[str],
    spec: FinetuneSpec,
    progress: Progress,
) -> Classifier:
    """A checkpoint, local or from the hub, with a classification head for these labels.

    A head that was trained for the same labels is kept, in its own order of them; another is drawn anew.
    Which weights are new and which were dropped is said. Raises `InputError` for a checkpoint that cannot
    be loaded and for a tokenizer that does not fit its embeddings.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    where = checkpoint_path(name, progress)
    with loading(name):
        config = AutoConfig.from_pretrained(where, trust_remote_code=False)
    theirs = [str(config.id2label[i]) for i in range(config.num_labels)]
    same_labels = set(theirs) == set(labels)
    if same_labels:
        labels = theirs  # the rows of its head stand in this order
    config.update(_label_config(labels))
    config.problem_type = "single_label_classification"
    _set_dropout(config, spec.dropout)
    config.pad_token_id = _pad_id(tokenizer, config.pad_token_id)
    check_fit(
        name,
        config,
        tokenizer,
        hint="leave --tokenizer out to use the model's own, or --model out to build an encoder for this one",
    )
    with loading(name):
        model, info = AutoModelForSequenceClassification.from_pretrained(
            where, config=config, **LOADING, ignore_mismatched_sizes=True, output_loading_info=True
        )
    _say_weights(name, info, progress)
    if not same_labels and not info.get("missing_keys") and not info.get("mismatched_keys"):
        progress.say(
            f"{name}: its head was trained for other labels ({', '.join(theirs[:5])}); a new one is drawn"
        )
        body = model.base_model.state_dict()
        model = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
        model.base_model.load_state_dict(body)
    return Classifier.of(model, tokenizer, labels, spec.max_length)


def _pad_id(tokenizer: LoadedTokenizer, config_id: int | None) -> int:
    """The id to pad with; any id is right where there is none, for the mask hides it."""
    found = tokenizer.id_of("pad")
    return found if found is not None else config_id if config_id is not None else 0


def _label_config(labels: Sequence[str]) -> dict[str, Any]:
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: i for i, label in enumerate(labels)},
    }


_DROPOUTS = (
    *("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"),
    *("dropout", "attention_dropout", "seq_classif_dropout"),
)


def _set_dropout(config: Any, rate: float | None) -> None:
    """Sets the rate under every name that this model's configuration has for one."""
    for name in _DROPOUTS:
        if rate is not None and hasattr(config, name):
            setattr(config, name, rate)


def _say_weights(name: str | Path, info: dict[str, Any], progress: Progress) -> None:
    mismatched = {key[0] if isinstance(key, tuple) else key for key in info.get("mismatched_keys", ())}
    new = sorted({*info.get("missing_keys", ()), *mismatched})
    dropped = sorted(info.get("unexpected_keys", ()))
    if new:
        progress.say(f"{name}: {len(new)} weights are new: {_some(new)}")
    if dropped:
        progress.say(f"{name}: {len(dropped)} weights are not used: {_some(dropped)}")


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
