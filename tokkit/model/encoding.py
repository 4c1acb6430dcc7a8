"""Texts as token ids, kept flat, and cut into padded pieces within a token budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.tokenizer.load import LoadedTokenizer


@dataclass(frozen=True)
class Encoded:
    """Token ids of every row, special tokens included, one after another.

    ids        (tokens,) int32
    offsets    (rows + 1,) int64: row i is ``ids[offsets[i]:offsets[i + 1]]``
    truncated  rows that were cut at the maximum length
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    truncated: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per row, (rows,)."""
        lengths: NDArray[np.int64] = self.offsets[1:] - self.offsets[:-1]
        return lengths


def encode(
    texts: Sequence[str], tokenizer: LoadedTokenizer, max_length: int, progress: Progress = SILENT
) -> Encoded:
    """The rows as ids, each cut to ``max_length`` tokens; equal texts are encoded once."""
    import numpy as np

    number = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    distinct = list(number)
    pieces: list[NDArray[np.int32]] = []
    cut: list[bool] = []
    with stage(progress, "encoding", len(distinct), "texts"):
        for encodings in tokenizer.encodings(distinct, max_length):
            stop_if_cancelled(progress)
            pieces += [np.array(encoding.ids, dtype=np.int32) for encoding in encodings]
            cut += [bool(encoding.overflowing) for encoding in encodings]
            progress.advance(len(encodings))
    rows = [number[text] for text in texts]
    lengths = np.fromiter((len(pieces[row]) for row in rows), dtype=np.int64, count=len(rows))
    return Encoded(
        ids=np.concatenate([pieces[row] for row in rows] or [np.empty(0, dtype=np.int32)]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        truncated=sum(cut[row] for row in rows),
    )


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
