"""Data sets of the `datasets` library: folders it saved, and the same rows handed back to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.sources.paths import is_path

if TYPE_CHECKING:
    import datasets
    import polars as pl


def is_saved(folder: Path) -> bool:
    """Whether ``DatasetDict.save_to_disk`` or ``Dataset.save_to_disk`` wrote the folder."""
    if not is_path(folder):
        return False
    single = (folder / "dataset_info.json").is_file() and (folder / "state.json").is_file()
    return single or (folder / "dataset_dict.json").is_file()


def files_of(folder: Path) -> list[Path]:
    """Every file of a saved folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def read_saved(folder: Path) -> dict[str, pl.DataFrame]:
    """The rows by the name of their split, ``train`` where there is one only and it has no name.

    Classes become their names, no class (-1) becomes null. Raises `InputError` for a damaged folder.
    """
    import datasets

    try:
        loaded = datasets.load_from_disk(str(folder))
        if not isinstance(loaded, datasets.DatasetDict):
            return {str(loaded.split or "train"): _frame(loaded)}
        return {str(name): _frame(split) for name, split in loaded.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{folder}: a folder of the datasets library, but it cannot be read: {reason}",
            hint="save it again with save_to_disk, or write one of its splits with to_parquet",
        ) from error


def to_datasets(
    frames: Mapping[str, pl.DataFrame], label_column: str | None, labels: Sequence[str]
) -> datasets.DatasetDict:
    """A ``DatasetDict`` of the same splits, rows and columns.

    The label column becomes a ``ClassLabel`` over ``labels``, in their order, None where missing.
    """
    import datasets

    splits = {name: _table(frame) for name, frame in frames.items()}
    if label_column is not None:
        classes = datasets.ClassLabel(names=list(labels))
        splits = {name: split.cast_column(label_column, classes) for name, split in splits.items()}
    return datasets.DatasetDict(splits)


def _table(frame: pl.DataFrame) -> Any:
    import datasets
    import polars as pl

    return datasets.Dataset(frame.to_arrow(compat_level=pl.CompatLevel.oldest()))


def _frame(split: Any) -> pl.DataFrame:
    import datasets
    import polars as pl

    split = split.with_format(None).flatten_indices()
    frame = pl.DataFrame(pl.from_arrow(split.data.table.replace_schema_metadata(None)))
    for column, feature in split.features.items():
        if isinstance(feature, datasets.ClassLabel):
            names = dict(enumerate(feature.names))
            frame = frame.with_columns(
                pl.col(column).replace_strict(names, default=None, return_dtype=pl.String)
            )
    return frame
