"""Putting a finished folder in the place of another, so that a name never stands for half a folder.

Linux (`renameat2`) and macOS (`renamex_np`) exchange two names in one call. Where the system or the
file system cannot, it takes two renames and a journal beside them:

    journal written   out = old                    killed here: the old one is in place
    out -> aside      out missing, aside = old     killed here: `repair` puts the old one back
    new -> out        out = new,   aside = old     killed here: the new one is in place
    journal removed

Whatever is raised on the way (OSError, an interrupt), the old folder is put back first.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from tokkit.files.names import is_staging, journal_path, staging_path
from tokkit.files.sync import sync_folder

_LINUX_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE, RENAME_SWAP
_NO_REPLACE = 4 if sys.platform == "darwin" else 1  # RENAME_EXCL, RENAME_NOREPLACE
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def replace_folder(new: Path, out: Path) -> None:
    """``new`` stands in the place of ``out``, which may exist or not; the old folder is gone.

    Both are real paths (no links) in the same parent folder; the caller holds the lock of ``out`` and has
    called `repair`. Raises OSError, with the old folder in place as before.
    """
    if not os.path.lexists(out):
        _put(new, out)
    elif exchange(new, out):
        try:
            sync_folder(out.parent)
        except BaseException:
            with suppress(OSError):
                exchange(new, out)
            raise
        shutil.rmtree(new, ignore_errors=True)  # under this name stands the old one now
    else:
        _put_in_two_steps(new, out)


def repair(out: Path) -> None:
    """``out`` is whole again after a run that was killed between two renames; else nothing happens.

    To be called under the lock of ``out``. Raises OSError.
    """
    journal = journal_path(out)
    try:
        name = journal.read_text("utf-8").strip()
    except FileNotFoundError:
        return
    except UnicodeDecodeError:
        name = ""
    # A journal cut short names nothing: it is on the disk before the first rename.
    if is_staging(name, out) and not os.path.lexists(out) and out.with_name(name).is_dir():
        out.with_name(name).rename(out)
        sync_folder(out.parent)
    journal.unlink()


def exchange(first: Path, second: Path) -> bool:
    """Both names, exchanged in one call; False where the system cannot. Raises OSError."""
    return _rename(first, second, _EXCHANGE)


def move(source: Path, target: Path) -> bool:
    """``source`` renamed if ``target`` does not exist; False where the system cannot. Raises OSError."""
    return _rename(source, target, _NO_REPLACE)


def _put(new: Path, out: Path) -> None:
    if not move(new, out):
        new.rename(out)
    try:
        sync_folder(out.parent)
    except BaseException:
        with suppress(OSError):
            out.rename(new)
        raise


def _put_in_two_steps(new: Path, out: Path) -> None:
    journal, aside = journal_path(out), staging_path(out)
    try:
        with open(journal, "w", encoding="utf-8") as file:
            file.write(aside.name + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(out.parent)
        out.rename(aside)
        new.rename(out)
        sync_folder(out.parent)
    except BaseException:
        with suppress(OSError):  # what fails here is left, with its journal, to `repair`
            if aside.exists():
                if out.exists():
                    out.rename(new)
                aside.rename(out)
            journal.unlink()
        raise
    with suppress(OSError):  # a journal left behind is harmless once out exists
        journal.unlink()
    shutil.rmtree(aside, ignore_errors=True)


def _rename(source: Path, target: Path, flags: int) -> bool:
    call = _system_call()
    if call is None:
        return False
    if call(os.fsencode(source), os.fsencode(target), flags) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))


@cache
def _system_call() -> Callable[[bytes, bytes, int], int] | None:
    """The C library's rename with flags, or None where it has none."""
    if sys.platform not in ("linux", "darwin"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    try:
        if sys.platform == "darwin":
            swap = library.renamex_np
            swap.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
            return lambda source, target, flags: int(swap(source, target, flags))
        rename = library.renameat2
    except AttributeError:
        return None
    rename.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    here = _LINUX_AT_FDCWD
    return lambda source, target, flags: int(rename(here, source, here, target, flags))
