"""The encoder of a checkpoint without its head, as `AutoModel` loads it, asked for hidden states."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, UsageError
from tokkit.model.network.batching import Batch, RowLimits
from tokkit.model.network.heads import POOLINGS
from tokkit.model.network.saved_heads import BODY
from tokkit.progress import Progress
from tokkit.tokenizer.checkpoints import LOADING, check_fit, checkpoint_path, loading
from tokkit.tokenizer.load import LoadedTokenizer
from tokkit.tokenizer.load import load as load_tokenizer

if TYPE_CHECKING:
    import torch

POOLER, NONE = "pooler", "none"
CHOICES = (*POOLINGS, POOLER, NONE)
"""Every ``--pooling``: the model's own pooler and the states of all tokens beside `POOLINGS`."""

POOLER, NONE = "pooler", "none"
CHOICES = (*POOLINGS, POOLER, NONE)
"""Every ``--pooling``: the model's own pooler and the states of all tokens beside `POOLINGS`."""


@dataclass(frozen=True)
class Body:
    """model       what `AutoModel` loads (of an encoder-decoder, the encoder), float32, in evaluation mode
    limits      what it takes of a row
    untrained   names of weights that the checkpoint lacks: those of a pooler, or none
    """

    name: str
    model: Any
    tokenizer: LoadedTokenizer
    limits: RowLimits
    untrained: tuple[str, ...]

    def vectors(self, batch: Batch, device: torch.device, pooling: str, layer: int) -> torch.Tensor:
        """(rows, width), or with the pooling ``none`` (rows, tokens, width), on the device of the model."""
        output = self.model(**batch.inputs(device), output_hidden_states=layer != -1)
        if pooling == POOLER:
            pooled: torch.Tensor = output.pooler_output
            return pooled
        hidden = output.last_hidden_state if layer == -1 else output.hidden_states[layer]
        return hidden if pooling == NONE else POOLINGS[pooling](hidden, batch.mask.to(device))

    def check(self, device: torch.device, pooling: str, layer: int) -> int:
        """The width of its vectors, from a row of one token.

        Raises `UsageError` for a layer it does not have, `InputError` for a model without a trained pooler
        where that is asked for, and for one that gives no hidden states of a text.
        """
        import numpy as np
        import torch

        one = torch.ones((1, 1), dtype=torch.int64)
        batch = Batch(np.zeros(1, np.int64), one * self.limits.pad_id, one)
        self.model.to(device)
        with torch.inference_mode(), loading(self.name):
            output = self.model(**batch.inputs(device), output_hidden_states=True)
            layers = len(output.hidden_states)
        if not -layers <= layer < layers:
            raise UsageError(
                f"--layer {layer}: {self.name} has layers 0 (the embeddings) to {layers - 1}",
                hint=f"--layer {layers - 1} is the last, as is --layer -1",
            )
        if pooling == POOLER:
            self._check_pooler(output, layer)
        return int(output.hidden_states[layer].shape[-1])

    def _check_pooler(self, output: Any, layer: int) -> None:
        hint = "--pooling cls takes the vector of the first token, --pooling mean the mean"
        kind = self.model.config.model_type
        if getattr(output, "pooler_output", None) is None:
            raise InputError(f"{self.name}: a model of the type {kind} has no pooler", hint=hint)
        if self.untrained:
            raise InputError(
                f"{self.name}: the checkpoint holds no pooler ({self.untrained[0]} is missing), "
                "so its vectors would be random",
                hint=hint,
            )
        if layer != -1:
            raise UsageError(f"--layer {layer}: a pooler reads the last layer", hint="leave --layer out")


def load_body(name: str | Path, max_length: int | None, progress: Progress) -> Body:
    """The encoder of a checkpoint or of a model folder, whatever head it has, with its tokenizer.

    Raises `InputError` for what is no model, one that lacks weights other than a pooler's, and a tokenizer
    that does not fit its embeddings.
    """
    from transformers import AutoModel

    inner = Path(name) / BODY  # of a model folder whose head is one of ours
    where = checkpoint_path(inner if inner.is_dir() else name, progress)
    tokenizer = load_tokenizer(name if inner.is_dir() else where, progress)
    with loading(name):
        model, info = AutoModel.from_pretrained(where, **LOADING, output_loading_info=True)
    missing = sorted(info.get("missing_keys", ()))
    lacking = [key for key in missing if not key.startswith(POOLER)]
    if lacking:
        raise InputError(
            f"{name}: the checkpoint lacks {len(lacking)} weights of its encoder ({lacking[0]}, ...), "
            "which would be random"
        )
    check_fit(name, model.config, tokenizer, hint="a model folder holds the tokenizer it was trained with")
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    limits = RowLimits.of(model.config, tokenizer, max_length)
    return Body(str(name), model.eval(), tokenizer, limits, tuple(missing))
