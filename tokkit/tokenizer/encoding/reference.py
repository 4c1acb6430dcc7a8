"""Rows encoded by `tokenizers` itself, where they are few or may not be cut; what every encoding returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tokkit.progress import Progress, stage, stop_if_cancelled
from tokkit.tokenizer.folder.tokenizer_folder import guarded

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from tokkit.tokenizer.folder.load import LoadedTokenizer

Row = str | tuple[str, str]
"""A text, or a text and its pair."""

_BATCH = 1_000


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
            raise ValueError(f"{len(self.texts)} texts, but {len(self.pairs)} pairs")

    def rows(self) -> Sequence[Row]:
        """Texts, each with its pair where there are pairs."""
        return self.texts if self.pairs is None else list(zip(self.texts, self.pairs, strict=True))

    def some(self, which: Sequence[int]) -> list[Row]:
        """Some of the rows."""
        texts, pairs = self.texts, self.pairs
        return [texts[row] if pairs is None else (texts[row], pairs[row]) for row in which]


def encodings(
    rows: Sequence[Row],
    request: EncodeRequest,
    progress: Progress,
) -> Iterator[Any]:
    """The `tokenizers.Encoding` of some rows of the request, without offsets.

    Raises `InputError` where the tokenizer fails on a text.
    """
    backend = request.tokenizer.backend
    if request.max_length is not None:
        backend.enable_truncation(request.max_length)
    try:
        for start in range(0, len(rows), _BATCH):
            stop_if_cancelled(progress)
            batch = list(rows[start : start + _BATCH])
            yield from _encoded(backend, batch, request.special, str(request.tokenizer.folder))
            progress.advance(len(batch))
    finally:
        # the tokenizer is shared by its users: truncation that stayed on would cut their texts
        backend.no_truncation()


def bare_ids(texts: Sequence[str], tokenizer: LoadedTokenizer) -> list[list[int]]:
    """The ids of each text, without special tokens around it.

    Raises `InputError` where the tokenizer fails on a text.
    """
    encodings = _encoded(tokenizer.backend, list(texts), False, str(tokenizer.folder))
    return [encoding.ids for encoding in encodings]


def _encoded(backend: Tokenizer, rows: list[Row], special: bool, where: str) -> list[Any]:
    with guarded(
        f"{where}: the tokenizer fails on one of these texts",
        hint="it may lack an unknown token; train one on such text: tokkit train-wordpiece",
    ):
        # encode_batch_fast gives no segments for a pair without a post-processor
        pairs = bool(rows) and isinstance(rows[0], tuple)
        encode_batch = backend.encode_batch if pairs else backend.encode_batch_fast
        return list(encode_batch(rows, add_special_tokens=special))


def encode(request: EncodeRequest, progress: Progress) -> Encoded:
    """The rows as ids; equal ones are encoded once."""
    pieces: list[NDArray[np.int32]] = []
    segments: list[NDArray[np.int8]] = []
    cut: list[bool] = []
    number, rows = _distinct(request)
    for encoding in _staged(number, request, progress):
        pieces.append(np.array(encoding.ids, np.int32))
        cut.append(bool(encoding.overflowing))
        if request.pairs is not None:
            segments.append(np.array(encoding.type_ids, np.int8))
    lengths = np.fromiter((len(pieces[row]) for row in rows), np.int64, len(rows))
    return Encoded(
        ids=np.concatenate([np.empty(0, np.int32), *(pieces[row] for row in rows)]),
        offsets=np.concatenate(([0], np.cumsum(lengths))),
        truncated=sum(cut[row] for row in rows),
        segments=None
        if request.pairs is None
        else np.concatenate([np.empty(0, np.int8), *(segments[row] for row in rows)]),
    )


def token_counts(request: EncodeRequest, progress: Progress) -> TokenCounts:
    """Tokens of every row; equal ones are encoded once."""
    unknown_id = request.tokenizer.id_of("unk")
    number, rows = _distinct(request)
    counts = np.zeros((2, len(number)), np.int64)
    for i, encoding in enumerate(_staged(number, request, progress)):
        ids = encoding.ids
        counts[:, i] = len(ids), 0 if unknown_id is None else ids.count(unknown_id)
    return TokenCounts(counts[0, rows], counts[1, rows])


def _distinct(request: EncodeRequest) -> tuple[dict[Row, int], list[int]]:
    """Distinct rows with their numbers, and the number of every row."""
    rows = request.rows()
    # labels and templates repeat texts, and a row costs more to encode than to hash
    number = {row: i for i, row in enumerate(dict.fromkeys(rows))}
    return number, [number[row] for row in rows]


def _staged(rows: Iterable[Row], request: EncodeRequest, progress: Progress) -> Iterator[Any]:
    distinct = list(rows)
    with stage(progress, "encoding", len(distinct), "texts"):
        yield from encodings(distinct, request, progress)
