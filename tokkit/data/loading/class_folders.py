"""Text files in a folder a class: ``joy/001.txt``, or with splits above, ``train/joy/001.txt``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokkit.data.dataset import TRAIN, split_named
from tokkit.errors import InputError
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.sources.formats import FormatOptions, TableFormat, format_of, text
from tokkit.sources.formats.batch import ROWS, Batch, string_series

# Of the texts of a batch, about.
_BYTES = 1 << 20


@dataclass(frozen=True)
class LabelledFile:
    """A text file below ``folder``, the split it belongs to, and its label, the name of a folder above it."""

    path: Path
    split: str
    label: str
    folder: Path


def labelled_files(folder: Path, files: Sequence[Path]) -> list[LabelledFile]:
    """The text files that stand in a folder a class; empty where the folder is no such data set.

    It is one where text files stand in two folders of classes or more, and no file is named for a split.
    Folders within that of a class belong to it.
    """
    # train.csv in it says that folders are something else than classes
    if any(format_of(file) is not None and split_named(file.name) for file in files):
        return []
    # the name says text, or nothing at all: files in folders of classes often have no ending
    texts = [file for file in files if format_of(file) == "text" or not file.suffix]
    labelled = [item for file in texts if (item := _labelled(folder, file))]
    return labelled if len({file.label for file in labelled}) > 1 else []


def check_filled(files: Sequence[LabelledFile], options: FormatOptions) -> None:
    """Raises `InputError` where all files are empty."""
    if not any(batch.texts("text") for batch in batches(files, options)):
        raise InputError(
            f"{files[0].folder}: all files in it are empty", hint="name a folder that holds texts"
        )


def batches(
    files: Sequence[LabelledFile], options: FormatOptions, progress: Progress = SILENT
) -> Iterator[Batch]:
    """Rows with ``text``, ``label`` and ``file``. Raises `InputError` for a file that is no text."""
    rows: list[tuple[str | None, str, str]] = []
    size = 0
    with stage(progress, "reading texts", len(files), "files"):
        for file in files:
            name = file.path.relative_to(file.folder).as_posix()
            for batch in text.batches(file.path, TableFormat("text"), options):
                rows += [(value, file.label, name) for value in batch.series("text").to_list()]
                size += batch.read
            if len(rows) >= ROWS or size >= _BYTES:
                yield _batch(rows, size)
                rows, size = [], 0
            progress.advance(1)
            stop_if_cancelled(progress)
    if rows:
        yield _batch(rows, size)


def _batch(rows: Sequence[tuple[str | None, str, str]], read: int) -> Batch:
    columns = zip(("text", "label", "file"), zip(*rows, strict=True), strict=True)
    return Batch({name: string_series(name, values) for name, values in columns}, len(rows), read)


def _labelled(folder: Path, file: Path) -> LabelledFile | None:
    above = list(file.relative_to(folder).parts[:-1])
    split = split_named(above[0]) if above else None
    if split is not None:
        above = above[1:]
    return LabelledFile(file, split or TRAIN, above[0], folder) if above else None
