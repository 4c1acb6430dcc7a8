"""Pieces and counts in Parquet files, spread over partitions so that each can be added up by itself.

A *run* is one table of counts as it was written, a row group for each partition. A *part* is one partition
of everything: every piece once, sorted by its bytes, and the same file whatever runs it was made from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokkit.errors import InputError
from tokkit.runtime.byte_table import PADDING, ByteTable, Pieces

PARTITIONS = 16
SCHEMA = pa.schema([("piece", pa.string()), ("count", pa.int64())])
ROWS, BYTES = 1 << 16, 1 << 24
"""Most rows, and bytes of their pieces, in a row group of a part (a longer piece stands alone)."""

_K1, _K2, _K3 = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93))


def part_name(partition: int) -> str:
    """The file name of a part."""
    return f"part-{partition:02}.parquet"


def partitions_of(pieces: Pieces) -> NDArray[np.uint8]:
    """(n,) the partition of every piece, by its length and its first and last eight bytes."""
    lengths = np.diff(pieces.offsets)
    last = np.where(lengths > 8, pieces.offsets[1:] - 8, pieces.offsets[:-1])
    mixed = _first_bytes(pieces) * _K1
    mixed ^= _words_at(pieces, last, np.minimum(lengths, 8)) * _K2
    mixed ^= lengths.astype(np.uint64) * _K3
    mixed ^= mixed >> np.uint64(32)
    return ((mixed * _K1) >> np.uint64(60)).astype(np.uint8)


def sorted_order(pieces: Pieces) -> NDArray[np.int64]:
    """(n,) the numbers of the pieces in the order of their bytes.

    Their first eight bytes decide between most of them, as one number each; the rest is Arrow's to sort.
    """
    keys = _first_bytes(pieces).byteswap()
    order = np.argsort(keys)
    equal = keys[order[1:]] == keys[order[:-1]]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if len(tied):
        strings = _strings(pieces).take(pa.array(order[tied]))
        order[tied] = order[tied][pc.sort_indices(strings).to_numpy()]
    return order


def write_run(path: Path, pieces: Pieces, stopped: Callable[[], bool]) -> None:
    """A run on the disk itself. Gives up half way once ``stopped`` says so. Raises OSError."""
    order = sorted_order(pieces)
    partitions = partitions_of(pieces)[order]
    order = order[np.argsort(partitions, kind="stable")]
    bounds = np.searchsorted(np.sort(partitions), np.arange(PARTITIONS + 1))
    with open(path, "xb") as file:
        _write(file, pieces, (order[bounds[i] : bounds[i + 1]] for i in range(PARTITIONS)), stopped)
        os.fsync(file.fileno())


def write_part(path: Path, pieces: Pieces) -> None:
    """A part: all pieces of one partition. Raises OSError."""
    order = sorted_order(pieces)
    with open(path, "xb") as file:
        _write(file, pieces, _row_groups(pieces, order), lambda: False)


def added_up(batches: Iterable[Pieces], stopped: Callable[[], bool]) -> ByteTable:
    """The sums of the counts of several runs; unfinished once ``stopped`` says so."""
    table = ByteTable()
    for batch in batches:
        if stopped():
            break
        table.add(batch)
    return table


def batches(path: Path, row_groups: Sequence[int] | None = None) -> Iterator[Pieces]:
    """What stands in a run or part, or in some of its row groups, at most 65,536 pieces at a time.

    Raises `InputError` where it is damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(SCHEMA):
                raise InputError(f"{path}: its columns are not piece (string) and count (int64)")
            for batch in file.iter_batches(ROWS, row_groups=row_groups, use_threads=False):
                yield _pieces(path, batch)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def row_groups_of(path: Path) -> int:
    """How many row groups a run or part has. Raises `InputError` where it is damaged."""
    try:
        return int(pq.read_metadata(path).num_row_groups)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def _write(
    file: IO[bytes], pieces: Pieces, groups: Iterable[NDArray[np.int64]], stopped: Callable[[], bool]
) -> None:
    strings = _strings(pieces)
    settings = {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": False,
        "write_statistics": False,
    }
    with pq.ParquetWriter(file, SCHEMA, **settings) as writer:
        for group in groups:
            if stopped():
                break
            columns = [strings.take(pa.array(group)).cast(pa.string()), pa.array(pieces.counts[group])]
            writer.write_batch(pa.record_batch(columns, schema=SCHEMA))
    file.flush()


def _row_groups(pieces: Pieces, order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    ends = np.cumsum(np.diff(pieces.offsets)[order])
    start = 0
    while start < len(order):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + BYTES, side="right"))
        stop = max(start + 1, min(stop, start + ROWS))
        yield order[start:stop]
        start = stop


def _strings(pieces: Pieces) -> Any:
    offsets, data = pa.py_buffer(pieces.offsets), pa.py_buffer(pieces.data)
    return pa.LargeStringArray.from_buffers(len(pieces), offsets, data)


def _pieces(path: Path, batch: Any) -> Pieces:
    strings, counts = batch.columns
    batch.validate(full=True)
    if strings.null_count or counts.null_count or (len(counts) and pc.min(counts).as_py() < 1):
        raise InputError(f"{path}: holds a piece without a count")
    _, bounds, content = strings.buffers()
    offsets = np.frombuffer(bounds, np.int32)[strings.offset : strings.offset + len(strings) + 1].astype(
        np.int64
    )
    first, end = int(offsets[0]), int(offsets[-1])
    data = np.zeros(end - first + PADDING, np.uint8)
    if end > first:
        data[: end - first] = np.frombuffer(content, np.uint8)[first:end]
    return Pieces(data, offsets - first, counts.to_numpy(zero_copy_only=False))


def _first_bytes(pieces: Pieces) -> NDArray[np.uint64]:
    return _words_at(pieces, pieces.offsets[:-1], np.minimum(np.diff(pieces.offsets), 8))


def _words_at(pieces: Pieces, at: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The bytes from each place on, at most eight, as one number, the first one lowest."""
    every = np.ndarray((len(pieces.data) - 7,), np.dtype("<u8"), pieces.data.data, strides=(1,))
    shifts = (8 * (8 - lengths)).astype(np.uint64)
    words: NDArray[np.uint64] = np.where(lengths > 0, (every[at] << shifts) >> shifts, 0).astype(np.uint64)
    return words
