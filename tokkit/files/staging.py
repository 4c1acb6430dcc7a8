"""The hidden files and folders next to an output while a run writes it, and the lock on the output.

    out/                              the output
    .out.tokkit-lock                  locked by the run that writes it (`lock`)
    .out.tokkit-journal               an exchange in two steps is under way (`exchange`)
    .out.tokkit-0123456789abcdef/     a folder being built, or an old one being removed
    .out.tokkit-counting/             the work of an interrupted `count`, which the next one resumes

The next run removes the folders with a number. It touches nothing else next to an output, except that
`count` and `finetune` resume and remove their own work, under the lock.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokkit.errors import OutputError
from tokkit.files.check import raising_output_error

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def lock_path(out: Path) -> Path:
    """The lock file of ``out``."""
    return out.with_name(f".{out.name}.tokkit-lock")


def journal_path(out: Path) -> Path:
    """The journal of an exchange of ``out`` in two steps."""
    return out.with_name(f".{out.name}.tokkit-journal")


def staging_path(out: Path) -> Path:
    """A new, unused path next to ``out``."""
    return out.with_name(f".{out.name}.tokkit-{os.urandom(8).hex()}")


def work_path(out: Path, work: str) -> Path:
    """The folder for work on ``out`` that an interrupted run leaves to the next: ``work`` names it."""
    return out.with_name(f".{out.name}.tokkit-{work}")


def is_staging(name: str, out: Path) -> bool:
    """Whether ``name`` is one that `staging_path` returns for ``out``."""
    return re.fullmatch(re.escape(f".{out.name}.tokkit-") + "[0-9a-f]{16}", name) is not None


def leftovers(out: Path) -> list[Path]:
    """The staging folders that killed runs left next to ``out``; the caller holds the lock of ``out``."""
    return sorted(
        path
        for path in out.parent.iterdir()
        if is_staging(path.name, out) and path.is_dir() and not path.is_symlink()
    )


def remove_work(work: Path, out: Path) -> None:
    """Remove the work of a published output, unless another run has already started one."""
    with suppress(OutputError), lock(out):
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def lock(out: Path) -> Iterator[None]:
    """Lock ``out`` against other runs. Its parent folder must exist; ``out`` need not.

    Raises OutputError at once, without waiting, when another run (or this one) has the lock, and where
    the lock file cannot be created or the file system has no locks.
    """
    path = lock_path(out)
    with raising_output_error(out):
        descriptor = _acquire(path)
    if descriptor is None:
        raise OutputError(
            f"{out}: is being written by another run", "wait until it has finished, or choose another -o"
        )
    try:
        yield
    finally:
        _release(path, descriptor)


def _acquire(path: Path) -> int | None:
    """A descriptor that has the lock, or None where another process has it. Raises OSError."""
    # The operating system drops the lock of a killed process, so a lock file is never stale. `_release`
    # deletes the file while it still has the lock: whoever opened the file before that locks a file without
    # a name, detects it by the inode, and tries again.
    while True:
        # O_NOFOLLOW: in a shared folder, a link of that name could point to somebody else's file.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        locked = False
        try:
            if not _try_lock(descriptor):
                return None
            locked = _has_name(descriptor, path)
            if locked:
                return descriptor
        finally:
            if not locked:
                os.close(descriptor)


def _release(path: Path, descriptor: int) -> None:
    if sys.platform == "win32":  # an open file cannot be deleted there, nor one that another run has opened
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()
        return
    try:
        with suppress(OSError):  # a lock file without a lock does no harm
            path.unlink()
    finally:
        os.close(descriptor)


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
