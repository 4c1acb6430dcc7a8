"""Pieces and counts in Parquet files, spread over partitions so that each can be added up by itself.

A *run* is one table of counts, a row group for each partition. A *part* is one partition of the sum of all
runs: every piece once, sorted by its bytes, and the same file whatever runs it is the sum of.
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
from tokkit.runtime.byte_table import StringCounts
from tokkit.runtime.strings import Strings

# part of the format of counts folders: another number changes which part a piece belongs to
PARTITIONS = 16
SCHEMA = pa.schema([("piece", pa.string()), ("count", pa.int64())])
# Most rows, and bytes of their pieces, in a row group of a part (a longer piece has one of its own).
ROWS, BYTES = 1 << 16, 1 << 24

_K1, _K2, _K3 = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93))


def part_name(partition: int) -> str:
    """The file name of a part."""
    return f"part-{partition:02}.parquet"


def partitions_of(strings: Strings) -> NDArray[np.uint8]:
    """(n,) the partition of every string, by its length and its first and last eight bytes."""
    # no hash of all bytes: pieces that share both ends and the length share a partition, which only makes
    # that one larger
    lengths = strings.ends - strings.starts
    last = np.where(lengths > 8, strings.ends - 8, strings.starts)
    mixed = _first_bytes(strings) * _K1
    mixed ^= _words_at(strings, last, np.minimum(lengths, 8)) * _K2
    mixed ^= lengths.astype(np.uint64) * _K3
    mixed ^= mixed >> np.uint64(32)
    return ((mixed * _K1) >> np.uint64(60)).astype(np.uint8)


def sorted_order(strings: Strings) -> NDArray[np.int64]:
    """(n,) the indices of the strings, which lie end to end, in the order of their bytes."""
    # The first eight bytes, as one big-endian number each, decide between most; Arrow sorts the rest.
    keys = _first_bytes(strings).byteswap()
    order = np.argsort(keys)
    equal = keys[order[1:]] == keys[order[:-1]]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if len(tied):
        column = _as_arrow(strings).take(pa.array(order[tied]))
        order[tied] = order[tied][pc.sort_indices(column).to_numpy()]
    return order


def write_run(path: Path, pieces: StringCounts, stopped: Callable[[], bool]) -> None:
    """Write a run and sync it to the disk; ends half way once ``stopped`` says so. Raises OSError."""
    order = sorted_order(pieces.strings)
    partitions = partitions_of(pieces.strings)[order]
    # stable, so that pieces stay sorted within their partition
    order = order[np.argsort(partitions, kind="stable")]
    bounds = np.searchsorted(np.sort(partitions), np.arange(PARTITIONS + 1))
    with open(path, "xb") as file:
        _write(file, pieces, (order[bounds[i] : bounds[i + 1]] for i in range(PARTITIONS)), stopped)
        os.fsync(file.fileno())


def write_part(path: Path, pieces: StringCounts) -> None:
    """Write a part: all pieces of one partition. Raises OSError."""
    order = sorted_order(pieces.strings)
    with open(path, "xb") as file:
        _write(file, pieces, _row_groups(pieces.strings, order), lambda: False)


def batches(path: Path, row_groups: Sequence[int] | None = None) -> Iterator[StringCounts]:
    """The content of a run or part, or of some of its row groups, at most 65,536 pieces at a time.

    Raises `InputError` where it is damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(SCHEMA):
                raise InputError(f"{path}: its columns are not piece (string) and count (int64)")
            for batch in file.iter_batches(ROWS, row_groups=row_groups, use_threads=False):
                yield _string_counts(path, batch)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def row_groups_of(path: Path) -> int:
    """How many row groups a run or part has. Raises `InputError` where it is damaged."""
    try:
        return int(pq.read_metadata(path).num_row_groups)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def _write(
    file: IO[bytes], pieces: StringCounts, groups: Iterable[NDArray[np.int64]], stopped: Callable[[], bool]
) -> None:
    strings = _as_arrow(pieces.strings)
    # settings that every version of pyarrow turns into the same bytes
    encoding = {"use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(file, SCHEMA, compression="zstd", compression_level=3, **encoding) as writer:
        for group in groups:
            if stopped():
                break
            columns = [strings.take(pa.array(group)).cast(pa.string()), pa.array(pieces.counts[group])]
            writer.write_batch(pa.record_batch(columns, schema=SCHEMA))
    file.flush()


def _row_groups(strings: Strings, order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    ends = np.cumsum((strings.ends - strings.starts)[order])
    start = 0
    while start < len(order):
        before = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, before + BYTES, side="right"))
        stop = max(start + 1, min(stop, start + ROWS))
        yield order[start:stop]
        start = stop


def _as_arrow(strings: Strings) -> Any:
    """Strings that lie end to end, as a `pa.LargeStringArray` of the same memory."""
    offsets = np.append(strings.starts, strings.ends[-1:]) if len(strings) else np.zeros(1, np.int64)
    return pa.LargeStringArray.from_buffers(len(strings), pa.py_buffer(offsets), pa.py_buffer(strings.data))


def _string_counts(path: Path, batch: Any) -> StringCounts:
    strings, counts = batch.columns
    batch.validate(full=True)
    if strings.null_count or counts.null_count or (len(counts) and pc.min(counts).as_py() < 1):
        raise InputError(f"{path}: holds a piece without a count")
    columns = Strings.of_arrow(strings.cast(pa.large_string()))
    return StringCounts(columns, counts.to_numpy(zero_copy_only=False).copy())


def _first_bytes(strings: Strings) -> NDArray[np.uint64]:
    return _words_at(strings, strings.starts, np.minimum(strings.ends - strings.starts, 8))


def _words_at(strings: Strings, at: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The bytes from each offset on, at most eight, as one number, the first byte lowest."""
    # a view of the eight bytes from every offset on
    windows = np.ndarray((len(strings.data) - 7,), np.dtype("<u8"), strings.data.data, strides=(1,))
    shifts = (8 * (8 - lengths)).astype(np.uint64)
    words: NDArray[np.uint64] = np.where(lengths > 0, (windows[at] << shifts) >> shifts, 0).astype(np.uint64)
    return words
