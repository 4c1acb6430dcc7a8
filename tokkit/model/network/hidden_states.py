"""Hidden states: the encoder of a checkpoint without its head, and its vectors of encoded rows.

ids -> layer -> states (rows, tokens, width) -> pooling -> vectors (rows, width)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel

from tokkit.errors import InputError, UsageError, counted
from tokkit.model.network.batches import RowLimits, pieces_within
from tokkit.model.network.classifier import Batch, batch_of
from tokkit.model.network.heads import POOLINGS
from tokkit.model.network.saved_heads import BODY
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.checkpoints import LOADING, check_fit, checkpoint_path, loading
from tokkit.tokenizer.folder.load import LoadedTokenizer
from tokkit.tokenizer.folder.load import load as load_tokenizer
from tokkit.tokenizer.folder.stored_weights import differences

POOLER, NONE = "pooler", "none"
# Every ``--pooling``: besides `POOLINGS` the model's own pooler, and the states of all tokens.
CHOICES = (*POOLINGS, POOLER, NONE)


@dataclass(frozen=True)
class StatesOptions:
    """Which hidden states are computed, and where.

    layer   states after this layer: 0 the embeddings, -1 the last
    budget  tokens, padding included, computed at once
    """

    device: torch.device
    budget: int
    pooling: str = "mean"
    layer: int = -1

    @property
    def by_token(self) -> bool:
        """Whether there is a vector for every token instead of one per row."""
        return self.pooling == NONE


@dataclass(frozen=True)
class Body:
    """model       what `AutoModel` loads (of an encoder-decoder, the encoder), float32, in evaluation mode
    limits      how many tokens it takes, its padding, and whether it distinguishes the texts of a pair
    untrained   names of weights that the checkpoint lacks: those of a pooler, or none
    """

    name: str
    model: Any
    tokenizer: LoadedTokenizer
    limits: RowLimits
    untrained: tuple[str, ...] = ()

    def width(self, options: StatesOptions) -> int:
        """The width of the vectors, from a row of one token.

        Raises `UsageError` for a layer the model does not have, `InputError` for a pooler that is missing or
        untrained.
        """
        # The smallest forward pass there is: the configuration does not say what every architecture returns.
        one = torch.ones((1, 1), dtype=torch.int64)
        batch = Batch(np.zeros(1, np.int64), one * self.limits.pad_id, one)
        self.model.to(options.device)
        with torch.inference_mode(), loading(self.name):
            output = self.model(**batch.inputs(options.device), output_hidden_states=True)
            layers = len(output.hidden_states)
        if not -layers <= options.layer < layers:
            raise UsageError(
                f"--layer {options.layer}: {self.name} has layers 0 (the embeddings) to {layers - 1}",
                hint="the last is:\n--layer -1",
            )
        if options.pooling == POOLER:
            self._check_pooler(output, options.layer)
        return int(output.hidden_states[options.layer].shape[-1])

    def _check_pooler(self, output: Any, layer: int) -> None:
        hint = "take the vector of the first token, or the mean:\n--pooling cls\n--pooling mean"
        if getattr(output, "pooler_output", None) is None:
            kind = self.model.config.model_type
            raise InputError(f"{self.name}: a model of the type {kind} has no pooler", hint=hint)
        if self.untrained:
            raise InputError(
                f"{self.name}: the checkpoint has no pooler ({self.untrained[0]} is missing), "
                "so its vectors would be random",
                hint=hint,
            )
        if layer != -1:
            raise UsageError(f"--layer {layer}: a pooler reads the last layer", hint="leave out --layer")

    def states(self, batch: Batch, options: StatesOptions) -> torch.Tensor:
        """(rows, width), or for each token (rows, tokens, width), on the device of the model."""
        output = self.model(**batch.inputs(options.device), output_hidden_states=options.layer != -1)
        if options.pooling == POOLER:
            pooled: torch.Tensor = output.pooler_output
            return pooled
        # The last layer as the model gives it: some normalize it once more than `hidden_states[-1]`.
        hidden = output.last_hidden_state if options.layer == -1 else output.hidden_states[options.layer]
        if options.by_token:
            return hidden
        return POOLINGS[options.pooling](hidden, batch.mask.to(options.device))


def load_body(name: str | Path, max_length: int | None, progress: Progress) -> Body:
    """The encoder of a checkpoint or of a model folder, whatever its head, with its tokenizer.

    Raises `InputError` for what is no model, one that lacks weights other than a pooler's, and a tokenizer
    that does not fit its embeddings.
    """
    inner = Path(name) / BODY  # in a model folder whose head is one of ours
    path = checkpoint_path(inner if inner.is_dir() else name, progress)
    tokenizer = load_tokenizer(name if inner.is_dir() else path, progress)
    with loading(name):
        model, info = AutoModel.from_pretrained(
            path, **LOADING, ignore_mismatched_sizes=True, output_loading_info=True
        )
    for message, fix in differences(model, info):
        raise InputError(f"{name}: {message}", hint=fix)
    untrained = sorted(info.get("missing_keys", ()))
    # A pooler may be missing: many encoders are saved without one, and only --pooling pooler needs it.
    if missing := [key for key in untrained if not key.startswith(POOLER)]:
        raise InputError(
            f"{name}: the checkpoint lacks {counted(len(missing), 'weight')} of its encoder "
            f"({missing[0]}, ...), which would be random"
        )
    check_fit(name, model.config, tokenizer, hint="a model folder holds the tokenizer it was trained with")
    # A decoder would continue the text; the encoder has the states of it.
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    limits = RowLimits.of(model.config, tokenizer, max_length)
    return Body(str(name), model.eval(), tokenizer, limits, tuple(untrained))


def hidden_states(
    encoded: Encoded,
    body: Body,
    options: StatesOptions,
    progress: Progress,
    *,
    start: int = 0,
    end: int | None = None,
) -> NDArray[np.float32]:
    """(rows, width) of the rows from ``start`` to ``end``; for each token (tokens, width), row after row.

    A row without tokens has zeros. Raises as `Body.width`.
    """
    end = len(encoded) if end is None else end
    if not body.limits.segments:
        encoded = replace(encoded, segments=None)
    width = body.width(options)
    first = encoded.offsets[start]
    size = int(encoded.offsets[end] - first) if options.by_token else end - start
    vectors = np.zeros((size, width), dtype=np.float32)
    rows = np.arange(start, end)
    with torch.inference_mode():
        # Sorted by length, so that little is padding; masked, so that padding changes nothing but rounding.
        for piece in pieces_within(rows[encoded.lengths[rows] > 0], encoded.lengths, options.budget):
            stop_if_cancelled(progress)
            batch = batch_of(encoded, piece, body.limits.pad_id)
            states = body.states(batch, options).float().cpu().numpy()
            if options.by_token:
                for row, of_tokens in zip(piece, states, strict=True):
                    offset, length = encoded.offsets[row] - first, encoded.lengths[row]
                    vectors[offset : offset + length] = of_tokens[:length]
            else:
                vectors[piece - start] = states
            progress.advance(len(piece))
    return vectors
