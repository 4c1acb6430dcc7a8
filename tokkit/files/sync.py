"""Bringing files and folders to the disk itself, with the modes the umask gives.

A file is safe after a crash of the machine once it *and* the folder that names it are synced.
Every function raises OSError when the disk does not take the data.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_FOLDERS_CANNOT = {errno.EINVAL, errno.ENOTSUP}  # some network and FUSE file systems


def sync_file(path: Path) -> None:
    """The bytes of ``path`` are on the disk."""
    _sync(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)


def sync_folder(path: Path) -> None:
    """The names in ``path`` are on the disk (nothing to do on Windows)."""
    if os.name == "nt":
        return
    try:
        _sync(path, os.O_RDONLY)
    except OSError as error:
        if error.errno not in _FOLDERS_CANNOT:
            raise


def sync_tree(root: Path) -> None:
    """Every file and folder below ``root``, and ``root``, is on the disk.

    Some libraries write with a mode of their own (0600); here all get what the umask gives,
    which is read off ``root``, a folder made with `os.mkdir`.
    """
    folder_mode = stat.S_IMODE(root.stat().st_mode)
    for folder, _, names in os.walk(root, topdown=False, onerror=_raise):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                _set_mode(path, folder_mode & 0o666)
                sync_file(path)
        _set_mode(Path(folder), folder_mode)
        sync_folder(Path(folder))


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_mode(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)


def _raise(error: OSError) -> None:
    raise error
