"""Hidden states of every row, written to Parquet a block at a time, so that memory stays bounded.

The blocks follow the order of the rows; within one, rows are computed sorted by length within the token
budget. Padding is masked, so neither changes a vector beyond rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.network.batching import batch_of, pieces_within
from tokkit.model.network.body import NONE, Body
from tokkit.progress import Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import torch
    from numpy.typing import NDArray

VECTOR, VECTORS, TOKENS = "vector", "vectors", "tokens"
METADATA = b"tokkit.features"
"""Key of the file's metadata under which stands how it was made, as JSON."""
BLOCK_BYTES = 64 * 2**20
"""Vectors that are held at once, as float32."""


@dataclass(frozen=True)
class Asked:
    """What is computed of each row, and with what.

    budget  tokens, padding included, computed at once
    """

    pooling: str
    layer: int
    dtype: str
    device: torch.device
    budget: int


def write_hidden_states(
    path: Path,
    rows: pl.DataFrame,
    labels: str,
    encoded: Encoded,
    body: Body,
    asked: Asked,
    progress: Progress,
) -> int:
    """Writes the rows with their vectors and gives their width; each block is a row group.

    rows     what stands beside the vectors, in the order of ``encoded``
    labels   what their labels are, as `rows.labels_of`

    One vector a row stands in the column ``vector`` (width numbers); with the pooling ``none`` there are
    ``tokens`` and ``vectors``, as many of either as the row has tokens. A row without a token has zeros.
    Raises `InputError` as `Body.check`, and for a vector that is not finite.
    """
    import polars as pl
    import pyarrow
    from pyarrow import parquet

    width = body.check(asked.device, asked.pooling, asked.layer)
    if not body.limits.segments:
        encoded = replace(encoded, segments=None)
    beside = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    made = {"model": Path(body.name).name, "pooling": asked.pooling, "layer": asked.layer, "width": width}
    made["labels"] = labels
    schema = beside.schema
    for name, kind in _columns(asked, width).items():
        schema = schema.append(pyarrow.field(name, kind))
    schema = schema.with_metadata({METADATA: json.dumps(made, sort_keys=True)})
    row_bytes = width * 4 * (encoded.lengths if asked.pooling == NONE else 1)
    with (
        parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=["label", "split"]) as writer,
        stage(progress, "computing hidden states", len(encoded), "rows"),
    ):
        for start, end in _blocks(row_bytes, len(encoded)):
            vectors = vectors_of(start, end, encoded, body, asked, width, progress)
            columns = _arrays(vectors, start, end, encoded, body, asked)
            table = pyarrow.Table.from_arrays([*beside[start:end].columns, *columns], schema=schema)
            writer.write_table(table, row_group_size=end - start)
    return width


def _columns(asked: Asked, width: int) -> dict[str, Any]:
    """The columns of vectors, by name, with their types."""
    import pyarrow

    number = pyarrow.float16() if asked.dtype == "float16" else pyarrow.float32()
    vector = pyarrow.list_(number, width)
    if asked.pooling == NONE:
        return {TOKENS: pyarrow.list_(pyarrow.string()), VECTORS: pyarrow.list_(vector)}
    return {VECTOR: vector}


def _blocks(row_bytes: NDArray[np.int64] | int, rows: int) -> Iterator[tuple[int, int]]:
    """First and one past the last row of each block, which is of `BLOCK_BYTES` or less, or of one row."""
    import numpy as np

    ends = np.cumsum(np.broadcast_to(row_bytes, rows))
    start = 0
    while start < rows:
        before = ends[start - 1] if start else 0
        end = max(int(np.searchsorted(ends, before + BLOCK_BYTES, "right")), start + 1)
        yield start, end
        start = end


def vectors_of(
    start: int, end: int, encoded: Encoded, body: Body, asked: Asked, width: int, progress: Progress
) -> NDArray[np.float32]:
    """(rows, width), or with the pooling ``none`` (tokens, width), in the order of rows and tokens."""
    import numpy as np
    import torch

    by_token = asked.pooling == NONE
    first = encoded.offsets[start]
    size = int(encoded.offsets[end] - first) if by_token else end - start
    vectors = np.zeros((size, width), dtype=np.float32)
    rows = np.arange(start, end)
    with torch.inference_mode():
        for piece in pieces_within(rows[encoded.lengths[rows] > 0], encoded.lengths, asked.budget):
            stop_if_cancelled(progress)
            batch = batch_of(encoded, piece, body.limits.pad_id)
            found = body.vectors(batch, asked.device, asked.pooling, asked.layer).float().cpu().numpy()
            if by_token:
                for row, its in zip(piece, found, strict=True):
                    place, n = encoded.offsets[row] - first, encoded.lengths[row]
                    vectors[place : place + n] = its[:n]
            else:
                vectors[piece - start] = found
            progress.advance(len(piece))
    return vectors


def _arrays(
    vectors: NDArray[np.float32], start: int, end: int, encoded: Encoded, body: Body, asked: Asked
) -> list[Any]:
    """The columns of `_columns` of one block; raises `InputError` for a number that is not finite."""
    import numpy as np
    import pyarrow

    with np.errstate(over="ignore"):
        numbers = vectors.astype(asked.dtype)
    if not np.isfinite(numbers).all():
        too_large = bool(np.isfinite(vectors).all())
        raise InputError(
            f"{body.name}: its hidden states hold "
            + ("numbers that are too large for float16" if too_large else "values that are no numbers"),
            hint="--dtype float32"
            if too_large
            else "the checkpoint may be damaged: load it with transformers",
        )
    column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(numbers.reshape(-1)), vectors.shape[1])
    if asked.pooling != NONE:
        return [column]
    offsets = (encoded.offsets[start : end + 1] - encoded.offsets[start]).astype(np.int32)
    ids = encoded.ids[encoded.offsets[start] : encoded.offsets[end]]
    distinct, which = np.unique(ids, return_inverse=True)
    names = [body.tokenizer.backend.id_to_token(int(id_)) for id_ in distinct]
    tokens = pyarrow.array(names, type=pyarrow.string()).take(pyarrow.array(which))
    return [
        pyarrow.ListArray.from_arrays(offsets, tokens),
        pyarrow.ListArray.from_arrays(offsets, column),
    ]
