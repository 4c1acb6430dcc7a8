"""Values of a column, or of a field within objects, replaced by others."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def with_column(frame: pl.DataFrame, column: str, values: pl.Series) -> pl.DataFrame:
    """The table with other values of a column, or of a field within objects: ``data.text``."""
    name, *keys = [column] if column in frame.columns else column.split(".")
    return frame.with_columns(_with_field(frame[name], keys, values).alias(name))


def _with_field(objects: pl.Series, keys: Sequence[str], values: pl.Series) -> pl.Series:
    """Objects with the field under ``keys`` replaced; without keys, the values."""
    if not keys:
        return values
    field = _with_field(objects.struct.field(keys[0]), keys[1:], values).alias(keys[0])
    return objects.to_frame("whole").select(pl.col("whole").struct.with_fields(field)).to_series()
