"""Rows encoded by `tokenizers` itself, where they are few or may not be cut; what every encoding returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import counted
from tokkit.progress import Progress, stage

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer, Row


@dataclass(frozen=True)
class Encoded:
    """Token ids of every row, special tokens included, one after another.

    ids        (tokens,) int32
    offsets    (rows + 1,) int64: row i is ``ids[offsets[i]:offsets[i + 1]]``
    truncated  rows that were truncated at the maximum length
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

    @classmethod
    def of_rows(
        cls,
        ids: Sequence[NDArray[np.int32]],
        truncated: int,
        *,
        segments: Sequence[NDArray[np.int8]] | None = None,
        words: Sequence[NDArray[np.int32]] | None = None,
    ) -> Encoded:
        """The arrays of all rows, one after another."""
        return cls(
            ids=np.concatenate([np.empty(0, np.int32), *ids]),
            offsets=np.cumsum([0, *map(len, ids)], dtype=np.int64),
            truncated=truncated,
            segments=None if segments is None else np.concatenate([np.empty(0, np.int8), *segments]),
            words=None if words is None else np.concatenate([np.empty(0, np.int32), *words]),
        )

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per row, (rows,)."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class TokenCounts:
    """Of every row its tokens, and the unknown ones among them, (rows,) int64 each."""

    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]


@dataclass(frozen=True)
class EncodeRequest:
    """The arguments of `encode.encode`."""

    texts: Sequence[str]
    pairs: Sequence[str] | None
    tokenizer: LoadedTokenizer
    max_length: int | None
    special: bool
    threads: int | None

    def __post_init__(self) -> None:
        if self.pairs is not None and len(self.pairs) != len(self.texts):
            raise ValueError(f"{counted(len(self.texts), 'text')}, but {len(self.pairs)} pairs")

    def rows(self) -> Sequence[Row]:
        """Texts, each with its pair where there are pairs."""
        return self.texts if self.pairs is None else list(zip(self.texts, self.pairs, strict=True))

    def encodings(self, rows: Sequence[Row], progress: Progress) -> Iterator[Any]:
        """The `tokenizers.Encoding` of some rows; raises `InputError` where the tokenizer fails on one."""
        return self.tokenizer.encodings(rows, self.max_length, special=self.special, progress=progress)


def encode(request: EncodeRequest, progress: Progress) -> Encoded:
    """The rows as ids; equal ones are encoded once."""
    ids: list[NDArray[np.int32]] = []
    segments: list[NDArray[np.int8]] = []
    truncated: list[bool] = []
    rows, numbers = _distinct(request)
    with stage(progress, "encoding", len(rows), "texts"):
        for encoding in request.encodings(rows, progress):
            ids.append(np.array(encoding.ids, np.int32))
            truncated.append(bool(encoding.overflowing))
            if request.pairs is not None:
                segments.append(np.array(encoding.type_ids, np.int8))
    return Encoded.of_rows(
        [ids[number] for number in numbers],
        sum(truncated[number] for number in numbers),
        segments=None if request.pairs is None else [segments[number] for number in numbers],
    )


def token_counts(request: EncodeRequest, progress: Progress) -> TokenCounts:
    """Tokens of every row; equal ones are encoded once."""
    unknown_id = request.tokenizer.id_of("unk")
    rows, numbers = _distinct(request)
    counts = np.zeros((2, len(rows)), np.int64)
    with stage(progress, "encoding", len(rows), "texts"):
        for i, encoding in enumerate(request.encodings(rows, progress)):
            ids = encoding.ids
            counts[:, i] = len(ids), 0 if unknown_id is None else ids.count(unknown_id)
    return TokenCounts(counts[0, numbers], counts[1, numbers])


def _distinct(request: EncodeRequest) -> tuple[list[Row], list[int]]:
    """Distinct rows, and of every row its number among them."""
    rows = request.rows()
    # labels and templates repeat texts, and a row costs more to encode than to hash
    numbers = {row: number for number, row in enumerate(dict.fromkeys(rows))}
    return list(numbers), [numbers[row] for row in rows]
