"""Heads: how the states of a row's tokens become its logits.

    token ids -> body -> states (rows, tokens, width) -> pooling -> (rows, width) -> dropout, linear -> logits

A new head is a subclass of `Head`, an entry of `HEADS`, and its name among the choices of
`FinetuneOptions.head`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from tokkit.errors import InputError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

# The head that the Auto class of transformers builds; it is not in `HEADS`.
STOCK = "stock"

# Standard deviation of new weights where a configuration has none; BERT's.
INITIALIZER_RANGE = 0.02


def first_token(states: Tensor, mask: Tensor) -> Tensor:
    """(rows, width) state of the first token, which is ``[CLS]`` where the tokenizer adds one."""
    return states[:, 0]


def mean(states: Tensor, mask: Tensor) -> Tensor:
    """(rows, width) mean over the tokens of each row, special tokens included (Reimers and Gurevych 2019)."""
    # In the dtype of the states: a float32 mask would make the product float32 under autocast.
    counted = mask.unsqueeze(-1).to(states.dtype)
    return (states * counted).sum(dim=1) / counted.sum(dim=1)


def maximum(states: Tensor, mask: Tensor) -> Tensor:
    """(rows, width) maximum over the tokens of each row, in each dimension."""
    return states.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).amax(dim=1)


# Poolings without weights: states (rows, tokens, width) and mask (rows, tokens) to (rows, width).
POOLINGS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "first": first_token,
    "cls": first_token,
    "mean": mean,
    "max": maximum,
}


def weighted_mean(states: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
    """(rows, width) mean of each row, its tokens weighted by the softmax of ``scores`` (rows, tokens)."""
    # The softmax is in float32: under bf16 autocast the weights of a long row would not add up to 1.
    weights = scores.float().masked_fill(~mask, float("-inf")).softmax(dim=-1)
    return (weights.to(states.dtype).unsqueeze(-1) * states).sum(dim=1)


class Head(nn.Module):
    """Pooling of a row with the weights it needs; the states on padding never change its result.

    Called with the output of the body (``last_hidden_state`` (rows, tokens, width), ``pooler_output`` (rows,
    width) where it has a pooler) and a bool mask (rows, tokens). Each row has at least one token; its tokens
    come first, padding last.
    """

    # Whether it reads ``pooler_output``, which not every body has.
    needs_pooler: ClassVar[bool] = False

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pooled_width = width

    def forward(self, output: Any, mask: Tensor) -> Tensor:
        """(rows, pooled_width) one vector per row."""
        raise NotImplementedError


class Pooled(Head):
    """One of `POOLINGS`, which have no weights."""

    def __init__(self, width: int, pooling: str) -> None:
        super().__init__(width)
        self.pooling = POOLINGS[pooling]

    def forward(self, output: Any, mask: Tensor) -> Tensor:
        return self.pooling(output.last_hidden_state, mask)


class Pooler(Head):
    """The body's own pooler: BERT's dense layer and tanh over the first token, trained with the body."""

    needs_pooler = True

    def forward(self, output: Any, mask: Tensor) -> Tensor:
        pooled: Tensor = output.pooler_output
        return pooled


class Weighted(Head):
    """Weight of token t = softmax over the row of ``score(state of t)``, one linear layer.

    It starts as the plain mean: the weights of ``score`` start as zeros.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        # A bias would add the same number to the score of every token, and softmax ignores that.
        self.score = nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.score.weight)

    def forward(self, output: Any, mask: Tensor) -> Tensor:
        states = output.last_hidden_state
        return weighted_mean(states, self.score(states).squeeze(-1), mask)


class Lstm(Head):
    """The last states of both directions of an LSTM, each half as wide as the body, concatenated."""

    def __init__(self, width: int) -> None:
        half = max(width // 2, 1)
        super().__init__(2 * half)
        self.lstm = nn.LSTM(width, half, batch_first=True, bidirectional=True)

    def forward(self, output: Any, mask: Tensor) -> Tensor:
        # Packed, so that the backward direction starts at the last token of each row and not at its padding.
        packed = nn.utils.rnn.pack_padded_sequence(
            output.last_hidden_state, mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False
        )
        _, (last, _) = self.lstm(packed)
        return torch.cat([last[0], last[1]], dim=-1)


class Attention(Head):
    """Attention with a learned query, as in hierarchical attention (Yang et al. 2016, equations 5 to 7).

    Weight of token t = softmax over the row of ``query . tanh(key(state of t))``. Unlike `Weighted`, the
    score need not be a linear function of the state.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.key = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)

    def forward(self, output: Any, mask: Tensor) -> Tensor:
        states = output.last_hidden_state
        return weighted_mean(states, self.query(self.key(states).tanh()).squeeze(-1), mask)


# Every head by its name in ``--head``, but for `STOCK`.
HEADS: Mapping[str, Callable[[int], Head]] = {
    "cls": partial(Pooled, pooling="cls"),
    "pooler": Pooler,
    "mean": partial(Pooled, pooling="mean"),
    "max": partial(Pooled, pooling="max"),
    "weighted": Weighted,
    "lstm": Lstm,
    "attention": Attention,
}


class HeadedModel(nn.Module):
    """A body of transformers with one of `HEADS`, called like a stock classifier.

    body     what `AutoModel` loads
    layers   the head's pooling; ``head.safetensors`` names its weights ``layers.*``
    output   pooled row -> logits
    """

    def __init__(self, body: PreTrainedModel, head: str, outputs: int, dropout: float) -> None:
        """Initialize a new head; raises `InputError` for one that needs a pooler the body does not have."""
        super().__init__()
        layers = HEADS[head](width_of(body.config))
        # RoBERTa has a pooler, DistilBERT and DeBERTa have none.
        pooler = getattr(body, "pooler", None)
        if layers.needs_pooler and pooler is None:
            raise InputError(
                f"--head {head}: {type(body).__name__} has no pooler",
                hint="read the state of the first token, from which a pooler would be computed:\n--head cls",
            )
        if not layers.needs_pooler and isinstance(pooler, nn.Module):
            # Nothing reads it, so it gets no gradient: several processes would wait for one.
            pooler.requires_grad_(False)
        self.head, self.body, self.layers = head, body, layers
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(layers.pooled_width, outputs)
        nn.init.normal_(self.output.weight, std=initializer_range(body.config))
        nn.init.zeros_(self.output.bias)

    @property
    def config(self) -> PretrainedConfig:
        """Configuration of the body."""
        return self.body.config

    @property
    def base_model(self) -> PreTrainedModel:
        """The body, under the name that models of transformers have for it."""
        return self.body

    def head_weights(self) -> dict[str, Tensor]:
        """Name -> weight of everything but the body."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("body.")}

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **inputs: Any) -> SequenceClassifierOutput:
        """``logits`` (rows, outputs)."""
        # Called as a stock classifier is, so that training and inference need no second path.
        states = self.body(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        pooled = self.layers(states, attention_mask.bool())
        return SequenceClassifierOutput(logits=self.output(self.dropout(pooled)))


def width_of(config: Any) -> int:
    """Width of the hidden states of a model of this configuration."""
    # Multimodal configurations keep that of the text part one level deeper.
    return int(config.get_text_config().hidden_size)


def initializer_range(config: Any) -> float:
    """Standard deviation of new weights for a model of this configuration."""
    return float(getattr(config, "initializer_range", None) or INITIALIZER_RANGE)
