"""From what a person types (files, folders, globs, addresses, `-`) to the files to read."""

from __future__ import annotations

import glob
import os
import re
import shlex
import shutil
import sys
import unicodedata
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tokkit import files
from tokkit.errors import InputError, nearest
from tokkit.files import redacted
from tokkit.progress import SILENT, Progress
from tokkit.sources import addresses, downloads, remote

STANDARD_INPUT = "-"
_GLOB_CHARACTERS = "*?["


@dataclass(frozen=True)
class NamedFiles:
    """The files that an argument names; ``folder`` holds them where the argument names a folder."""

    folder: Path | None
    files: list[Path]


def expand(
    arguments: Iterable[str | Path],
    progress: Progress = SILENT,
    largest_download: int = downloads.LARGEST,
) -> list[Path]:
    """The files that the arguments name: a folder gives all files below it, sorted by path.

    An existing path always wins over a glob and an address; hidden files and tokkit's receipts are skipped;
    a file named twice is read once. ``-`` and pipes are copied to a temporary file, so that they can be read
    again; what an address holds is downloaded to the cache (`addresses.fetch`, `remote.fetch`).

    Raises `InputError` for a path that does not exist, a glob or folder without files.
    """
    files: list[Path] = []
    for argument in arguments:
        files += named_files(argument, progress, largest_download).files
    return list(dict.fromkeys(files))


def named_files(
    argument: str | Path, progress: Progress = SILENT, largest_download: int = downloads.LARGEST
) -> NamedFiles:
    """The files that one argument names, and the folder that they are in. Raises `InputError` as `expand`."""
    argument = str(argument)
    if argument == STANDARD_INPUT:
        if sys.stdin is None:
            raise InputError("-: standard input is closed", hint="name a file instead of -")
        return NamedFiles(None, [_spool(sys.stdin.buffer, "standard-input")])
    if not argument:
        raise InputError("an empty name is no path", hint="name a file or folder; . is this folder")
    path = Path(argument)
    # an existing file wins, even one that is called like a pattern or an address
    if not is_path(path):
        if addresses.is_address(argument):
            return NamedFiles(None, [addresses.fetch(argument, largest_download, progress)])
        if (local := remote.local_path(argument)) is not None:
            return named_files(local, progress, largest_download)
        if remote.protocol_of(argument) is not None:
            in_process = remote.is_in_process(argument)
            cache = temporary_folder() if in_process else downloads.cache_folder()
            fetched = remote.fetch(argument, cache, largest_download, progress)
            return NamedFiles(fetched.folder, [file for file in fetched.files if not _is_sidecar(file)])
        return NamedFiles(None, _matches(argument))
    if path.is_dir():
        return NamedFiles(path, _files_below(path))
    if path.is_fifo():
        with open(path, "rb") as pipe:
            return NamedFiles(None, [_spool(pipe, path.name)])
    return NamedFiles(None, [path])


def check(argument: str) -> None:
    """Raises `InputError` as `expand` for a path or pattern without a file; nothing is read or downloaded."""
    named = argument in ("", STANDARD_INPUT) or addresses.is_address(argument)
    if named or is_path(Path(argument)):
        return
    if (local := remote.local_path(argument)) is not None:
        check(local)
    elif remote.protocol_of(argument) is not None:
        remote.check(argument)
    else:
        _matches(argument)


def _matches(argument: str) -> list[Path]:
    if any(character in argument for character in _GLOB_CHARACTERS):
        matches = sorted(Path(match) for match in glob.glob(argument, recursive=True))
        files = [match for match in matches if match.is_file() and not _is_sidecar(match)]
        if not files:
            raise InputError(
                f"{argument}: no file matches", hint="quote the pattern and check the folder:\nls"
            )
        return files
    raise missing(Path(argument))


def _files_below(folder: Path) -> list[Path]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not is_hidden(path, folder)]
    if not files:
        raise InputError(f"{folder}: the folder holds no files")
    return files


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a file below ``folder`` is none of its data: dot files, and tokkit's own sidecars."""
    return _is_sidecar(path) or any(part.startswith(".") for part in path.relative_to(folder).parts)


def _is_sidecar(path: Path) -> bool:
    return path.name in ("tokkit.json", "weights.json", "dropped.jsonl") or path.name.endswith(
        (".tokkit.json", ".weights.json", ".dropped.jsonl")
    )


def is_path(path: Path) -> bool:
    """Whether a path exists; a name longer than a file system takes is no path."""
    try:
        return path.exists()
    except OSError:
        return False


def missing(path: Path) -> InputError:
    """The error for a path that does not exist; it names a similar one in the same folder.

    Where a folder above it is missing, the error names the first that is.
    """
    if address := files.address_of(path):
        return files.address_refused(address)
    level = path
    while not level.parent.is_dir():
        level = level.parent
    names = {entry.name for entry in level.parent.iterdir()}
    look = f"look with:\nls {shlex.quote(str(level.parent))}"
    if level != path:
        return InputError(f"{path}: no such file or folder; {level} does not exist", look)
    # Other systems write the letters of Hangul and accents one by one in the names of files.
    same = {unicodedata.normalize("NFC", name): name for name in names}.get(
        unicodedata.normalize("NFC", path.name)
    )
    if same is not None:
        name = shlex.quote(str(path.with_name(same)))
        return InputError(
            f"{path}: no such file or folder; one of the same name in another Unicode form exists",
            f"name it:\n{name}",
        )
    # An extension in common makes no names similar.
    stems = {name.removesuffix(path.suffix): name for name in sorted(names)}
    near = nearest(path.name.removesuffix(path.suffix), stems)
    suggestion = "" if near is None else f' (did you mean "{stems[near]}"?)'
    return InputError(f"{path}: no such file or folder{suggestion}", look)


def _spool(stream: IO[bytes], name: str) -> Path:
    """A copy under the same name each time, in a folder of its own, so that receipts are the same too."""
    path = temporary_folder() / name
    with open(path, "wb") as spool:
        shutil.copyfileobj(stream, spool)
    if path.stat().st_size == 0:
        raise InputError(
            f"{name.replace('-', ' ')}: nothing came through it", hint="name a file instead of -"
        )
    return path


# Where in a temporary folder the files of an address in memory are.
_CACHED = r"(?:downloads\W[0-9a-f]{16}\W[0-9a-f]{16}\W)?"

_SPOOLED: list[Path] = []
_FOLDERS = ExitStack()


def temporary_folder() -> Path:
    """A new folder that `remove_spooled` removes."""
    _SPOOLED.append(_FOLDERS.enter_context(files.temporary_folder("input")))
    return _SPOOLED[-1]


def display_name(path: Path) -> str:
    """How a file is named to the user: a copy of standard input as what it is."""
    return "standard input" if path.parent in _SPOOLED else str(path)


def without_spool(message: str) -> str:
    """A message for the user: copies of standard input, pipes and files in memory without their folder."""
    for folder in _SPOOLED:
        message = re.sub(re.escape(f"{folder}{os.sep}") + _CACHED, "", message)
    return message


def displayed(message: str) -> str:
    """A message as `without_spool` gives it, without what may be secret in addresses, and with repositories
    in place of folders in the cache of the hub.
    """
    return files.without_cache(displayed_hint(message))


def displayed_hint(hint: str) -> str:
    """A hint as `displayed` gives it, but with the folders that its commands name."""
    return str(redacted(without_spool(hint)))


def remove_spooled() -> None:
    """Removes the temporary folders of this process; the command line calls it at its end."""
    _FOLDERS.close()
    _SPOOLED.clear()


def file_state(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change in nanoseconds, which tell whether a file was changed since.

    Raises `InputError` where it cannot be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return status.st_size, status.st_mtime_ns
