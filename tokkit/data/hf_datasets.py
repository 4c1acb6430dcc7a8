"""Data sets of the `datasets` library: from the hub, from folders it saved, and rows handed back to it.

    hub:imdb    hub:stanfordnlp/imdb    hub:nyu-mll/glue/sst2    hub:stanfordnlp/imdb@e6281661:test

``hub:NAME[/CONFIG][@REVISION][:SPLIT]`` (a branch, a tag or a commit) is downloaded to the library's own
cache and read as Parquet files; no code that comes with a data set is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pyarrow as pa
from huggingface_hub.utils import logging

from tokkit.data import save
from tokkit.data.dataset import BETWEEN_TAGS, ONE, SEPARATOR, SEVERAL, Dataset, sort_labels
from tokkit.errors import InputError, UsageError
from tokkit.files import write_origin
from tokkit.progress import Progress
from tokkit.runtime.panics import guarded
from tokkit.sources import downloads, paths
from tokkit.sources.formats import class_labels
from tokkit.sources.formats.columnar import valid_frame

_ADDRESS = re.compile(
    r"hub:(?P<name>[\w.-]+(?:/[\w.-]+){0,2})(?:@(?P<revision>\w[\w./-]*))?(?::(?P<split>\w+))?"
)
# The library keeps the rows of a data set of the hub in a folder of its cache that is called by the commit.
_COMMIT = re.compile(r"[0-9a-f]{40}")

# Bytes from which on 32 bits do not count those of a column.
_LARGEST_STRINGS = 1 << 31


def read_saved(folder: Path) -> dict[str, pl.DataFrame]:
    """The rows by the name of their split, ``train`` where there is one only and it has no name.

    Classes become their names, no class (-1) becomes null. Raises `InputError` for a damaged folder.
    """
    with guarded(
        f"{folder}: a folder of the datasets library, but it cannot be read",
        hint="save it again with save_to_disk, or write one of its splits with to_parquet",
    ):
        loaded = datasets.load_from_disk(str(folder))
        if not isinstance(loaded, datasets.DatasetDict):
            return {str(loaded.split or "train"): _frame(loaded, str(folder))}
        return {str(name): _frame(split, str(folder)) for name, split in loaded.items()}


def as_datasets(dataset: Dataset) -> datasets.DatasetDict:
    """A data set as the `datasets` library has it, labels as a ``ClassLabel``, several as lists of it."""
    frames = {name: split.frame for name, split in dataset.splits.items()}
    if dataset.label_kind != ONE and dataset.label_column is not None:
        label = pl.col(dataset.label_column)
        lists = label.str.split(SEPARATOR if dataset.label_kind == SEVERAL else BETWEEN_TAGS)
        filled = lists.list.eval(pl.element().filter(pl.element() != ""))
        frames = {name: frame.with_columns(filled) for name, frame in frames.items()}
    return to_datasets(frames, dataset.label_column)


def to_datasets(frames: Mapping[str, pl.DataFrame], label_column: str | None) -> datasets.DatasetDict:
    """A ``DatasetDict`` of the same splits, rows and columns.

    The label column becomes a ``ClassLabel`` over the labels, sorted, None where missing; lists of labels
    become lists of it.
    """
    splits = {name: datasets.Dataset(_table(frame)) for name, frame in frames.items()}
    if label_column is not None:
        columns = [frame[label_column] for frame in frames.values()]
        are_lists = isinstance(columns[0].dtype, pl.List)
        values = [column.explode() if are_lists else column for column in columns]
        names = sort_labels({label for column in values for label in column.drop_nulls()})
        class_label = datasets.ClassLabel(names=names)
        classes = datasets.List(class_label) if are_lists else class_label
        with without_bars():
            splits = {name: split.cast_column(label_column, classes) for name, split in splits.items()}
    return datasets.DatasetDict(splits)


def write_saved(frames: Mapping[str, pl.DataFrame], folder: Path, label_column: str | None) -> None:
    """Writes the splits as ``DatasetDict.save_to_disk`` does, and reads them back.

    Labels that are strings become a ``ClassLabel``. Raises `InputError` for a type that `datasets` lacks.
    """
    first = next(iter(frames.values()))
    if label_column is not None and first.schema.get(label_column) == pl.String:
        column = pl.col(label_column)
        frames = {name: frame.with_columns(column.replace("", None)) for name, frame in frames.items()}
    else:
        label_column = None
    try:
        with without_bars():
            to_datasets(frames, label_column).save_to_disk(str(folder))
    except (ValueError, TypeError, NotImplementedError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{folder.name}: a column is of a type that the datasets library has no place for: {reason}",
            hint="write parquet (--output-format)",
        ) from error
    back = read_saved(folder)
    for name, frame in frames.items():
        save.check_same(frame, back[name], folder / name)


@contextmanager
def without_bars() -> Iterator[None]:
    """Progress bars of `datasets` are off within, and as they were afterwards."""
    were_on = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if were_on:
            datasets.enable_progress_bars()


def _table(frame: pl.DataFrame) -> Any:
    """As an Arrow table whose strings are `datasets`' usual ones, as long as they fit."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    if table.nbytes >= _LARGEST_STRINGS:
        return table
    usual = [
        field.with_type(pa.string()) if pa.types.is_large_string(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(usual))


def _frame(split: Any, where: str) -> pl.DataFrame:
    split = split.with_format(None)
    if split._indices is not None:  # rows that were chosen or shuffled; elsewhere than in the user's folder
        split = split.flatten_indices(keep_in_memory=True)
    return class_labels.with_names(valid_frame(split.data.table), split.features.to_dict(), where)[0]


def fetch(source: str, progress: Progress) -> Path:
    """A temporary folder with a Parquet file a split; use of the network is reported.

    The commit that the rows are of, as far as the library knows it, is recorded for receipts (`origin_of`).

    Raises `UsageError` for what is no name, `InputError` for a data set that is not there or cannot be read
    without running its code, and offline.
    """
    match = _ADDRESS.fullmatch(source)
    if match is None:
        raise UsageError(
            f"{source}: no name of a data set on the hub",
            hint="write it as hub:OWNER/NAME, hub:OWNER/NAME/CONFIG, hub:OWNER/NAME@REVISION or "
            "hub:OWNER/NAME:SPLIT",
        )
    forbidden = downloads.offline()
    if forbidden == "TOKKIT_OFFLINE":
        raise InputError(
            f"{source}: TOKKIT_OFFLINE forbids the network",
            hint="HF_HUB_OFFLINE=1 instead uses the cache of the datasets library, or name a file",
        )
    progress.say(
        f"{source}: HF_HUB_OFFLINE forbids the network; looking in the cache of the datasets library"
        if forbidden
        else f"{source}: requested from the hub over the network"
    )
    repository, splits = _load(source, match["name"], match["revision"], match["split"])
    folder = paths.temporary_folder() / match["name"].replace("/", "-")
    folder.mkdir()
    with without_bars():
        for name, rows in splits.items():
            rows.to_parquet(folder / f"{name}.parquet")
    commits = {commit for rows in splits.values() for commit in _commits_of(rows)}
    # Of a folder that the library takes for the hub's there is none.
    if len(commits) == 1:
        write_origin(folder, f"datasets/{repository}", commits.pop())
    return folder


def _commits_of(rows: Any) -> Iterator[str]:
    """The commit of the hub that each cached file of the rows is of."""
    for file in rows.cache_files:
        name = Path(str(file["filename"])).parent.name
        if _COMMIT.fullmatch(name):
            yield name


def _load(source: str, name: str, revision: str | None, split: str | None) -> tuple[str, dict[str, Any]]:
    """The repository, and split -> rows.

    Of ``a/b/c``, c is a configuration; of ``a/b``, b is one where no a/b is there.
    """
    before, slash, last = name.rpartition("/")
    candidates: list[tuple[str, str | None]] = [] if "/" in before else [(name, None)]
    candidates += [(before, last)] if slash else []
    reason = ""
    logging.set_verbosity_error()  # the error below reports what goes wrong, once
    for path, configuration in candidates:
        if Path(path).exists():  # the library would read it in place of the hub's
            raise InputError(
                f"{source}: a path {path} is in this folder, which the datasets library takes for the hub's",
                hint=f"to read that, name it ./{path}; to read the hub's, run the command in another folder",
            )
        try:
            with without_bars():
                loaded = datasets.load_dataset(path, configuration, split=split, revision=revision)
            return path, {split: loaded} if split else {str(key): rows for key, rows in loaded.items()}
        except Exception as error:  # the library raises of its own, the hub's, and of what reads the files
            reason = reason or (str(error).strip() or type(error).__name__).splitlines()[0]
    raise InputError(
        f"{source}: cannot be loaded from the hub: {reason[:200]}",
        hint="check the name (OWNER/NAME), its configurations and splits, and the network",
    )
