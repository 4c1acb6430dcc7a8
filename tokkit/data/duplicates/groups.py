"""Groups of rows that are copies: each is named by the number of its first row."""

from __future__ import annotations

import polars as pl

from tokkit.progress import SILENT, Progress


def equal_rows(values: pl.Series) -> pl.Series:
    """The first row with the same value, (rows,) integers; for a missing value, the row itself.

    >>> equal_rows(pl.Series(["a", "b", None, "a", None])).to_list()
    [0, 1, 2, 0, 4]
    """
    row, value = pl.col("row"), pl.col("value")
    first = pl.when(value.is_null()).then(row).otherwise(row.first().over("value"))
    return pl.DataFrame({"value": values}).with_row_index("row").select(first.cast(pl.Int64)).to_series()


def near_rows(contents: pl.Series, progress: Progress = SILENT) -> pl.Series:
    """The first row of the same cluster of near duplicates, as `equal_rows`."""
    # only near duplicates need Numba, whose import takes longer than splitting 10,000 rows
    from tokkit.data.duplicates import near_duplicates

    clusters = near_duplicates.clusters(contents.drop_nulls().to_list(), progress=progress)
    rows = contents.is_not_null().arg_true()
    return equal_rows(pl.repeat(None, contents.len(), dtype=pl.Int64, eager=True).scatter(rows, clusters))
