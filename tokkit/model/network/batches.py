"""Encoded rows as padded batches within a token budget, and results in the order of the rows; without torch.

A batch is computed by whatever runs the model: torch (`classifier`), or a runtime of exported models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError, counted
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.checkpoints import takes_tokens
from tokkit.tokenizer.folder.load import LoadedTokenizer

# Tokens per row where a model has no limit of its own.
_POSITIONS = 512

# Tokens, padding included, computed at once: the fastest measured on CPUs; enough to fill an accelerator.
CPU_BUDGET, ACCELERATOR_BUDGET = 1024, 32_768


def pieces_within(
    rows: NDArray[np.int64], lengths: NDArray[np.int64], budget: int, rows_per_piece: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Sort the rows by length and cut them into pieces whose padded size stays within ``budget`` tokens.

    A row longer than the budget is a piece of its own. ``rows_per_piece`` replaces the budget.

    >>> list(pieces_within(np.array([0, 1, 2]), np.array([2, 9, 3]), budget=10))
    [array([1]), array([2, 0])]
    """
    # The longest come first, so that too little memory shows at once and not after an hour.
    ordered = rows[np.argsort(-lengths[rows], kind="stable")]
    start = 0
    while start < len(ordered):
        width = max(int(lengths[ordered[start]]), 1)
        count = rows_per_piece or max(budget // width, 1)
        yield ordered[start : start + count]
        start += count


def token_positions(encoded: Encoded, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """(tokens of these rows,) positions of their tokens in ``encoded.ids``, row after row.

    Rows 2 and 0 of offsets [0, 3, 5, 6] give [5, 0, 1, 2].
    """
    lengths = encoded.lengths[rows]
    ends = np.cumsum(lengths)
    # A running number, minus where each row starts in the output, plus where it starts in the input.
    return np.arange(int(ends[-1]) if len(rows) else 0) + np.repeat(
        encoded.offsets[rows] - (ends - lengths), lengths
    )


def part_of(encoded: Encoded, rows: NDArray[np.int64]) -> Encoded:
    """These of the encoded rows, in this order."""
    offsets = np.concatenate([[0], np.cumsum(encoded.lengths[rows])])
    positions = token_positions(encoded, rows)
    segments = None if encoded.segments is None else encoded.segments[positions]
    words = None if encoded.words is None else encoded.words[positions]
    return Encoded(encoded.ids[positions], offsets, 0, segments, words)


@dataclass(frozen=True)
class PaddedRows:
    """Rows padded on the right to the longest of them, (rows, longest) int64 each.

    rows      (rows,) their numbers
    ids       token ids
    mask      1 on tokens, 0 on padding
    segments  1 on the second text of a pair; None where rows are single texts
    """

    rows: NDArray[np.int64]
    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    segments: NDArray[np.int64] | None = None


def padded_rows(
    encoded: Encoded, rows: NDArray[np.int64], pad_id: int, width: int | None = None
) -> PaddedRows:
    """These rows as one batch, ``width`` tokens wide, else as wide as the longest row."""
    lengths = encoded.lengths[rows]
    width = width or max(int(lengths.max()), 1)
    mask = np.arange(width) < lengths[:, None]

    def padded(flat: NDArray[Any], padding: int) -> NDArray[np.int64]:
        values = np.full(mask.shape, padding, dtype=np.int64)
        values[mask] = np.concatenate([flat[encoded.offsets[r] : encoded.offsets[r + 1]] for r in rows])
        return values

    segments = padded(encoded.segments, 0) if encoded.segments is not None else None
    return PaddedRows(rows, padded(encoded.ids, pad_id), mask.astype(np.int64), segments)


def logits_in_order(
    encoded: Encoded,
    compute: Callable[[PaddedRows], NDArray[np.float32]],
    *,
    classes: int,
    by_row: bool,
    pad_id: int,
    budget: int,
    rows_per_batch: int | None = None,
    progress: Progress = SILENT,
) -> NDArray[np.float32]:
    """(rows, classes) logits in the order of the rows; for tasks by token (tokens, classes).

    compute  the logits of a batch: (rows, classes), for tasks by token (rows, longest, classes)
    """
    items = len(encoded) if by_row else len(encoded.ids)
    logits = np.zeros((items, classes), dtype=np.float32)
    rows = np.arange(len(encoded))
    with stage(progress, "predicting", len(encoded), "rows"):
        for piece in pieces_within(rows, encoded.lengths, budget, rows_per_batch):
            stop_if_cancelled(progress)
            batch = padded_rows(encoded, piece, pad_id)
            output = compute(batch)
            if by_row:
                logits[piece] = output
            else:
                logits[token_positions(encoded, piece)] = output[batch.mask == 1]
            progress.advance(len(piece))
    return logits


@dataclass(frozen=True)
class RowLimits:
    """max_length  tokens per row: the tokenizer's limit, at most the model's
    pad_id      id that rows are padded with
    segments    whether the model has an embedding for the second text of a pair
    """

    max_length: int
    pad_id: int
    segments: bool

    @classmethod
    def of(cls, config: Any, tokenizer: LoadedTokenizer, max_length: int | None = None) -> RowLimits:
        """Limits of a configuration; raises `InputError` where ``max_length`` is above them."""
        pad_id = padding_id(tokenizer, config.pad_token_id)
        positions = int(getattr(config, "max_position_embeddings", None) or 0)
        positions = positions if positions > 0 else _POSITIONS  # XLNet writes -1
        positions = takes_tokens(config.model_type, positions, pad_id)
        longest = min(positions, tokenizer.max_length or positions)
        if max_length is not None and max_length > longest:
            raise InputError(
                f"--max-length {max_length}: model and tokenizer take at most {counted(longest, 'token')}",
                hint=f"at most:\n--max-length {longest}",
            )
        return cls(max_length or longest, pad_id, int(getattr(config, "type_vocab_size", 0) or 0) > 1)


def padding_id(tokenizer: LoadedTokenizer, config_id: int | None) -> int:
    """The id to pad with; where neither tokenizer nor configuration has one, 0: the mask hides it."""
    own = tokenizer.id_of("pad")
    return own if own is not None else config_id if config_id is not None else 0
