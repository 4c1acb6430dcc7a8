"""What encoding gives: ids of every row, or their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoded:
    """Token ids of every row, special tokens included, one after another.

    ids        (tokens,) int32
    offsets    (rows + 1,) int64: row i is ``ids[offsets[i]:offsets[i + 1]]``
    truncated  rows that were cut at the maximum length
    segments   (tokens,) int8, where rows are pairs: which text of its pair each token belongs to, as
               `tokenizers` numbers them in its ``type_ids``
    words      (tokens,) int32, where rows are lists of words: at the first token of a word its number in
               the row, elsewhere -1
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    truncated: int
    segments: NDArray[np.int8] | None = None
    words: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per row, (rows,)."""
        lengths: NDArray[np.int64] = self.offsets[1:] - self.offsets[:-1]
        return lengths


@dataclass(frozen=True)
class TokenCounts:
    """Of every row its tokens, and the unknown ones among them, (rows,) int64 each."""

    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]
