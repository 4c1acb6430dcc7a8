"""A features file read again: its rows at once, its vectors those that are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.errors import InputError
from tokkit.model.network.hidden_states import METADATA, TOKENS, VECTOR, VECTORS

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FeaturesFile:
    """rows   (rows,) what stands beside the vectors: id, text, label, split
    model   name of the checkpoint the vectors are from
    width   numbers in a vector
    labels  what the labels of the rows are, as `rows.labels_of`
    """

    path: Path
    rows: pl.DataFrame
    model: str
    pooling: str
    layer: int
    width: int
    labels: str

    def vectors(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(rows, width) of these rows, ascending numbers, or of all; raises `InputError` as `opened`."""
        import numpy as np
        from pyarrow import parquet

        wanted = np.arange(self.rows.height) if rows is None else rows
        found = np.empty((len(wanted), self.width), dtype=np.float32)
        seen = done = 0
        with _reading(self.path), parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=[VECTOR]):
                upto = int(np.searchsorted(wanted, seen + batch.num_rows))
                numbers = batch.column(0).flatten().to_numpy(zero_copy_only=False)
                found[done:upto] = numbers.reshape(-1, self.width)[wanted[done:upto] - seen]
                seen, done = seen + batch.num_rows, upto
        return found


_BATCH = 8192


def is_features_file(path: str | Path) -> bool:
    """Whether there is a file of that name that ends as one."""
    return Path(path).suffix.lower() == ".parquet" and Path(path).is_file()


def opened(path: Path) -> FeaturesFile:
    """A file that `features` wrote; raises `InputError` for what is none."""
    import polars as pl
    from pyarrow import parquet

    with _reading(path), parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        names = [name for name in schema.names if name not in (VECTOR, VECTORS, TOKENS)]
        made = (schema.metadata or {}).get(METADATA)
        if made is None:
            raise InputError(
                f"{path}: holds no features; its columns are {', '.join(schema.names[:8])}",
                hint=f"tokkit features MODEL {path} -o features.parquet computes them",
            )
        rows = pl.DataFrame(pl.from_arrow(file.read(columns=names).replace_schema_metadata(None)))
    try:
        return FeaturesFile(path, rows, **json.loads(made))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: how these features were made cannot be read: {error}") from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
