"""Encoded rows cut into padded pieces within a token budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray


def pieces_within(
    rows: NDArray[np.int64], lengths: NDArray[np.int64], budget: int, most: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """The rows sorted by length, in pieces whose padded size stays within ``budget`` tokens.

    A row longer than the budget is a piece of its own. The longest come first, so that memory that does
    not suffice shows at once. Where ``most`` is given, pieces have that many rows, whatever their size.

    >>> list(pieces_within(np.array([0, 1, 2]), np.array([2, 9, 3]), budget=10))
    [array([1]), array([2, 0])]
    """
    import numpy as np

    ordered = rows[np.argsort(-lengths[rows], kind="stable")]
    start = 0
    while start < len(ordered):
        widest = max(int(lengths[ordered[start]]), 1)
        count = most or max(budget // widest, 1)
        yield ordered[start : start + count]
        start += count


def token_places(encoded: Encoded, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the tokens of these rows stand in ``encoded``, row after row."""
    import numpy as np

    lengths = encoded.lengths[rows]
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(rows) else 0) + np.repeat(
        encoded.offsets[rows] - (ends - lengths), lengths
    )


def part_of(encoded: Encoded, rows: NDArray[np.int64]) -> Encoded:
    """These rows of all that are encoded, in this order."""
    import numpy as np

    lengths = encoded.lengths[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    taken = token_places(encoded, rows)
    tokens = len(encoded.ids)
    held = {each.name: getattr(encoded, each.name) for each in fields(encoded)}
    per_token = {
        name: value[taken] for name, value in held.items() if np.ndim(value) == 1 and len(value) == tokens
    }
    return Encoded(**{**held, **per_token, "offsets": offsets, "truncated": 0})


@dataclass(frozen=True)
class Batch:
    """Rows laid side by side, padded on the right to the longest.

    rows      (rows,) their numbers
    ids       (rows, longest) int64
    mask      (rows, longest) int64, 1 on tokens, 0 on padding
    segments  (rows, longest) int64, 1 on the second text of a pair; None where rows are single texts
    """

    rows: NDArray[np.int64]
    ids: torch.Tensor
    mask: torch.Tensor
    segments: torch.Tensor | None = None

    @property
    def width(self) -> int:
        """Tokens of the longest row."""
        return int(self.ids.shape[1])

    def inputs(self, device: torch.device) -> dict[str, torch.Tensor]:
        """What a model of transformers is called with, on that device."""
        inputs = {"input_ids": self.ids, "attention_mask": self.mask}
        if self.segments is not None:
            inputs["token_type_ids"] = self.segments
        return {name: value.to(device) for name, value in inputs.items()}


def batch_of(encoded: Encoded, rows: NDArray[np.int64], pad_id: int, width: int | None = None) -> Batch:
    """These rows as one batch, ``width`` tokens wide where that is given."""
    import numpy as np
    import torch

    lengths = encoded.lengths[rows]
    width = width or max(int(lengths.max()), 1)
    mask = np.arange(width) < lengths[:, None]

    def laid(flat: NDArray[Any], filling: int) -> torch.Tensor:
        values = np.full(mask.shape, filling, dtype=np.int64)
        values[mask] = np.concatenate([flat[encoded.offsets[r] : encoded.offsets[r + 1]] for r in rows])
        return torch.from_numpy(values)

    segments = laid(encoded.segments, 0) if encoded.segments is not None else None
    return Batch(rows, laid(encoded.ids, pad_id), torch.from_numpy(mask.astype(np.int64)), segments)
