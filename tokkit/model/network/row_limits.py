"""What a model takes of a row: how many tokens, what padding, and whether it tells texts of a pair apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tokkit.errors import InputError
from tokkit.tokenizer.checkpoints import takes_tokens
from tokkit.tokenizer.load import LoadedTokenizer

_POSITIONS = 512
"""Where a model has no limit of its own."""


@dataclass(frozen=True)
class RowLimits:
    """max_length  tokens per row: the tokenizer's, at most the model's
    pad_id      id rows are padded with
    segments    whether the model has an embedding for the second text of a pair
    """

    max_length: int
    pad_id: int
    segments: bool

    @classmethod
    def of(cls, config: Any, tokenizer: LoadedTokenizer, max_length: int | None = None) -> RowLimits:
        """Those of a configuration; raises `InputError` for a maximum length that is too long."""
        pad_id = padding_id(tokenizer, config.pad_token_id)
        positions = int(getattr(config, "max_position_embeddings", None) or 0)
        positions = positions if positions > 0 else _POSITIONS  # XLNet writes -1
        positions = takes_tokens(config.model_type, positions, pad_id)
        longest = min(positions, tokenizer.max_length or positions)
        if max_length is not None and max_length > longest:
            raise InputError(
                f"--max-length {max_length}: model and tokenizer take at most {longest} tokens",
                hint=f"--max-length {longest}",
            )
        return cls(max_length or longest, pad_id, int(getattr(config, "type_vocab_size", 0) or 0) > 1)


def padding_id(tokenizer: LoadedTokenizer, config_id: int | None) -> int:
    """The id to pad with; any id is right where there is none, for the mask hides it."""
    found = tokenizer.id_of("pad")
    return found if found is not None else config_id if config_id is not None else 0
