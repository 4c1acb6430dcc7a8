"""The embedding tables of a model: taken out, and put back with other rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokkit.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


KINDS = ("input", "output", "bias")


@dataclass(frozen=True)
class Tables:
    """Copies of a model's tables, a row a token.

    input    (rows, width)
    output   (rows, width), None where it is the input's own or there is none
    bias     (rows,) of the output, None where there is none
    """

    input: Tensor
    output: Tensor | None
    bias: Tensor | None

    @property
    def rows(self) -> int:
        return len(self.input)

    def each(self, change: Callable[[Tensor], Tensor]) -> Tables:
        """The tables that ``change`` makes of these."""
        output = None if self.output is None else change(self.output)
        bias = None if self.bias is None else change(self.bias)
        return Tables(change(self.input), output, bias)


def tables_of(model: PreTrainedModel, name: str) -> Tables:
    """Copies of the tables; raises `InputError` for a model that has none, or two of different size."""
    tied, tensors = _tensors(model, name)
    found, output, bias = (None if tensor is None else tensor.detach().clone() for tensor in tensors)
    assert found is not None
    for other in (output, bias):
        if other is not None and len(other) != len(found):
            raise InputError(
                f"{name}: {len(found)} rows of input embeddings, but {len(other)} of output embeddings; "
                "they are expected to be as many"
            )
    return Tables(found, None if tied else output, bias)


def put(model: PreTrainedModel, tables: Tables, name: str) -> frozenset[str]:
    """Gives the model these tables, of any length; the names of all weights that hold their rows now.

    Tied weights stay tied and others apart, its configuration follows.
    """
    import torch

    before = table_names(model, name)
    model.resize_token_embeddings(tables.rows, mean_resizing=False)
    after = table_names(model, name)
    tied, (found, output, bias) = _tensors(model, name)
    pairs = ((found, tables.input), (None if tied else output, tables.output), (bias, tables.bias))
    with torch.no_grad():
        for target, source in pairs:
            if target is not None and source is not None:
                target.copy_(source)
    # BERT's untied head holds a second bias, which no forward pass reads: resizing ties it to the first
    for key in after["bias"] - before["bias"]:
        module, _, attribute = key.rpartition(".")
        owner = model.get_submodule(module)
        setattr(owner, attribute, torch.nn.Parameter(getattr(owner, attribute).detach().clone()))
    return frozenset().union(*before.values(), *after.values())


def table_names(model: PreTrainedModel, name: str) -> dict[str, frozenset[str]]:
    """Under which names ``input``, ``output`` and ``bias`` stand among the weights, tied ones as several."""
    _, tensors = _tensors(model, name)
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
    """Whether the output's table is the input's, and the tensors themselves: input, output, bias."""
    import torch

    try:
        embedding = model.get_input_embeddings()
    except NotImplementedError:
        embedding = None
    found = getattr(embedding, "weight", None)
    if not isinstance(found, torch.Tensor) or found.dim() != 2:
        raise InputError(f"{name}: {type(model).__name__} has no table of token embeddings to resize")
    layer = model.get_output_embeddings()
    output = getattr(layer, "weight", None)
    bias = getattr(layer, "bias", None)
    if (
        bias is None
        and output is not None
        and (logits_bias := getattr(model, "final_logits_bias", None)) is not None
    ):
        bias = logits_bias[0]
    return output is not None and output.data_ptr() == found.data_ptr(), (found, output, bias)
