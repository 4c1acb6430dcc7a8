"""Encoded rows cut into padded pieces within a token budget."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.tokenizer.encoding.encode import Encoded


def pieces_within(
    rows: NDArray[np.int64], lengths: NDArray[np.int64], budget: int
) -> Iterator[NDArray[np.int64]]:
    """The rows sorted by length, in pieces whose padded size stays within ``budget`` tokens.

    A row longer than the budget is a piece of its own. The longest come first, so that memory that does
    not suffice shows at once.

    >>> list(pieces_within(np.array([0, 1, 2]), np.array([2, 9, 3]), budget=10))
    [array([1]), array([2, 0])]
    """
    import numpy as np

    ordered = rows[np.argsort(-lengths[rows], kind="stable")]
    start = 0
    while start < len(ordered):
        widest = max(int(lengths[ordered[start]]), 1)
        count = max(budget // widest, 1)
        yield ordered[start : start + count]
        start += count


def padded(encoded: Encoded, rows: NDArray[np.int64], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask, (rows, longest) int64 each, padded on the right."""
    import numpy as np
    import torch

    lengths = encoded.lengths[rows]
    width = max(int(lengths.max()), 1)
    mask = np.arange(width) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask] = np.concatenate([encoded.ids[encoded.offsets[r] : encoded.offsets[r + 1]] for r in rows])
    return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))
