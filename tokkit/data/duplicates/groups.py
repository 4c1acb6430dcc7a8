"""Groups of rows that are copies: each is named by the number of its first row."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.progress import SILENT, Progress

# (rows,) the number of the first row of each row's group. Rows appended to a data set rename no group.
RowGroups = NDArray[np.int64]


def equal_rows(values: pl.Series) -> RowGroups:
    """The first row with the same value, (rows,); for a missing value, the row itself.

    >>> equal_rows(pl.Series(["a", "b", None, "a", None]))
    array([0, 1, 2, 0, 4])
    """
    row, value = pl.col("row"), pl.col("value")
    first = pl.when(value.is_null()).then(row).otherwise(row.first().over("value"))
    rows = pl.DataFrame({"value": values}).with_row_index("row").select(first).to_series()
    return np.asarray(rows.to_numpy(), dtype=np.int64)


def near_rows(contents: pl.Series, progress: Progress = SILENT) -> RowGroups:
    """The first row of each row's cluster of near duplicates, (rows,); for a missing text, the row itself."""
    # only near duplicates need Numba, whose import takes longer than splitting 10,000 rows
    from tokkit.data.duplicates import near_duplicates

    rows = contents.is_not_null().arg_true().to_numpy()
    clusters = near_duplicates.clusters(contents.drop_nulls().to_list(), progress=progress)
    _, first = np.unique(clusters, return_index=True)
    groups = np.arange(contents.len())
    groups[rows] = rows[first[clusters]]
    return groups
