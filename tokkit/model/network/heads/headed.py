"""A body of transformers with a head of ours: token ids in, logits out, as a stock classifier gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers.modeling_outputs import SequenceClassifierOutput

from tokkit.errors import InputError
from tokkit.model.network.heads import HEADS

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

_INITIALIZER_RANGE = 0.02
"""Deviation of new weights where a configuration names none; BERT's."""


class HeadedModel(nn.Module):
    """body    what `AutoModel` loads
    layers   what the head learns to pool with
    output   pooled row -> logits
    """

    def __init__(self, body: PreTrainedModel, head: str, outputs: int, dropout: float) -> None:
        """Draws a new head. Raises `InputError` for one that reads a pooler where the body has none."""
        super().__init__()
        self.head = HEADS[head]
        pooler = getattr(body, "pooler", None)
        if self.head.reads_pooler and pooler is None:
            raise InputError(
                f"--head {head}: {type(body).__name__} has no pooler",
                hint="--head cls takes the first token's state, which a pooler would be computed from",
            )
        if not self.head.reads_pooler and isinstance(pooler, nn.Module):
            pooler.requires_grad_(False)  # nothing reads it: it stays as it is, and no process waits for it
        width = int(body.config.get_text_config().hidden_size)
        self.body = body
        self.layers = nn.ModuleDict(dict(self.head.layers(width)))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(self.head.width(width), outputs)
        deviation = getattr(body.config, "initializer_range", None) or _INITIALIZER_RANGE
        nn.init.normal_(self.output.weight, std=deviation)
        nn.init.zeros_(self.output.bias)

    @property
    def config(self) -> PretrainedConfig:
        """The body's."""
        return self.body.config

    @property
    def base_model(self) -> PreTrainedModel:
        """The body, under the name that models of transformers have for it."""
        return self.body

    def head_weights(self) -> dict[str, torch.Tensor]:
        """Name -> weight of all that is not the body."""
        weights = self.state_dict()
        return {name: weights[name] for name in weights if not name.startswith("body.")}

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **inputs: Any
    ) -> SequenceClassifierOutput:
        """``logits`` (rows, outputs)."""
        output = self.body(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        pooled = self.head.pooled(dict(self.layers.items()), output, attention_mask.bool())
        return SequenceClassifierOutput(logits=self.output(self.dropout(pooled)))
