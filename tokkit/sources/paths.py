"""From what a person types (files, folders, globs, `-`) to the files to read."""

from __future__ import annotations

import glob
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tokkit.errors import InputError

STANDARD_INPUT = "-"
_GLOB_CHARACTERS = "*?["


def expand(arguments: Iterable[str | Path]) -> list[Path]:
    """The files that the arguments name: a folder gives all files below it, sorted by path.

    An existing path always wins over a glob; hidden files and tokkit's receipts are left out; a file
    named twice is read once. ``-`` is copied to a temporary file, so that it can be read again.

    Raises `InputError` for a path that does not exist, a glob or folder without files.
    """
    found: list[Path] = []
    for argument in arguments:
        found += _expand_one(str(argument))
    return list(dict.fromkeys(found))


def _expand_one(argument: str) -> list[Path]:
    if argument == STANDARD_INPUT:
        return [_spool_standard_input()]
    path = Path(argument)
    if path.is_dir():
        return _files_below(path)
    if path.exists():
        return [path]
    if any(character in argument for character in _GLOB_CHARACTERS):
        matches = sorted(Path(match) for match in glob.glob(argument, recursive=True))
        files = [match for match in matches if match.is_file()]
        if not files:
            raise InputError(
                f"{argument}: no file matches", hint="quote the pattern and check the folder: ls"
            )
        return files
    raise missing(path)


def _files_below(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not is_hidden(path, folder)]
    if not files:
        raise InputError(f"{folder}: the folder holds no files")
    return files


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a file below ``folder`` is none of its data: dot files, and tokkit's own sidecars."""
    parts = path.relative_to(folder).parts
    sidecar = path.name == "tokkit.json" or path.name.endswith(
        (".tokkit.json", "weights.json", ".dropped.jsonl")
    )
    return sidecar or any(part.startswith(".") for part in parts)


def missing(path: Path) -> InputError:
    """The error for a path that does not exist, naming a neighbour that nearly fits."""
    from tokkit.errors import did_you_mean

    beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    return InputError(
        f"{path}: no such file or folder{did_you_mean(path.name, beside)}",
        hint=f"look with: ls {path.parent}",
    )


def _spool_standard_input() -> Path:
    with tempfile.NamedTemporaryFile(prefix="tokkit-stdin-", delete=False) as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
    path = Path(spool.name)
    _SPOOLED.append(path)
    if path.stat().st_size == 0:
        raise InputError("-: standard input is empty")
    return path


_SPOOLED: list[Path] = []


def remove_spooled() -> None:
    """Removes the copies of standard input that this process made; the command line calls it at its end."""
    while _SPOOLED:
        _SPOOLED.pop().unlink(missing_ok=True)
