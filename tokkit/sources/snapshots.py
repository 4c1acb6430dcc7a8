"""States of remote addresses in the cache: folders of links to files, the last state, and unused ones."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit import files
from tokkit.errors import InputError
from tokkit.sources import downloads

if TYPE_CHECKING:
    from tokkit.sources.filesystems import RemoteFile

_UNUSED = 30 * 24 * 3600


@dataclass(frozen=True)
class Fetched:
    """The files of an address on this machine; ``folder`` holds them where the address is a folder."""

    folder: Path | None
    files: list[Path]


def digest(text: str) -> str:
    """The name of a folder of the cache."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def linked_folder(name: str, folder: Path, listed: Sequence[RemoteFile], paths: Sequence[Path]) -> Path:
    """A folder with the files under their names below it; an existing one where it is whole."""
    state = folder / digest("\n".join(f"{file.name} {file.size} {file.version}" for file in listed))
    tree = state / (downloads.safe_name(name) or "folder")
    names = [Path(*map(_safe_part, filter(None, file.name.split("/")))) for file in listed]
    sizes = [path.stat().st_size for path in paths]
    if all(downloads.size_of(tree / name) == size for name, size in zip(names, sizes, strict=True)):
        os.utime(state)
        return tree
    with downloads.alone(str(tree), folder):
        staging = files.staging_path(state)
        try:
            for inner, path in zip(names, paths, strict=True):
                linked = staging / tree.name / inner
                files.private_folder(linked.parent)
                _link(path, linked)
            shutil.rmtree(state, ignore_errors=True)
            staging.replace(state)
        except (FileExistsError, NotADirectoryError) as error:
            raise InputError(
                f"{listed[0].address}: two files of the folder have one name here, or that of a folder",
                hint="name the files one by one, or with a glob",
            ) from error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return tree


def _safe_part(part: str) -> str:
    return downloads.safe_name(part) or "_"


def _link(path: Path, linked: Path) -> None:
    try:
        linked.hardlink_to(path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        shutil.copyfile(path, linked)


def files_of(tree: Path) -> list[Path]:
    """The files of a folder, sorted by path."""
    return [path for path in sorted(tree.rglob("*")) if path.is_file()]


def remember(root: Path, folder: Path, address: str, tree: Path | None, paths: Sequence[Path]) -> None:
    """Record the state of an address, for runs without a network."""
    with downloads.alone(address, folder):
        named = files_of(tree) if tree else paths
        described = [
            {"path": path.relative_to(root).as_posix(), "bytes": path.stat().st_size} for path in named
        ]
        record = {"address": address, "files": described}
        if tree is not None:
            record["folder"] = tree.relative_to(root).as_posix()
        downloads.write_json(folder / downloads.RECORD, record)


def last_state(root: Path, folder: Path) -> Fetched | None:
    """What an address named when it was last read, if all of it is still there."""
    record = downloads.read_json(folder / downloads.RECORD)
    entries = record.get("files") or []
    paths = [root / str(entry.get("path")) for entry in entries]
    if not paths or any(
        downloads.size_of(path) != entry.get("bytes") for path, entry in zip(paths, entries, strict=True)
    ):
        return None
    tree = record.get("folder")
    return Fetched(root / str(tree) if tree else None, paths)


def remove_unused(folder: Path) -> None:
    """Remove the states of an address that no run has used for long."""
    with suppress(OSError):
        oldest = time.time() - _UNUSED
        for state in [path for path in folder.iterdir() if path.is_dir()]:
            if state.stat().st_mtime < oldest:
                shutil.rmtree(state, ignore_errors=True)
