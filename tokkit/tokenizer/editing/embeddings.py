"""The embedding tables of a model, token embeddings and output layer: copied, extended, and replaced.

New rows are initialized as one of

    mean         the mean of the rows of the tokens that the old tokenizer splits the new one into
    norm-mean    the same, scaled to the mean norm of the table's rows
    random       a normal distribution with the table's mean and deviation in each dimension
    description  the mean of the rows of a text that describes the token

A token for which the old tokenizer has only unknown tokens gets the mean of the table, and so does a row
without a token (``--pad-to-multiple-of``). Means are computed in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from tokkit.errors import InputError

INITS = ("mean", "norm-mean", "random", "description")
KINDS = ("input", "output", "bias")


@dataclass(frozen=True)
class EmbeddingTables:
    """Copies of a model's tables, one row per token.

    input    (rows, width)
    output   (rows, width), None where it is tied to the input or there is none
    bias     (rows,) of the output layer, None where there is none
    """

    input: Tensor
    output: Tensor | None = None
    bias: Tensor | None = None

    @property
    def rows(self) -> int:
        return len(self.input)

    def map(self, change: Callable[[str, Tensor], Tensor]) -> EmbeddingTables:
        """The tables after ``change``, which gets one of `KINDS` and its table."""
        tables = {kind: table for kind in KINDS if (table := getattr(self, kind)) is not None}
        return EmbeddingTables(**{kind: change(kind, table) for kind, table in tables.items()})


def extend_table(
    table: Tensor, used: int, pieces: Sequence[Sequence[int]], rows: int, init: str, seed: int
) -> Tensor:
    """A table of (rows, ...) whose first ``used`` rows equal those of ``table`` bit by bit.

    table    (old rows, width) or, for a bias, (old rows,); ``rows`` is not smaller
    used     number of rows that belong to a token
    pieces   old ids of each new token, whose rows it is the mean of

    Rows after ``used`` and the new tokens stay as they are where ``table`` has them.
    """
    # `resize_token_embeddings` of transformers initializes new rows around the mean with a covariance x 1e-9:
    # they would be practically equal to each other, so rows are computed here.
    old = table[:used].float()
    mean = old.mean(dim=0)
    extended = torch.cat([table, mean.to(table.dtype).expand(rows - len(table), *table.shape[1:])])
    if not pieces:
        return extended
    if init == "random":
        # a generator of its own leaves the global random state of the caller alone
        noise = torch.randn((len(pieces), *table.shape[1:]), generator=torch.Generator().manual_seed(seed))
        new = mean + noise * old.std(dim=0, correction=0)
    else:
        new = torch.stack([old[list(ids)].mean(dim=0) if ids else mean for ids in pieces])
    if init == "norm-mean" and table.dim() == 2:
        norm = old.norm(dim=1).mean()
        # the smallest normal number instead of 0: a zero row has no direction to scale
        new = new * (norm / new.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny))
    extended[used : used + len(pieces)] = new.to(table.dtype)
    return extended


def copy_tables(model: PreTrainedModel, name: str) -> EmbeddingTables:
    """Copies of the tables; raises `InputError` for a model without any, or with two of different sizes."""
    tied, tensors = _tensors(model, name)
    embedding, output, bias = (None if tensor is None else tensor.detach().clone() for tensor in tensors)
    assert embedding is not None
    for other in (output, bias):
        if other is not None and len(other) != len(embedding):
            raise InputError(
                f"{name}: {len(embedding)} rows of input embeddings, but {len(other)} of output embeddings; "
                "the same number is expected"
            )
    return EmbeddingTables(embedding, None if tied else output, bias)


def replace_tables(model: PreTrainedModel, tables: EmbeddingTables, name: str) -> frozenset[str]:
    """Give the model these tables, of any number of rows; returns the names of all weights that hold them.

    Tied weights stay tied, others stay apart, and the configuration follows.
    """
    before = weight_names(model, name)
    model.resize_token_embeddings(tables.rows, mean_resizing=False)
    after = weight_names(model, name)
    tied, (embedding, output, bias) = _tensors(model, name)
    pairs = ((embedding, tables.input), (None if tied else output, tables.output), (bias, tables.bias))
    with torch.no_grad():
        for target, source in pairs:
            if target is not None and source is not None:
                target.copy_(source)
    # BERT's untied head has a second bias, which no forward pass reads; resizing ties it to the first
    for key in after["bias"] - before["bias"]:
        module, _, attribute = key.rpartition(".")
        owner = model.get_submodule(module)
        setattr(owner, attribute, torch.nn.Parameter(getattr(owner, attribute).detach().clone()))
    return frozenset().union(*before.values(), *after.values())


def weight_names(model: PreTrainedModel, name: str) -> dict[str, frozenset[str]]:
    """The names of the weights that hold each of `KINDS`; tied ones have several."""
    _, tensors = _tensors(model, name)
    # tied weights are one tensor under several names: they share their memory
    weights = model.state_dict()
    return {
        kind: frozenset(
            key
            for key, value in weights.items()
            if tensor is not None and value.data_ptr() == tensor.data_ptr()
        )
        for kind, tensor in zip(KINDS, tensors, strict=True)
    }


def _tensors(model: PreTrainedModel, name: str) -> tuple[bool, tuple[Tensor, Tensor | None, Tensor | None]]:
    """Whether the output is tied to the input, and the tensors themselves: input, output, bias."""
    try:
        module = model.get_input_embeddings()
    except NotImplementedError:
        module = None
    embedding = getattr(module, "weight", None)
    if not isinstance(embedding, Tensor) or embedding.dim() != 2:
        raise InputError(f"{name}: {type(model).__name__} has no table of token embeddings to resize")
    layer = model.get_output_embeddings()
    output, bias = getattr(layer, "weight", None), getattr(layer, "bias", None)
    # BART keeps the bias of its output layer in a buffer of shape (1, rows)
    if bias is None and output is not None:
        buffer = getattr(model, "final_logits_bias", None)
        bias = None if buffer is None else buffer[0]
    return output is not None and output.data_ptr() == embedding.data_ptr(), (embedding, output, bias)
