"""Which files of a folder, glob or single path are which split: by file name, else by folder name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from tokkit.data.dataset import SPLITS, TRAIN, split_named
from tokkit.errors import InputError
from tokkit.progress import Progress
from tokkit.sources import paths
from tokkit.sources.formats import FORMATS, format_of

_NAMED = 5
_FOLD = re.compile(r"fold-\d+")


def files_by_split(source: str, files: Sequence[Path], progress: Progress) -> dict[str, list[Path]]:
    """The files of each split, in order; where there are several they are said, and so is what is skipped.

    A single file is what its name says, else train. Raises `InputError` where no file's name says a split,
    and for several folds.
    """
    if source == paths.STANDARD_INPUT:
        return {TRAIN: list(files)}
    is_folder = Path(source).is_dir()
    _check_folds(source, files)
    if len(files) == 1 and not is_folder:
        return {_split_of(files[0], None) or TRAIN: list(files)}
    within = Path(source) if is_folder else None
    readable = [file for file in files if format_of(file) is not None]
    split_of = {file: _split_of(file, within) for file in readable}
    # a folder with one file is that file
    if len(readable) == 1:
        named = {split_of[readable[0]] or TRAIN: readable}
    elif readable and not is_folder and not any(split_of.values()):
        named = {TRAIN: readable}
    else:
        found = {name: [file for file in readable if split_of[file] == name] for name in SPLITS}
        named = {name: chosen for name, chosen in found.items() if chosen}
    if not named:
        raise InputError(
            f"{source}: no file in it is named train, validation or test"
            if readable
            else f"{source}: no file in it is a table or text ({', '.join(FORMATS)})",
            hint="name one file, or name the files after their splits: train.csv, validation.csv, test.csv",
        )
    for name, chosen in named.items():
        if len(chosen) > 1:
            progress.say(f"{source}: {name} is {_listed([str(file) for file in chosen])}")
    taken = {file for chosen in named.values() for file in chosen}
    say_skipped(source, [file.name for file in files if file not in taken], progress)
    return named


def say_skipped(source: str, names: Sequence[str], progress: Progress) -> None:
    """Says which files of a source are not read, if any."""
    if names:
        progress.say(f"{source}: skipped: {_listed(names)}")


def _check_folds(source: str, files: Sequence[Path]) -> None:
    """Raises `InputError` for the files of several folds: each trains on what another validates on."""
    folds = sorted({folder for file in files for folder in file.parents if _FOLD.fullmatch(folder.name)})
    if len(folds) > 1:
        raise InputError(
            f"{source}: holds {len(folds)} folds, and what one trains on another validates on",
            hint=f"name one of them: {shlex.quote(str(folds[0]))}",
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" ..." if len(names) > _NAMED else "")


def _split_of(file: Path, folder: Path | None) -> str | None:
    """What the file's name says, else the nearest folder below ``folder`` that says anything."""
    above = [] if folder is None else list(file.relative_to(folder).parts[-2::-1])
    return next((name for each in (file.name, *above) if (name := split_named(each))), None)
