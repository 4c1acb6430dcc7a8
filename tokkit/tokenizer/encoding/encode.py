"""Rows of text as token ids, or just how many: exactly what `tokenizers` gives for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled

if TYPE_CHECKING:
    import numpy as np
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


@dataclass(frozen=True)
class TokenCounts:
    """Of every row its tokens, and the unknown ones among them, (rows,) int64 each."""

    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]


def encode(
    texts: Sequence[str],
    tokenizer: LoadedTokenizer,
    max_length: int | None = None,
    *,
    special: bool = True,
    progress: Progress = SILENT,
) -> Encoded:
    """The rows as ids, each cut to ``max_length`` tokens where one is given.

    special  whether the post-processor puts its special tokens around each row

    Raises `InputError` where the tokenizer fails on a text.
    """
    import numpy as np

    number = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    pieces: list[NDArray[np.int32]] = []
    cut: list[bool] = []
    for encoding in _encodings(list(number), tokenizer, max_length, special, progress):
        pieces.append(np.array(encoding.ids, dtype=np.int32))
        cut.append(bool(encoding.overflowing))
    rows = [number[text] for text in texts]
    lengths = np.fromiter((len(pieces[row]) for row in rows), dtype=np.int64, count=len(rows))
    return Encoded(
        ids=np.concatenate([pieces[row] for row in rows] or [np.empty(0, dtype=np.int32)]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        truncated=sum(cut[row] for row in rows),
    )


def token_counts(
    texts: Sequence[str], tokenizer: LoadedTokenizer, *, special: bool = True, progress: Progress = SILENT
) -> TokenCounts:
    """Tokens of each row, and unknown ones among them; nothing is truncated.

    Raises `InputError` where the tokenizer fails on a text.
    """
    import numpy as np

    number = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    unknown_id = tokenizer.id_of("unk")
    counts = np.zeros((2, len(number)), dtype=np.int64)
    for i, encoding in enumerate(_encodings(list(number), tokenizer, None, special, progress)):
        counts[0, i] = len(encoding.ids)
        counts[1, i] = 0 if unknown_id is None else encoding.ids.count(unknown_id)
    rows = np.fromiter((number[text] for text in texts), dtype=np.int64, count=len(texts))
    return TokenCounts(counts[0, rows], counts[1, rows])


def _encodings(
    texts: Sequence[str],
    tokenizer: LoadedTokenizer,
    max_length: int | None,
    special: bool,
    progress: Progress,
) -> Iterator[Any]:
    with stage(progress, "encoding", len(texts), "texts"):
        for encodings in tokenizer.encodings(texts, max_length, special):
            stop_if_cancelled(progress)
            yield from encodings
            progress.advance(len(encodings))
