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
from tokkit.corpus.chunks import chunk_buffer, cuts_before
from tokkit.runtime.byte_table import ByteTable, zeros
from tokkit.runtime.kernels import PADDING
from tokkit.runtime.strings import Strings
from tokkit.tokenizer.encoding import row_kernels
from tokkit.tokenizer.encoding.chunk_encoder import ChunkEncoder

# Chunks that all threads together remember: about 80 bytes each.
DISTINCT = 900_000

# Characters of a span of rows.
CHARACTERS = 1 << 20

# Characters of the longest row that the kernels encode.
_LONGEST = 1 << 26


@dataclass(frozen=True)
class BareRows:
    """tokens   (rows,) int64
    unknown  (rows,) int64, where only counts were wanted
    ids      (tokens,) int32, row after row; empty where only counts were wanted. A view of a buffer that is
             overwritten when the second batch after these rows is encoded: pairs need both.
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
        self._before, self._ahead = cuts_before(encoder.cuts), chunk_buffer()
        self._empty = encoder.tokenizer.bare_ids([""])[0]
        self._table = ByteTable()
        self._buffers = _Buffers(0)
        self._written, self._written_before = np.empty((2, CHARACTERS), np.int32)
        self._reset()

    def _reset(self) -> None:
        """Drop all chunks and keep the memory of the table."""
        self._table.clear()
        self._sizes = _Growing(2, np.int32)
        self._packed = _Growing(1, np.uint64)
        self._lists = _Growing(1, np.int32)

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
        ids, measured = np.empty(0, np.int32), np.zeros((len(texts), 2), np.int64)
        if self._with_ids:
            ids = self._write_rows(numbers, row_ends, measured[:, 0])
        else:
            row_kernels.measure_rows(numbers, row_ends, self._sizes.filled, measured)
        # some models give tokens for an empty text; a row without chunks is then encoded as a whole
        if self._empty:  # of a row without chunks
            measured[np.diff(row_ends, prepend=0) == 0, 0] = row_kernels.WHOLE
        measured[apart, 0] = row_kernels.WHOLE
        whole = np.flatnonzero(measured[:, 0] == row_kernels.WHOLE)
        if len(whole):
            encoded = self._encoder.tokenizer.bare_ids(_row_texts(texts, whole))
            if self._with_ids:
                measured[whole, 0] = 0
                ids = _inserted(ids, np.cumsum(measured[:, 0])[whole], encoded)
            measured[whole, 0] = [len(row_ids) for row_ids in encoded]
            measured[whole, 1] = [row_ids.count(self._encoder.unknown) for row_ids in encoded]
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
                ahead=self._ahead,
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
        if not self._with_ids:
            self._sizes.add(encoded.sizes)
            return
        packed = np.empty(len(chunks), np.uint64)
        lists = np.empty(len(encoded.ids) + len(chunks), np.int32)
        before = len(self._lists.filled)
        written = row_kernels.pack_chunks(encoded.sizes, encoded.offsets, encoded.ids, packed, lists, before)
        self._packed.add(packed[:, None])
        self._lists.add(lists[:written, None])

    def _write_rows(
        self, numbers: NDArray[np.int32], row_ends: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """The ids of all rows that are not encoded whole; ``lengths``, (rows,), are filled."""
        packed, lists = self._packed.filled[:, 0], self._lists.filled[:, 0]
        self._written, self._written_before = self._written_before, self._written
        row = end = 0
        while True:
            row, end = row_kernels.write_rows(
                numbers, row_ends, packed, lists, row, end, self._written, lengths
            )
            if row == len(row_ends):
                return self._written[:end]
            grown = np.empty(2 * len(self._written), np.int32)
            grown[:end] = self._written[:end]
            self._written = grown


def _row_texts(texts: Sequence[str] | Strings, rows: NDArray[np.int64]) -> list[str]:
    return texts.take(rows).to_list() if isinstance(texts, Strings) else [texts[i] for i in rows.tolist()]


def _inserted(
    ids: NDArray[np.int32], positions: NDArray[np.int64], rows: Sequence[Sequence[int]]
) -> NDArray[np.int32]:
    """The ids with those of more rows at their positions."""
    parts = [np.asarray(row, np.int32) for row in rows]
    between = np.split(ids, positions)
    return np.concatenate(
        [between[0], *(part for both in zip(parts, between[1:], strict=True) for part in both)]
    )


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
    """Spans of rows of about a million characters; ``sizes`` are the characters of each row."""
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
