"""Rows as bare token ids, before anything is put around them: every distinct chunk is encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.corpus import chunk_kernels
from tokkit.corpus.chunk_kernels import BEFORE
from tokkit.corpus.text_blocks import Block
from tokkit.runtime.byte_table import PADDING, ByteTable, Pieces, zeros
from tokkit.tokenizer.encoding import row_kernels
from tokkit.tokenizer.encoding.chunk_encoder import ChunkEncoder
from tokkit.tokenizer.encoding.reference import bare_ids
from tokkit.tokenizer.encoding.row_blocks import block_of

DISTINCT = 900_000
"""Chunks that all threads together remember: about 80 bytes each."""


@dataclass(frozen=True)
class BareRows:
    """tokens, unknown  (rows,) int64
    ids     (tokens,) int32, row after row; empty where only counts were wanted
    """

    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]
    ids: NDArray[np.int32]


class Remembered:
    """Encodes rows and remembers the chunks it met, for one thread.

    most      chunks that it remembers before it forgets them all
    with_ids  whether ids are wanted, or just their number
    """

    def __init__(self, encoder: ChunkEncoder, most: int, with_ids: bool) -> None:
        self._encoder = encoder
        self._most = most
        self._with_ids = with_ids
        self._before = np.zeros(33, np.bool_)
        self._before[[ord(character) for character in encoder.cuts]] = True
        self._empty = bare_ids([""], encoder.tokenizer)[0]
        self._table = ByteTable()
        self._room = _Room(0)
        self._forget()

    def _forget(self) -> None:
        """Everything, and keeps the memory."""
        self._table.clear()
        self._sizes = _Growing(2, np.int32)
        self._places = _Growing(1, np.int64)
        self._ids = _Growing(1, np.int32)

    def rows(self, texts: Sequence[str]) -> BareRows:
        """The rows as `tokenizers` encodes them without special tokens.

        Raises as `block_of` for what is no text, and `InputError` where the tokenizer fails on one.
        """
        if len(self._table) > self._most:
            self._forget()
        block, apart = block_of(texts)
        numbers, row_ends, fresh = self._numbered(block, len(texts))
        if len(fresh):
            self._learn(fresh)
        measured = np.empty((len(texts), 2), np.int64)
        sizes = self._sizes.filled
        row_kernels.measure_rows(numbers, row_ends, sizes, measured)
        if self._empty:  # a text of no chunk
            measured[np.diff(row_ends, prepend=0) == 0, 0] = row_kernels.ASKED
        measured[apart, 0] = row_kernels.ASKED
        asked = measured[:, 0] == row_kernels.ASKED
        theirs = self._ask(texts, asked, measured) if asked.any() else []
        ids = np.empty(0, np.int32)
        if self._with_ids:
            offsets = np.concatenate(([0], np.cumsum(measured[:, 0])))
            ids = np.empty(int(offsets[-1]), np.int32)
            places, chunk_ids = self._places.filled[:, 0], self._ids.filled[:, 0]
            row_kernels.gather_rows(numbers, row_ends, sizes, places, chunk_ids, offsets, asked, ids)
            for row, found in zip(np.flatnonzero(asked).tolist(), theirs, strict=True):
                ids[offsets[row] : offsets[row + 1]] = found
        return BareRows(measured[:, 0], measured[:, 1], ids)

    def _numbered(self, block: Block, rows: int) -> tuple[NDArray[np.int32], NDArray[np.int64], Pieces]:
        """Numbers of the chunks of all rows, how many there are up to each row's end, and the new chunks."""
        if block.size > self._room.size:
            self._room = _Room(block.size)
        room, table = self._room, self._table
        row_ends, state = np.zeros(rows, np.int64), np.array([BEFORE, 0, 0, 0])
        while True:
            reason = row_kernels.number_chunks(
                *(block.data, BEFORE + block.size, self._before, table.slots, table.arena, table.held),
                *(room.numbers, row_ends, room.fresh, room.bounds, state),
            )
            if reason == chunk_kernels.FINISHED:
                break
            table.make_room(len(table) // 2 + 1, BEFORE + block.size - int(state[row_kernels.AT]))
        chunks, new = int(state[row_kernels.CHUNKS]), int(state[row_kernels.FRESH])
        fresh = Pieces(room.fresh, room.bounds[: new + 1], np.empty(new, np.int64))
        return room.numbers[:chunks], row_ends, fresh

    def _learn(self, fresh: Pieces) -> None:
        found = self._encoder.encode(fresh)
        self._sizes.add(found.sizes)
        if self._with_ids:
            self._places.add((found.places + len(self._ids.filled))[:, None])
            self._ids.add(found.ids[:, None])

    def _ask(
        self, texts: Sequence[str], asked: NDArray[np.bool_], measured: NDArray[np.int64]
    ) -> list[list[int]]:
        rows = np.flatnonzero(asked)
        found = bare_ids([texts[row] for row in rows.tolist()], self._encoder.tokenizer)
        measured[rows, 0] = [len(ids) for ids in found]
        measured[rows, 1] = [ids.count(self._encoder.unknown) for ids in found]
        return found


class _Room:
    """What `number_chunks` fills, for up to ``size`` bytes; what is not filled takes no memory."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.numbers = zeros(size, np.int32)
        self.fresh = zeros(size + PADDING, np.uint8)
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
            room = max(2 * len(self._values), end)
            grown = zeros(room * width, dtype.type).reshape(room, width)
            grown[: self._used] = self.filled
            self._values = grown
        self._values[self._used : end] = values
        self._used = end
