"""Pieces and counts in Parquet files, spread over partitions so that each can be added up by itself.

A *run* is one table of counts, a row group for each partition. A *part* is one partition of the sum of all
runs: every piece once, sorted by its bytes, and the same file whatever runs it is the sum of.
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
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
# of so many pieces one, to find ranges
_SAMPLE_EVERY = 256

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
        with _writer(file) as writer:
            for partition in range(PARTITIONS):
                if stopped():
                    break
                batch = _batch(pieces, order[bounds[partition] : bounds[partition + 1]])
                _write_row_group(writer, [batch])
        file.flush()
        os.fsync(file.fileno())


def write_part(path: Path, ranges: Iterable[StringCounts]) -> None:
    """Write a part: the pieces of a partition, in ranges of which each is before the next. Raises OSError.

    The file is the same whatever the ranges are.
    """
    with open(path, "xb") as file, _writer(file) as writer:
        # the batches of a row group that may go on in the next range, their rows and bytes
        waiting: list[Any] = []
        rows = size = 0
        for pieces in ranges:
            order = sorted_order(pieces.strings)
            ends = np.cumsum((pieces.strings.ends - pieces.strings.starts)[order])
            start = before = 0
            while (stop := _row_group_end(ends, start, rows, before - size)) < len(order):
                waiting.append(_batch(pieces, order[start:stop]))
                _write_row_group(writer, waiting)
                start, before = stop, int(ends[stop - 1]) if stop else 0
                waiting, rows, size = [], 0, 0
            waiting.append(_batch(pieces, order[start:]))
            rows += len(order) - start
            size += int(ends[-1]) - before if len(order) else 0
        if rows:
            _write_row_group(writer, waiting)


def size_of(path: Path, row_groups: Sequence[int] | None = None) -> tuple[int, int]:
    """Pieces, and about the bytes, of a run or part, or of some of its row groups, unpacked.

    Raises `InputError` where it is damaged.
    """
    with _damage_reported(path):
        metadata = pq.read_metadata(path)
        if row_groups is not None and metadata.num_row_groups != PARTITIONS:
            raise InputError(f"{path}: has {metadata.num_row_groups} row groups instead of {PARTITIONS}")
        numbers = range(metadata.num_row_groups) if row_groups is None else row_groups
        groups = [metadata.row_group(number) for number in numbers]
        return sum(group.num_rows for group in groups), sum(group.total_byte_size for group in groups)


def bounds_of(sorted_batches: Iterable[StringCounts], ranges: int) -> list[bytes]:
    """Pieces that part all of them into so many ranges, at most, of about as many each."""
    sample = sorted(
        _piece(batch, row) for batch in sorted_batches for row in range(0, len(batch), _SAMPLE_EVERY)
    )
    return sorted({sample[len(sample) * i // ranges] for i in range(1, ranges)}) if sample else []


def within(batch: StringCounts, first: bytes | None, end: bytes | None) -> StringCounts:
    """The pieces of a sorted batch from ``first`` on and before ``end``."""
    rows, key = range(len(batch)), partial(_piece, batch)
    low = 0 if first is None else bisect.bisect_left(rows, first, key=key)
    high = len(batch) if end is None else bisect.bisect_left(rows, end, key=key)
    return StringCounts(batch.strings.take(slice(low, high)), batch.counts[low:high])


def _piece(batch: StringCounts, row: int) -> bytes:
    return batch.strings.data[batch.strings.starts[row] : batch.strings.ends[row]].tobytes()


def batches(path: Path, row_groups: Sequence[int] | None = None) -> Iterator[StringCounts]:
    """The content of a run or part, or of some of its row groups, at most 65,536 pieces at a time.

    Raises `InputError` where it is damaged.
    """
    with _damage_reported(path), pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(SCHEMA):
            raise InputError(f"{path}: its columns are not piece (string) and count (int64)")
        for batch in file.iter_batches(ROWS, row_groups=row_groups, use_threads=False):
            yield _string_counts(path, batch)


def row_groups_of(path: Path) -> int:
    """How many row groups a run or part has. Raises `InputError` where it is damaged."""
    with _damage_reported(path):
        return int(pq.read_metadata(path).num_row_groups)


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeError) as error:  # names of columns are read as UTF-8
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def _writer(file: IO[bytes]) -> Any:
    # settings that every version of pyarrow turns into the same bytes
    encoding = {"use_dictionary": False, "write_statistics": False}
    return pq.ParquetWriter(file, SCHEMA, compression="zstd", compression_level=3, **encoding)


def _batch(pieces: StringCounts, order: NDArray[np.int64]) -> Any:
    strings = _as_arrow(pieces.strings).take(pa.array(order)).cast(pa.string())
    return pa.record_batch([strings, pa.array(pieces.counts[order])], schema=SCHEMA)


def _write_row_group(writer: Any, batches: Sequence[Any]) -> None:
    batch = batches[0] if len(batches) == 1 else pa.concat_batches(batches)
    # by default pyarrow begins another row group after 1,048,576 rows
    writer.write_batch(batch, row_group_size=max(1, batch.num_rows))


def _row_group_end(ends: NDArray[np.int64], start: int, rows: int, before: int) -> int:
    """Where the row group ends that goes on at ``start`` and has ``rows`` rows already.

    ends    bytes of the pieces up to each one
    before  that sum where the row group begins; below 0 for one that begins in an earlier range
    """
    stop = int(np.searchsorted(ends, before + BYTES, side="right"))
    # a piece that is larger than a row group has one of its own
    return max(min(stop, start + ROWS - rows), start + (rows == 0))


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
