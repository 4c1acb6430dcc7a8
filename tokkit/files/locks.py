"""One run at a time on one output: a lock file beside it, held by the operating system.

A killed run leaves the file but not the lock, so nothing is ever stale. The file is removed while the
lock is still held; whoever had opened it before then holds a lock on a file without a name, sees so by
its inode, and tries again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokkit.errors import OutputError
from tokkit.files.failures import output_error
from tokkit.files.names import lock_path

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def lock(out: Path) -> Iterator[None]:
    """Nobody else writes ``out`` meanwhile. The folder it lies in must exist; ``out`` need not.

    Raises OutputError at once, without waiting, when another run (or this one) holds the lock, and where
    the lock file cannot be made or the file system has no locks.
    """
    path = lock_path(out)
    try:
        descriptor = _acquire(path)
    except OSError as error:
        raise output_error(error, out) from error
    if descriptor is None:
        raise OutputError(
            f"{out}: is being written by another run", "wait until it has finished, or choose another -o"
        )
    try:
        yield
    finally:
        _release(path, descriptor)


def _acquire(path: Path) -> int | None:
    """A descriptor that holds the lock, or None where somebody else does. Raises OSError."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        keep = False
        try:
            if not _take(descriptor):
                return None
            keep = _has_name(descriptor, path)
            if keep:
                return descriptor
        finally:
            if not keep:
                os.close(descriptor)


def _release(path: Path, descriptor: int) -> None:
    if sys.platform == "win32":  # an open file cannot be removed there, nor one that another run has opened
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()
        return
    try:
        with suppress(OSError):  # a lock file left behind locks nothing
            path.unlink()
    finally:
        os.close(descriptor)


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
