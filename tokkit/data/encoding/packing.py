"""Documents packed into sequences of one length, and the files that these are written to.

A document longer than a sequence is parted; all other documents stay whole. Sequences are in random order,
since packing sorts documents by length.

NumPy, each pair of files about 64 million tokens:

    train-00000.tokens.npy   (sequences, length) uint16 or uint32, the pad token behind the last document
    train-00000.index.npy    (pieces, 4) int64, in the order of the tokens: sequence in this file, start in
                             it, tokens, document (row of the split)

Megatron (`megatron.core.datasets.indexed_dataset`):

    train.bin, train.idx     its sequences are pieces of documents, its documents the packed sequences
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.encoding import packing_kernels
from tokkit.data.encoding.parts import EncodedPart

# Tokens of a file of packed sequences.
_FILE = 1 << 26

# The numbers of types in an index of Megatron, which has no uint32.
_MEGATRON_TYPES = {"uint16": 8, "int32": 4}


@dataclass(frozen=True)
class Packed:
    """Pieces of documents in the order of their sequences.

    documents  (pieces,) int64: the document of each
    starts     (pieces,) int64: where in its document each begins
    lengths    (pieces,) int64
    sequences  (pieces,) int64, ascending from 0
    capacity   tokens of a sequence
    """

    documents: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    sequences: NDArray[np.int64]
    capacity: int

    @property
    def rows(self) -> int:
        """Sequences."""
        return int(self.sequences[-1]) + 1 if len(self.sequences) else 0

    @property
    def tokens(self) -> int:
        """Tokens of documents."""
        return int(self.lengths.sum())

    def firsts(self) -> NDArray[np.int64]:
        """(rows + 1,) the first piece of every sequence, and the number of pieces."""
        return np.searchsorted(self.sequences, np.arange(self.rows + 1))

    def at(self) -> NDArray[np.int64]:
        """(pieces,) where in its sequence each begins."""
        ends = np.cumsum(self.lengths)
        before = np.concatenate(([0], ends))[self.firsts()[:-1]]
        starts: NDArray[np.int64] = ends - self.lengths - before[self.sequences]
        return starts


def pack(lengths: NDArray[np.int64], capacity: int, seed: int) -> Packed:
    """Documents of these ``lengths`` packed by best fit; those of length 0 are left out.

    Source: Ding et al. 2024, "Fewer Truncations Improve Language Modeling".
    """
    number = -(-lengths // capacity)
    documents = np.repeat(np.arange(len(lengths)), number)
    within = np.arange(len(documents)) - np.repeat(np.cumsum(number) - number, number)
    starts = within * capacity
    sizes = np.minimum(lengths[documents] - starts, capacity)
    order = np.argsort(-sizes, kind="stable")
    sequences = np.empty(len(sizes), np.int64)
    count = packing_kernels.best_fit(
        lengths=sizes[order],
        capacity=capacity,
        with_space=np.full(capacity + 1, -1, np.int64),
        next_sequence=np.empty(len(sizes), np.int64),
        spaces=np.zeros(capacity // 64 + 1, np.uint64),
        sequences=sequences,
    )
    sequences = np.random.Generator(np.random.PCG64(seed)).permutation(count)[sequences]
    by_sequence = np.argsort(sequences, kind="stable")
    order = order[by_sequence]
    return Packed(documents[order], starts[order], sizes[order], sequences[by_sequence], capacity)


def dtype_for(vocab_size: int) -> np.dtype[Any]:
    """The smallest type that holds the ids of a vocabulary."""
    return np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)


@dataclass(frozen=True)
class RawParts:
    """The ids of the documents of one split, in files: of each part the ids, and the lengths of documents.

    ids         memory maps, one for each part
    lengths     (documents,) int64
    part_of     (documents,) int64
    offsets     (documents,) int64: where in the ids of its part each begins
    """

    ids: Sequence[NDArray[Any]]
    lengths: NDArray[np.int64]
    part_of: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @classmethod
    def read(cls, files: Sequence[tuple[Path, Path]]) -> RawParts:
        """The files that `write_raw` wrote."""
        lengths = [np.load(path) for _, path in files]
        offsets = [np.cumsum(part) - part for part in lengths]
        return cls(
            ids=[np.load(path, mmap_mode="r") for path, _ in files],
            lengths=np.concatenate(lengths),
            part_of=np.repeat(np.arange(len(files)), [len(part) for part in lengths]),
            offsets=np.concatenate(offsets),
        )

    def copy(self, packed: Packed, pieces: slice, target: NDArray[Any], at: NDArray[np.int64]) -> None:
        """Copy the ids of some pieces to ``target``, each to its index ``at``."""
        documents = packed.documents[pieces]
        starts, lengths = self.offsets[documents] + packed.starts[pieces], packed.lengths[pieces]
        parts = self.part_of[documents]
        # part after part, so that each file is read once
        order = np.argsort(parts, kind="stable")
        bounds = np.searchsorted(parts[order], np.arange(len(self.ids) + 1))
        for i, ids in enumerate(self.ids):
            some = order[bounds[i] : bounds[i + 1]]
            if len(some):
                packing_kernels.copy_pieces(ids, starts[some], lengths[some], target, at[some])


def write_raw(part: EncodedPart, paths: Sequence[Path], dtype: np.dtype[Any], end: int | None) -> None:
    """Write the ids of a part, and the length of each row; ``end`` is put behind each row that has a text."""
    ids, lengths = part.ids.ids, part.lengths
    if end is not None:
        ids = np.insert(ids, part.ids.offsets[1:], end)
        lengths[~part.missing] += 1
    for path, values in zip(paths, (ids.astype(dtype), lengths), strict=True):
        np.save(path, values, allow_pickle=False)


def write_numpy(folder: Path, split: str, raw: RawParts, packed: Packed, pad: int) -> Iterator[int]:
    """Write the sequences as NumPy arrays; yields the tokens of each file. Raises OSError."""
    firsts, at = packed.firsts(), packed.at()
    step = max(1, _FILE // packed.capacity)
    for number, first in enumerate(range(0, packed.rows, step)):
        last = min(first + step, packed.rows)
        pieces = slice(firsts[first], firsts[last])
        rows = packed.sequences[pieces] - first
        tokens = np.full((last - first, packed.capacity), pad, raw.ids[0].dtype)
        raw.copy(packed, pieces, tokens.reshape(-1), rows * packed.capacity + at[pieces])
        index = np.stack([rows, at[pieces], packed.lengths[pieces], packed.documents[pieces]], axis=1)
        name = folder / f"{split}-{number:05}"
        np.save(f"{name}.tokens.npy", tokens, allow_pickle=False)
        np.save(f"{name}.index.npy", index, allow_pickle=False)
        yield tokens.size


def write_megatron(folder: Path, split: str, raw: RawParts, packed: Packed) -> Iterator[int]:
    """Write the sequences as Megatron does; yields the tokens of each step. Raises OSError."""
    firsts = packed.firsts()
    dtype = np.dtype(np.uint16 if raw.ids[0].dtype == np.uint16 else np.int32)
    step = max(1, _FILE // packed.capacity)
    with open(folder / f"{split}.bin", "wb") as file:
        for first in range(0, packed.rows, step):
            pieces = slice(firsts[first], firsts[min(first + step, packed.rows)])
            lengths = packed.lengths[pieces]
            tokens = np.empty(int(lengths.sum()), raw.ids[0].dtype)
            raw.copy(packed, pieces, tokens, np.cumsum(lengths) - lengths)
            file.write(tokens.astype(dtype).tobytes())
            yield len(tokens)
    pointers = (np.cumsum(packed.lengths) - packed.lengths) * dtype.itemsize
    with open(folder / f"{split}.idx", "wb") as file:
        file.write(b"MMIDIDX\x00\x00" + struct.pack("<QB", 1, _MEGATRON_TYPES[dtype.name]))
        file.write(struct.pack("<QQ", len(packed.lengths), len(firsts)))
        for values in (packed.lengths.astype("<i4"), pointers.astype("<i8"), firsts.astype("<i8")):
            file.write(values.tobytes())
