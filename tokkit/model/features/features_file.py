"""The features file: a Parquet file with a row per text, and its vectors.

id, text, pair, label, split   the rows, of all splits one after another
vector                         (width,) per row
tokens, vectors                with the pooling ``none`` instead, one of each per token
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow
from numpy.typing import NDArray
from pyarrow import parquet

from tokkit.errors import InputError
from tokkit.files import Fields
from tokkit.model.network.hidden_states import Body, StatesOptions, hidden_states
from tokkit.progress import Progress, stage
from tokkit.runtime.panics import guarded
from tokkit.sources.formats.columnar import read_table
from tokkit.tokenizer.encoding.encode import Encoded

ID, TEXT, PAIR, LABEL, SPLIT = "id", "text", "pair", "label", "split"
VECTOR, VECTORS, TOKENS = "vector", "vectors", "tokens"
# Kinds of labels: one per row, several with ``|`` between, or a tag per token with spaces between.
ONE, SEVERAL, TAGS = "one", "several", "tags"

# Key in the file's metadata of what it was computed with, as JSON.
METADATA = b"tokkit.features"
# Vectors in memory at once, as float32.
BLOCK_BYTES = 64 * 2**20
# Rows read at a time.
_BATCH = 8192


@dataclass(frozen=True)
class FeaturesFile:
    """rows   everything but the vectors: id, text, pair, label, split
    model   name of the checkpoint the vectors are from
    width   numbers in a vector
    labels  kind of the labels: `ONE`, `SEVERAL` or `TAGS`
    """

    path: Path
    rows: pl.DataFrame
    model: str
    pooling: str
    layer: int
    width: int
    labels: str

    @classmethod
    def read(cls, path: Path) -> FeaturesFile:
        """A file that `features` wrote; raises `InputError` for any other."""
        with _arrow_errors(path), parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            names = [name for name in schema.names if name not in (VECTOR, VECTORS, TOKENS)]
            metadata = (schema.metadata or {}).get(METADATA)
            if metadata is None:
                raise InputError(
                    f"{path}: has no features; its columns are {', '.join(schema.names[:8])}",
                    hint="name the model before it, to compute them",
                )
            content = json.loads(metadata)
        rows = read_table(path, names)
        content = content if isinstance(content, dict) else {}
        recorded = Fields(path, content, hint="compute the features again")
        return cls(
            path,
            rows,
            model=recorded.text("model"),
            pooling=recorded.text("pooling"),
            layer=recorded.integer("layer", least=-(1 << 20)),
            width=recorded.integer("width", least=1),
            labels=recorded.text("labels"),
        )

    def vectors(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(rows, width) of all rows or those of these ascending indices; raises `InputError` as `read`."""
        wanted = np.arange(self.rows.height) if rows is None else rows
        vectors = np.empty((len(wanted), self.width), dtype=np.float32)
        start = done = 0
        with _arrow_errors(self.path), parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=[VECTOR]):
                # Batches and wanted rows both ascend: the wanted rows of a batch are one slice.
                upto = int(np.searchsorted(wanted, start + batch.num_rows))
                numbers = batch.column(0).flatten().to_numpy(zero_copy_only=False)
                vectors[done:upto] = numbers.reshape(-1, self.width)[wanted[done:upto] - start]
                start, done = start + batch.num_rows, upto
        if not (finite := np.isfinite(vectors).all(axis=1)).all():
            raise InputError(
                f"{self.path}: the vector of row {int(wanted[finite.argmin()]) + 1} holds NaN or infinity",
                hint="compute the features again",
            )
        return vectors


def is_features_file(path: str | Path) -> bool:
    """Whether there is a Parquet file of that name, whatever its ending."""
    if not Path(path).is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"PAR1"


def write_features(
    path: Path,
    rows: pl.DataFrame,
    labels: str,
    encoded: Encoded,
    body: Body,
    options: StatesOptions,
    *,
    dtype: str,
    progress: Progress,
) -> int:
    """Compute the vectors of all rows and write them with the rows; the width of the vectors.

    rows     everything but the vectors, in the order of ``encoded``
    labels   kind of the labels
    dtype    of the vectors in the file: float32 or float16

    One block of rows after another, each a row group, so that memory stays bounded. Raises `InputError` as
    `Body.width`, and for a vector that is not finite.
    """
    width = body.width(options)
    metadata = {
        "model": Path(body.name).name,
        "pooling": options.pooling,
        "layer": options.layer,
        "width": width,
        "labels": labels,
    }
    # The oldest level has no string views, which not every reader of Parquet knows.
    columns = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    vector = pyarrow.list_(pyarrow.float16() if dtype == "float16" else pyarrow.float32(), width)
    by_token = [(TOKENS, pyarrow.list_(pyarrow.string())), (VECTORS, pyarrow.list_(vector))]
    schema = pyarrow.schema(
        [*columns.schema, *(by_token if options.by_token else [(VECTOR, vector)])],
        metadata={METADATA: json.dumps(metadata, sort_keys=True)},
    )
    row_bytes = width * 4 * (encoded.lengths if options.by_token else 1)
    with (
        # Dictionaries only where values repeat: of texts and vectors they would cost time and save nothing.
        parquet.ParquetWriter(path, schema, compression="zstd", use_dictionary=["label", "split"]) as writer,
        stage(progress, "computing hidden states", len(encoded), "rows"),
    ):
        for start, end in _blocks(row_bytes, len(encoded)):
            vectors = hidden_states(encoded, body, options, progress, start=start, end=end)
            written = _vector_columns(_finite(vectors, dtype, body.name), start, end, encoded, body, options)
            table = pyarrow.Table.from_arrays([*columns[start:end].columns, *written], schema=schema)
            writer.write_table(table, row_group_size=end - start)
    return width


def _blocks(row_bytes: NDArray[np.int64] | int, rows: int) -> Iterator[tuple[int, int]]:
    """First and one past the last row of each block: at most `BLOCK_BYTES`, at least one row."""
    ends = np.cumsum(np.broadcast_to(row_bytes, rows))
    start = 0
    while start < rows:
        before = ends[start - 1] if start else 0
        end = max(int(np.searchsorted(ends, before + BLOCK_BYTES, "right")), start + 1)
        yield start, end
        start = end


def _finite(vectors: NDArray[np.float32], dtype: str, name: str) -> NDArray[Any]:
    """The vectors in the dtype of the file; raises `InputError` for a number that is not finite."""
    with np.errstate(over="ignore"):
        numbers = vectors.astype(dtype)
    if np.isfinite(numbers).all():
        return numbers
    if np.isfinite(vectors).all():
        raise InputError(
            f"{name}: its hidden states are too large for float16",
            hint="write 32 bits (--dtype)",
        )
    raise InputError(
        f"{name}: its hidden states are not finite",
        hint="the checkpoint may be damaged: load it with transformers",
    )


def _vector_columns(
    numbers: NDArray[Any], start: int, end: int, encoded: Encoded, body: Body, options: StatesOptions
) -> list[Any]:
    """The columns of vectors for the rows from ``start`` to ``end``."""
    column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(numbers.reshape(-1)), numbers.shape[1])
    if not options.by_token:
        return [column]
    offsets = (encoded.offsets[start : end + 1] - encoded.offsets[start]).astype(np.int32)
    ids = encoded.ids[encoded.offsets[start] : encoded.offsets[end]]
    # Each distinct id is looked up once: a corpus has few of them.
    distinct, index = np.unique(ids, return_inverse=True)
    names = [body.tokenizer.backend.id_to_token(int(id_)) for id_ in distinct]
    tokens = pyarrow.array(names, type=pyarrow.string()).take(pyarrow.array(index))
    return [pyarrow.ListArray.from_arrays(offsets, values) for values in (tokens, column)]


@contextmanager
def _arrow_errors(path: Path) -> Iterator[None]:
    with guarded(f"{path}: cannot be read"):
        yield
