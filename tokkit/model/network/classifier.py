"""The classifier: a model with its tokenizer, labels, task and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import torch
from transformers import PreTrainedModel

from tokkit.model.network.batching import Batch, RowLimits
from tokkit.model.network.heads import HeadedModel
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import Task
from tokkit.tokenizer.folder.load import LoadedTokenizer

AnyModel: TypeAlias = PreTrainedModel | HeadedModel


@dataclass(frozen=True)
class Classifier:
    """model        float32: a stock classifier of transformers, or a body with one of our heads
    labels       names of its classes, by id
    max_length   tokens per row: the tokenizer's limit, at most the model's
    pad_id       id that rows are padded with
    segments     whether it has an embedding for the second text of a pair
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
        """The model with its tokenizer; raises `InputError` for a maximum length that is too long for them.

        max_length  None for the longest possible
        """
        limits = RowLimits.of(model.config, tokenizer, max_length)
        return cls(
            model=model,
            tokenizer=tokenizer,
            labels=tuple(labels),
            max_length=limits.max_length,
            pad_id=limits.pad_id,
            task=task,
            segments=limits.segments,
        )

    def logits(self, batch: Batch, device: torch.device) -> torch.Tensor:
        """(rows, classes) logits of a batch, for tasks by token (rows, tokens, classes), on ``device``.

        The model is on that device already.
        """
        inputs = (batch if self.segments else replace(batch, segments=None)).inputs(device)
        # A row without tokens attends to one padding token: a model that attends to nothing gives logits
        # that depend on the width of the batch.
        first = torch.zeros(1, dtype=torch.int64, device=device)
        inputs["attention_mask"] = inputs["attention_mask"].index_fill(1, first, 1)
        output: Any = self.model(**inputs)
        logits: torch.Tensor = output.logits
        return logits
