"""Rows as bare token ids, without special tokens: every distinct chunk is encoded once.

"the cat", "the dog"  ->  chunks the, " cat", the, " dog"  ->  numbers 0 1, 0 2  ->  ids of chunks 0, 1, 2
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import chunk_kernels
from tokkit.corpus.chunks import cuts_before
from tokkit.runtime.byte_table import ByteTable, zeros
from tokkit.runtime.kernels import PADDING
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding import row_kernels
from tokkit.tokenizer.encoding.chunk_encoder import ChunkEncoder

# Chunks that all threads together remember: about 80 bytes each.
DISTINCT = 900_000

# Characters of a span of rows.
CHARACTERS = 1 << 18

# Characters of the longest row that the kernels encode.
_LONGEST = 1 << 26


@dataclass(frozen=True)
class BareRows:
    """tokens, unknown  (rows,) int64
    ids     (tokens,) int32, row after row; empty where only counts were wanted
    """

    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]
    ids: NDArray[np.int32]


class RowEncoder:
    """Encodes rows and keeps the ids of their chunks, for one thread.

    most      chunks that it keeps before it drops all of them
    with_ids  whether ids are wanted, or just their number
    """

    def __init__(self, encoder: ChunkEncoder, most: int, with_ids: bool) -> None:
        self._encoder = encoder
        self._most = most
        self._with_ids = with_ids
        self._before = cuts_before(encoder.cuts)
        self._empty = encoder.tokenizer.bare_ids([""])[0]
        self._table = ByteTable()
        self._buffers = _Buffers(0)
        self._reset()

    def _reset(self) -> None:
        """Drop all chunks and keep the memory of the table."""
        self._table.clear()
        self._sizes = _Growing(2, np.int32)
        self._offsets = _Growing(1, np.int64)
        self._ids = _Growing(1, np.int32)

    def encode(self, texts: Sequence[str] | Strings) -> BareRows:
        """The rows as `tokenizers` encodes them without special tokens.

        Raises `NotText` for what is no text, and `InputError` where the tokenizer fails on one.
        """
        # before a span, never within: numbers of chunks that were dropped would point to nothing
        if len(self._table) > self._most:
            self._reset()
        rows, apart = _rows_of(texts)
        numbers, row_ends, new = self._number_chunks(rows)
        if len(new):
            self._learn(new)
        measured = np.empty((len(texts), 2), np.int64)
        sizes = self._sizes.filled
        row_kernels.measure_rows(numbers, row_ends, sizes, measured)
        # some models give tokens for an empty text; a row without chunks is then encoded as a whole
        if self._empty:  # of a row without chunks
            measured[np.diff(row_ends, prepend=0) == 0, 0] = row_kernels.WHOLE
        measured[apart, 0] = row_kernels.WHOLE
        whole = measured[:, 0] == row_kernels.WHOLE
        encoded_whole = self._encode_whole(texts, whole, measured) if whole.any() else []
        ids = np.empty(0, np.int32)
        if self._with_ids:
            row_offsets = np.concatenate(([0], np.cumsum(measured[:, 0])))
            ids = np.empty(int(row_offsets[-1]), np.int32)
            row_kernels.gather_rows(
                numbers=numbers,
                row_ends=row_ends,
                sizes=sizes,
                offsets=self._offsets.filled[:, 0],
                chunk_ids=self._ids.filled[:, 0],
                row_offsets=row_offsets,
                whole=whole,
                ids=ids,
            )
            for row, row_ids in zip(np.flatnonzero(whole).tolist(), encoded_whole, strict=True):
                ids[row_offsets[row] : row_offsets[row + 1]] = row_ids
        return BareRows(measured[:, 0], measured[:, 1], ids)

    def _number_chunks(self, rows: Strings) -> tuple[NDArray[np.int32], NDArray[np.int64], Strings]:
        """The numbers of the chunks of all rows, how many there are up to each row's end, and new chunks."""
        size = rows.size
        if size > self._buffers.size:
            self._buffers = _Buffers(size)
        buffers, table = self._buffers, self._table
        row_ends, state = np.zeros(len(rows), np.int64), np.zeros(4, np.int64)
        while True:
            reason = row_kernels.number_chunks(
                data=rows.data,
                starts=rows.starts,
                ends=rows.ends,
                cuts=self._before,
                slots=table.slots,
                arena=table.arena,
                usage=table.usage,
                numbers=buffers.numbers,
                row_ends=row_ends,
                new=buffers.new,
                bounds=buffers.bounds,
                state=state,
            )
            if reason == chunk_kernels.FINISHED:
                break
            table.reserve(len(table) // 2 + 1, rows.take(slice(int(state[row_kernels.ROW]), None)).size)
        chunks, new = int(state[row_kernels.CHUNKS]), int(state[row_kernels.NEW])
        strings = Strings(buffers.new, buffers.bounds[:new], buffers.bounds[1 : new + 1])
        return buffers.numbers[:chunks], row_ends, strings

    def _learn(self, chunks: Strings) -> None:
        encoded = self._encoder.encode(chunks)
        self._sizes.add(encoded.sizes)
        if self._with_ids:
            self._offsets.add((encoded.offsets + len(self._ids.filled))[:, None])
            self._ids.add(encoded.ids[:, None])

    def _encode_whole(
        self, texts: Sequence[str] | Strings, whole: NDArray[np.bool_], measured: NDArray[np.int64]
    ) -> list[list[int]]:
        """The ids of rows that `tokenizers` encodes; their numbers of tokens are written to ``measured``."""
        rows = np.flatnonzero(whole)
        row_texts = (
            texts.take(rows).to_list() if isinstance(texts, Strings) else [texts[i] for i in rows.tolist()]
        )
        encoded = self._encoder.tokenizer.bare_ids(row_texts)
        measured[rows, 0] = [len(ids) for ids in encoded]
        measured[rows, 1] = [ids.count(self._encoder.unknown) for ids in encoded]
        return encoded


class _Buffers:
    """What `number_chunks` fills, for up to ``size`` bytes; pages that are not filled take no memory."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.numbers = zeros(size, np.int32)
        self.new = zeros(size + PADDING, np.uint8)
        self.bounds = zeros(size + 1, np.int64)


class _Growing:
    """Rows of an array, added to at the end."""

    def __init__(self, width: int, dtype: type) -> None:
        self._values: NDArray[Any] = np.empty((0, width), dtype)
        self._used = 0

    @property
    def filled(self) -> NDArray[Any]:
        return self._values[: self._used]

    def add(self, values: NDArray[Any]) -> None:
        end = self._used + len(values)
        if end > len(self._values):
            width, dtype = self._values.shape[1], self._values.dtype
            capacity = max(2 * len(self._values), end)
            grown = zeros(capacity * width, dtype.type).reshape(capacity, width)
            grown[: self._used] = self.filled
            self._values = grown
        self._values[self._used : end] = values
        self._used = end


class NotText(Exception):
    """A row that cannot be written as UTF-8."""


def spans(sizes: NDArray[np.int64]) -> Iterator[slice]:
    """Spans of rows of about a quarter of a million characters; ``sizes`` are the characters of each row."""
    # + 1 for the NUL behind each row, so that a span of empty rows ends, too
    ends = np.cumsum(sizes + 1)
    first = 0
    while first < len(ends):
        start = ends[first - 1] if first else 0
        stop = max(first + 1, int(np.searchsorted(ends, start + CHARACTERS, "right")))
        yield slice(first, stop)
        first = stop


def _rows_of(texts: Sequence[str] | Strings) -> tuple[Strings, list[int]]:
    """The texts as a column. Those that contain a NUL, or are too long, are empty there; their rows.

    Raises `NotText` for a text with half a surrogate pair, and for what is no text at all.
    """
    if isinstance(texts, Strings):
        too_long = texts.ends - texts.starts > _LONGEST
        return Strings(texts.data, texts.starts, np.where(too_long, texts.starts, texts.ends)), list(
            np.flatnonzero(too_long)
        )
    try:
        # `encode` below raises for a lone surrogate; `tokenizers` then reports the row
        joined = "\0".join([*texts, ""])
        apart: list[int] = []
        # counting in the joined text takes one pass in C; the rows are looked at one by one only then
        if joined.count("\0") > len(texts) or len(joined) > _LONGEST:
            apart = [i for i, text in enumerate(texts) if "\0" in text or len(text) > _LONGEST]
            empty = set(apart)
            joined = "\0".join([*("" if i in empty else text for i, text in enumerate(texts)), ""])
        return Strings.split(joined.encode(), 0).head(len(texts)), apart
    except (UnicodeEncodeError, TypeError) as error:
        raise NotText from error
