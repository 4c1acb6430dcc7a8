"""Text files in a folder a class: ``joy/001.txt``, or with splits above, ``train/joy/001.txt``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data.dataset import SPLITS, TRAIN, sort_labels, split_named
from tokkit.errors import InputError
from tokkit.progress import Progress, stage, stop_if_cancelled
from tokkit.sources import tables, text_rows
from tokkit.sources.delimited import string_frame

if TYPE_CHECKING:
    import polars as pl


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
    if any(tables.format_of(file) is not None and split_named(file.name) for file in files):
        return []
    found = [labelled for file in files if _is_text(file) and (labelled := _labelled(folder, file))]
    return found if len({each.label for each in found}) > 1 else []


def read_labelled(
    files: Sequence[LabelledFile], unit: str | None, progress: Progress, encoding: str | None = None
) -> dict[str, pl.DataFrame]:
    """Split -> rows with ``text``, ``label`` and ``file``; a whole file is a text unless ``unit`` says else.

    Raises `InputError` for a file that is no text of the encoding, and where all of them are empty.
    """
    rows: dict[str, list[tuple[str | None, str, str]]] = {}
    with stage(progress, "reading texts", len(files), "files"):
        for each in files:
            name = each.path.relative_to(each.folder).as_posix()
            found = text_rows.texts(each.path, unit or text_rows.FILE, encoding=encoding)
            rows.setdefault(each.split, []).extend((text or None, each.label, name) for text in found)
            progress.advance(1)
            stop_if_cancelled(progress)
    if not any(text for mine in rows.values() for text, _, _ in mine):
        raise InputError(
            f"{files[0].folder}: all files in it are empty", hint="name a folder that holds texts"
        )
    columns = ["text", "label", "file"]
    return {
        split: string_frame(columns, list(zip(*rows[split], strict=True)))
        for split in SPLITS
        if rows.get(split)
    }


def labels_of(files: Sequence[LabelledFile]) -> list[str]:
    """The distinct labels in order."""
    return sort_labels(each.label for each in files)


def _is_text(file: Path) -> bool:
    """Whether the name says text, or nothing at all: files in folders of classes often have no ending."""
    return tables.format_of(file) == "text" or not file.suffix


def _labelled(folder: Path, file: Path) -> LabelledFile | None:
    above = list(file.relative_to(folder).parts[:-1])
    split = split_named(above[0]) if above else None
    if split is not None:
        above = above[1:]
    return LabelledFile(file, split or TRAIN, above[0], folder) if above else None
