"""The classifier to be trained: a small encoder built for a vocabulary, or a checkpoint, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import UsageError
from tokkit.model.network import pretrained, vocabulary
from tokkit.model.network.batching import Batch
from tokkit.model.network.configuration import head_dropout, label_config, set_dropout
from tokkit.model.network.heads import STOCK
from tokkit.model.network.row_limits import RowLimits, padding_id
from tokkit.model.options.finetune_options import SIZES, FinetuneOptions
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import Task
from tokkit.progress import Progress
from tokkit.tokenizer.load import LoadedTokenizer

if TYPE_CHECKING:
    import torch

    from tokkit.model.network.pretrained import AnyModel


@dataclass(frozen=True)
class Classifier:
    """model        what answers, float32: a stock classifier of transformers, or a body with a head of ours
    labels       names of its classes, by id
    max_length   tokens per row: the tokenizer's, at most the model's
    pad_id       id rows are padded with
    task         what it is asked for
    segments     whether it tells the texts of a pair apart
    """

    model: AnyModel
    tokenizer: LoadedTokenizer
    labels: tuple[str, ...]
    max_length: int
    pad_id: int
    task: Task
    segments: bool

    @classmethod
    def of(
        cls,
        model: AnyModel,
        tokenizer: LoadedTokenizer,
        labels: Sequence[str],
        max_length: int | None = None,
        task: Task = DEFAULT,
    ) -> Classifier:
        """The model with its tokenizer; raises `InputError` for a maximum length they do not take.

        max_length  None for the longest there can be
        """
        limits = RowLimits.of(model.config, tokenizer, max_length)
        return cls(
            *(model, tokenizer, tuple(labels), limits.max_length, limits.pad_id, task),
            segments=limits.segments,
        )

    def logits(self, batch: Batch, device: torch.device) -> torch.Tensor:
        """What the model answers to a batch, on the device, where the model is.

        (rows, classes); of a task with an answer for every token, (rows, tokens, classes). A row without
        tokens is answered as one padding token: a model that attends to nothing answers by how wide the
        batch happens to be.
        """
        import torch

        inputs = (batch if self.segments else replace(batch, segments=None)).inputs(device)
        first = torch.zeros(1, dtype=torch.int64, device=device)
        inputs["attention_mask"] = inputs["attention_mask"].index_fill(1, first, 1)
        output: Any = self.model(**inputs)
        logits: torch.Tensor = output.logits
        return logits


def build(
    tokenizer: LoadedTokenizer, labels: Sequence[str], spec: FinetuneOptions, task: Task = DEFAULT
) -> Classifier:
    """A BERT encoder of the size asked for, its weights drawn anew, for this tokenizer's vocabulary.

    Raises `UsageError` for options that need a checkpoint.
    """
    from transformers import BertConfig

    for name in ("reset_embeddings", "random_init"):
        if getattr(spec, name):
            raise UsageError(
                f"--{name.replace('_', '-')}: is about the weights of a --model, and none is named",
                hint="an encoder from scratch has nothing but new weights: leave it out",
            )
    layers, width, heads = SIZES[spec.size]
    config = BertConfig(
        vocab_size=tokenizer.vocab_size,
        num_hidden_layers=layers,
        hidden_size=width,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=tokenizer.max_length or 512,
        pad_token_id=padding_id(tokenizer, None),
        **label_config(labels, task),
    )
    set_dropout(config, spec.dropout)
    return Classifier.of(
        pretrained.drawn(config, _head(spec, task), task), tokenizer, labels, spec.max_length, task
    )


def load_pretrained(
    name: str | Path,
    tokenizer: LoadedTokenizer,
    labels: Sequence[str],
    spec: FinetuneOptions,
    progress: Progress,
    task: Task = DEFAULT,
) -> Classifier:
    """A checkpoint, local or from the hub, with the head asked for, for these labels.

    A head that was trained for the same labels is kept, in its own order of them; another is drawn anew.
    Which weights are new and which were dropped is said. Raises `InputError` for a checkpoint that cannot
    be loaded and for a tokenizer that does not belong to it, `UsageError` for a head that is none for the
    task.
    """
    head = _head(spec, task)
    source = pretrained.Source.of(name, progress)
    config = source.config()
    theirs = source.labels(config)
    if set(theirs) == set(labels):
        labels = theirs  # the rows of its head stand in this order
    config.update(label_config(labels, task))
    set_dropout(config, spec.dropout)
    config.pad_token_id = padding_id(tokenizer, config.pad_token_id)
    if spec.random_init:
        config.vocab_size = tokenizer.vocab_size
        progress.say(f"{name}: its weights are drawn anew; its shape is taken alone (--random-init)")
        model = pretrained.drawn(config, head, task)
    else:
        vocabulary.check(name, source.where, config, tokenizer, spec.reset_embeddings, progress)
        model = source.load(config, labels, theirs, head, task, progress)
        if spec.reset_embeddings:
            vocabulary.reset_embeddings(
                model if head == STOCK else model.base_model, tokenizer, name, progress
            )
    if head != STOCK:
        model.dropout.p = head_dropout(config)
    return Classifier.of(model, tokenizer, labels, spec.max_length, task)


def _head(spec: FinetuneOptions, task: Task) -> str:
    """The head's name; raises `UsageError` for one that answers by row where every token is asked."""
    if spec.head != STOCK and not task.by_row:
        raise UsageError(
            f"--head {spec.head}: pools a row into one answer, but {task.name} asks for one for every token",
            hint=f"--head {STOCK}",
        )
    return spec.head
