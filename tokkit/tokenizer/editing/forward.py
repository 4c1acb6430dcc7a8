"""A forward pass on token ids: what any text model of transformers answers, and whether it is sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.tokenizer.folder.checkpoints import quiet, takes_tokens

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

LONGEST = 64
"""Tokens of a text that are tried."""


def outputs(
    model: PreTrainedModel, ids: Sequence[int], name: str, vocabulary: tuple[int, Tensor] | None = None
) -> dict[str, Tensor]:
    """Every tensor of floating-point numbers that the model answers a text of these ids with, by its name.

    vocabulary  how many rows its embeddings have, and which of them alone are of interest: logits over the
                vocabulary are those of these

    Raises `InputError` where it fails, or answers with what is no number.
    """
    import torch

    config = model.config.get_text_config()
    positions = int(getattr(config, "max_position_embeddings", None) or LONGEST)
    longest = takes_tokens(config.model_type, positions, getattr(config, "pad_token_id", None) or 0)
    inputs: dict[str, Any] = {"input_ids": torch.tensor([list(ids)[: min(LONGEST, longest)]])}
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    if type(model).__name__.endswith("ForMultipleChoice"):
        inputs = {key: value[None] for key, value in inputs.items()}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = inputs["input_ids"]
    try:
        with quiet(), torch.no_grad():
            answer = model(**inputs, return_dict=True)
    except Exception as error:
        told = str(error).strip().partition("\n")[0][:200]
        raise InputError(f"{name}: a forward pass fails: {type(error).__name__}: {told}") from error
    found = {
        key: value
        for key, value in answer.items()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }
    if not found or not all(torch.isfinite(value).all() for value in found.values()):
        raise InputError(f"{name}: a forward pass gives what is no number")
    if vocabulary is not None and model.get_output_embeddings() is not None:
        rows, wanted = vocabulary
        for key, value in found.items():
            if key.endswith("logits") and value.shape[-1] == rows:
                found[key] = value.index_select(-1, wanted)
    return found


def check_alike(before: dict[str, Tensor], after: dict[str, Tensor], name: str) -> None:
    """Raises `InputError` where two models answer the same text differently, rounding aside."""
    import torch

    for key in before:
        if not torch.allclose(
            before[key].float(), after[key].float(), rtol=1e-3, atol=_CLOSE[before[key].dtype.itemsize]
        ):
            raise InputError(f"{name}: the model that was written gives other {key} than the one before")


_CLOSE = {2: 5e-2, 4: 1e-4, 8: 1e-6}
"""How far apart numbers of that many bytes may lie."""
