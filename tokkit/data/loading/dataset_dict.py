"""`load_dataset`: what tokkit reads, as the `datasets` library holds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.loading.load import DatasetOptions, read_dataset
from tokkit.options import apply_settings
from tokkit.progress import SILENT, Progress

if TYPE_CHECKING:
    import datasets


def load_dataset(
    source: str | Path,
    *,
    options: DatasetOptions | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> datasets.DatasetDict:
    """The splits at a path, glob, address or ``hub:NAME``, read without the damage of the stock loaders.

    Texts are strings and labels a ``ClassLabel``, both None where missing; ``"NA"`` stays text. All other
    columns are as they were read. A split is one call away from pandas and polars:

    >>> load_dataset("reviews/", label_column="stars")["train"].to_polars()

    ``settings`` are fields of `DatasetOptions`. Raises `InputError` for what cannot be read as labelled rows.
    """
    return read_dataset(source, apply_settings(DatasetOptions, options, settings), progress).to_datasets()
