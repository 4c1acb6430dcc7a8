"""Batches of rows as token ids, one after another: what a data set that is not in memory needs.

encoders = BatchEncoders.of(tokenizer, max_length=None, pairs=False, threads=2)
encoder = encoders.new()            one for each thread
encoder.encode(texts)               exactly what `tokenizers` gives, by way of distinct chunks where it can
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tokkit.progress import SILENT, Progress
from tokkit.runtime.kernel_cache import say_if_compiling
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding import bare_rows, reference, row_kernels
from tokkit.tokenizer.encoding.bare_rows import RowEncoder, spans
from tokkit.tokenizer.encoding.chunk_encoder import ChunkEncoder
from tokkit.tokenizer.encoding.fast import framed
from tokkit.tokenizer.encoding.frame import Frame
from tokkit.tokenizer.encoding.reference import Encoded, EncodeRequest

if TYPE_CHECKING:
    from tokkit.tokenizer.folder.load import LoadedTokenizer


class BatchEncoder(Protocol):
    """Encodes batches of rows, in one thread."""

    def encode(self, texts: Strings, pairs: Strings | None = None) -> Encoded:
        """The ids of every row; raises `InputError` where the tokenizer fails on one."""


@dataclass(frozen=True)
class BatchEncoders:
    """Makes an encoder for each thread.

    max_length  as in `encode.encode`
    by_chunks   the frame and the encoder of chunks; None where `tokenizers` encodes whole rows
    threads     that share the memory for chunks
    """

    tokenizer: LoadedTokenizer
    max_length: int | None
    by_chunks: tuple[Frame, ChunkEncoder] | None
    threads: int
    _lock: threading.Lock

    @classmethod
    def of(
        cls,
        tokenizer: LoadedTokenizer,
        max_length: int | None,
        *,
        pairs: bool,
        threads: int,
        by_reference: bool = False,
        progress: Progress = SILENT,
    ) -> BatchEncoders:
        """``by_reference`` leaves all rows to `tokenizers`."""
        by_chunks = None
        if not by_reference:
            frame = Frame.of(tokenizer.backend, special=True, pairs=pairs)
            encoder = ChunkEncoder.of(tokenizer) if frame else None
            if frame and encoder:
                by_chunks = frame, encoder
                for module in (row_kernels, encoder.model.kernels) if encoder.model else (row_kernels,):
                    say_if_compiling(module.__name__.rpartition(".")[2], progress)
        return cls(tokenizer, max_length, by_chunks, threads, threading.Lock())

    def new(self) -> BatchEncoder:
        """An encoder for one thread."""
        if self.by_chunks is None:
            return _Reference(self.tokenizer, self.max_length, self._lock)
        frame, encoder = self.by_chunks
        rows = RowEncoder(encoder, bare_rows.DISTINCT // self.threads, with_ids=True)
        return _ByChunks(frame, rows, self.max_length)

    def differing(self, rows: Sequence[CheckedRow]) -> int:
        """How many of the rows `tokenizers` encodes otherwise; not while other threads encode."""
        texts = [row.text if row.pair is None else (row.text, row.pair) for row in rows]
        expected = self.tokenizer.encodings(texts, self.max_length)
        return sum(encoding.ids != row.ids for encoding, row in zip(expected, rows, strict=True))


@dataclass(frozen=True)
class CheckedRow:
    """A row and the ids that it was given."""

    text: str
    pair: str | None
    ids: list[int]


def rows_to_check(
    texts: Strings, pairs: Strings | None, encoded: Encoded, number: int, longest: int
) -> Iterator[CheckedRow]:
    """Rows spread evenly over a batch, of those with at most ``longest`` bytes."""
    sizes = texts.ends - texts.starts + (0 if pairs is None else pairs.ends - pairs.starts)
    for row in np.unique(np.linspace(0, len(texts) - 1, min(number, len(texts))).astype(np.int64)).tolist():
        if sizes[row] <= longest:
            ids = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]].tolist()
            yield CheckedRow(texts.text(row), None if pairs is None else pairs.text(row), ids)


class _ByChunks:
    def __init__(self, frame: Frame, rows: RowEncoder, max_length: int | None) -> None:
        self._frame, self._rows, self._max_length = frame, rows, max_length

    def encode(self, texts: Strings, pairs: Strings | None = None) -> Encoded:
        sizes = texts.ends - texts.starts + (0 if pairs is None else pairs.ends - pairs.starts)
        parts = []
        for span in spans(sizes):
            first = self._rows.encode(texts.take(span))
            second = None if pairs is None else self._rows.encode(pairs.take(span))
            parts.append(framed(self._frame, first, second, self._max_length))
        return joined(parts, pairs is not None)


class _Reference:
    def __init__(self, tokenizer: LoadedTokenizer, max_length: int | None, lock: threading.Lock) -> None:
        self._tokenizer, self._max_length, self._lock = tokenizer, max_length, lock

    def encode(self, texts: Strings, pairs: Strings | None = None) -> Encoded:
        rows, second = texts.to_list(), None if pairs is None else pairs.to_list()
        request = EncodeRequest(rows, second, self._tokenizer, self._max_length, special=True, threads=None)
        # truncation is a setting of the tokenizer that threads share, and it uses several threads itself
        with self._lock:
            return reference.encode(request, SILENT)


def joined(parts: Sequence[Encoded], pairs: bool) -> Encoded:
    """The rows of all parts, one after another."""
    if len(parts) == 1:
        return parts[0]
    segments = [np.empty(0, np.int8), *(part.segments for part in parts if part.segments is not None)]
    lengths = np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)])
    return Encoded(
        ids=np.concatenate([np.empty(0, np.int32), *(part.ids for part in parts)]),
        offsets=np.concatenate(([0], np.cumsum(lengths))),
        truncated=sum(part.truncated for part in parts),
        segments=np.concatenate(segments) if pairs else None,
    )
