"""Encoded rows as Parquet or Arrow files: one row for each of the data set, in its place.

input_ids       list<int32>, null where a row has no text
token_type_ids  list<int8>, where rows are pairs
length          int32, 0 where a row has no text
label           string, where the data set has labels; null where a row has none
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tokkit.data.encoding.encode_options import PARQUET
from tokkit.data.encoding.parts import EncodedPart

# Rows of a row group or record batch.
_ROWS = 1 << 13


def write_rows(part: EncodedPart, path: Path, output_format: str) -> None:
    """Write a part as one file. Raises OSError."""
    table = _table(part)
    if output_format == PARQUET:
        # a dictionary of ids only takes time; of the four bytes of an id two are zero, and compress well once
        # they lie next to each other
        pq.write_table(
            table,
            path,
            row_group_size=_ROWS,
            compression="zstd",
            compression_level=1,
            use_dictionary=False,
            write_statistics=False,
            column_encoding={"input_ids.list.element": "BYTE_STREAM_SPLIT"},
        )
        return
    # without compression, so that readers map it into memory
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=_ROWS)


def _table(part: EncodedPart) -> Any:
    lengths = part.lengths
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    columns = {"input_ids": _lists(part.ids.ids, offsets, part.missing)}
    if part.ids.segments is not None:
        columns["token_type_ids"] = _lists(part.ids.segments, offsets, part.missing)
    columns["length"] = pa.array(lengths.astype(np.int32))
    if part.labels is not None:
        columns["label"] = pa.concat_arrays([column.series().to_arrow() for column in part.labels])
    return pa.table(columns)


def _lists(values: NDArray[Any], offsets: NDArray[np.int32], missing: NDArray[np.bool_]) -> Any:
    mask = pa.array(missing) if missing.any() else None
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values), mask=mask)
