"""The features file: a Parquet file of the rows of a data set, with their vectors.

their own columns     unchanged, of all splits one after another
split                 the name of the split
vector                (width,) per row; null where a row has no text
tokens, vectors       with the pooling ``none`` instead, one of each per token
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow
from numpy.typing import NDArray
from pyarrow import parquet

from tokkit.data.dataset import Dataset
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import dataset_of
from tokkit.data.loading.read import SplitFiles
from tokkit.errors import InputError
from tokkit.files import Fields
from tokkit.progress import SILENT
from tokkit.runtime.panics import guarded
from tokkit.sources.formats import TableFormat
from tokkit.sources.formats.batch import slices
from tokkit.sources.formats.columnar import read_table

SPLIT, VECTOR, VECTORS, TOKENS = "split", "vector", "vectors", "tokens"
# What names the columns of the rows, recorded so that they are read again as the data set that they were.
READ_OPTIONS = ("text_column", "pair_column", "label_column", "id_column", "label_sep", "missing_label")
# of files whose rows were not yet those of the data set
_EARLIER = {f"{name}_column": name for name in ("text", "pair", "label", "id")}

# Key in the file's metadata of what it was computed with, as JSON.
METADATA = b"tokkit.features"
# Rows read at a time.
_BATCH = 8192


@dataclass(frozen=True)
class FeaturesFile:
    """height        rows
    model           name of the checkpoint the vectors are from
    width           numbers in a vector
    labels          kind of the labels, as `Dataset.label_kind`
    read_options    as which data set the rows are read
    """

    path: Path
    height: int
    model: str
    pooling: str
    layer: int
    width: int
    labels: str
    read_options: DatasetOptions

    @classmethod
    def read(cls, path: Path) -> FeaturesFile:
        """A file that `features` wrote; raises `InputError` for any other."""
        with _arrow_errors(path), parquet.ParquetFile(path) as file:
            names, height = file.schema_arrow.names, file.metadata.num_rows
            metadata = (file.schema_arrow.metadata or {}).get(METADATA)
            if metadata is None or SPLIT not in names or not {VECTOR, VECTORS} & {*names}:
                raise InputError(
                    f"{path}: has no features; its columns are {', '.join(names[:8])}",
                    hint="name the model before it, to compute them",
                )
            content = json.loads(metadata)
        content = content if isinstance(content, dict) else {}
        recorded = Fields(path, content, hint="compute the features again")
        earlier = {option: name for option, name in _EARLIER.items() if name in names}
        read = recorded.fields("columns", default=replace(recorded, content=earlier))
        return cls(
            path,
            height,
            model=recorded.text("model"),
            pooling=recorded.text("pooling"),
            layer=recorded.integer("layer", least=-(1 << 20)),
            width=recorded.integer("width", least=1),
            labels=recorded.text("labels"),
            read_options=DatasetOptions(**{name: read.text(name, default=None) for name in READ_OPTIONS}),
        )

    def dataset(self) -> Dataset:
        """The rows, without their vectors; raises `InputError` as `read`, and as `read_dataset`."""
        with _arrow_errors(self.path), parquet.ParquetFile(self.path) as file:
            added = {TOKENS, VECTORS} if VECTORS in file.schema_arrow.names else {VECTOR}
            names = [name for name in file.schema_arrow.names if name not in added]
        by_split = read_table(self.path, names).partition_by(
            SPLIT, maintain_order=True, include_key=False, as_dict=True
        )
        splits = {
            str(name): SplitFiles(
                str(name), (self.path,), TableFormat("parquet"), [partial(slices, frame)], known=True
            )
            for (name,), frame in by_split.items()
        }
        dataset = dataset_of(str(self.path), splits, self.read_options, SILENT)
        return replace(dataset, label_column=dataset.label_column and self.read_options.label_column)

    def splits(self) -> dict[str, int]:
        """Split -> rows; raises `InputError` as `read`."""
        return dict(read_table(self.path, [SPLIT]).group_by(SPLIT, maintain_order=True).len().iter_rows())

    def vectors(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(rows, width) of all rows or those of these ascending indices; raises `InputError` as `read`."""
        wanted = np.arange(self.height) if rows is None else rows
        vectors = np.empty((len(wanted), self.width), dtype=np.float32)
        start = done = 0
        with _arrow_errors(self.path), parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=[VECTOR]):
                # Batches and wanted rows both ascend: the wanted rows of a batch are one slice.
                upto = int(np.searchsorted(wanted, start + batch.num_rows))
                chosen = batch.column(0).take(pyarrow.array(wanted[done:upto] - start))
                vectors[done:upto] = chosen.values.to_numpy(zero_copy_only=False).reshape(-1, self.width)
                start, done = start + batch.num_rows, upto
        if not (finite := np.isfinite(vectors).all(axis=1)).all():
            raise InputError(
                f"{self.path}: the vector of row {int(wanted[finite.argmin()]) + 1} holds NaN or infinity",
                hint="compute the features again",
            )
        return vectors


@contextmanager
def _arrow_errors(path: Path) -> Iterator[None]:
    with guarded(f"{path}: cannot be read"):
        yield
