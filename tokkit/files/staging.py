"""What precedes the writing of an output: may it be written, its lock, and the hidden files next to it.

    out/                              the output
    .out.tokkit-lock                  locked by the run that writes it (`lock`)
    .out.tokkit-journal               an exchange in two steps is under way (`exchange`)
    .out.tokkit-0123456789abcdef/     a folder being built, or an old one being removed
    .out.tokkit-counting/             the work of an interrupted `count`, which the next one resumes

The next run removes the folders with a number. It touches nothing else next to an output, except that
`count` and `finetune` resume and remove their own work, under the lock.

`check_output` runs before any work is done, and again right before the output is published. What is never
replaced, not even with ``force``: an input or a folder that contains one, the current folder, a folder that
tokkit did not write, a device, a mount point. An error while writing becomes an `OutputError`.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from tokkit.errors import InputError, OutputError, TokkitError
from tokkit.files.privacy import address_of
from tokkit.files.receipts import RECEIPT

Kind = Literal["folder", "file"]

_CHOOSE = "choose another -o"

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
# Errors that arise only while writing: an exception without a file name, but with one of these numbers, is
# about the output.
_WRITE_ERRORS = {*_DISK_FULL, errno.EIO, errno.EFBIG, errno.EROFS}


def check_output(
    out: Path, *, force: bool = False, inputs: Iterable[Any] = (), kind: Kind | None = None
) -> Path:
    """Return the real path of ``out``, links resolved, if it may be written (or, with ``force``, replaced).

    inputs   what the run reads; names that are no files or folders here, and data in memory, are ignored
    kind     what the run writes; None where the caller does not know yet

    Nothing is created. Raises OutputError for an address; where ``out`` exists and ``force`` is not given;
    where it is an input or contains one (device and inode compared); where it is or contains the current
    folder; where a folder would replace a file or a file a folder; where it is a folder that is neither
    empty nor tokkit's (no `tokkit.json`); and where its parent folder cannot be written to.
    """
    _check_local(out)
    try:
        real = out.resolve()
        if os.path.lexists(real):
            named = [Path(item) for item in inputs if isinstance(item, str | Path) and str(item)]
            _check_existing(out, real, force, named, kind)
        _check_parent(out, real)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{out}: cannot be written ({reason})", _CHOOSE) from error
    return real


def check_outside(out: str | Path, *sources: str | Path) -> None:
    """Raises OutputError for an address, and for an output within a folder that is read.

    The next run would read such an output as well.
    """
    _check_local(Path(out))
    for source in sources:
        folder = Path(source).resolve()
        if folder in Path(out).resolve().parents and folder.is_dir():
            raise OutputError(
                f"{out}: is in the input folder {source}, of which the next run would read it as a file",
                "choose a place outside of it",
            )


@contextmanager
def raising_output_error(out: Path, staging: Path | None = None) -> Iterator[None]:
    """Raise any OSError inside as an OutputError about ``out``."""
    try:
        yield
    except OSError as error:
        raise output_error(error, out, staging) from error


@contextmanager
def raising_write_error(out: Path, staging: Path) -> Iterator[None]:
    """Raise errors of writing into ``staging`` as an OutputError about ``out``; all others pass unchanged.

    For the caller's own code, which also reads inputs and uses the network.
    """
    try:
        yield
    except InputError as error:
        # What was just written there could not be read back: no input of the user's is wrong.
        if str(staging) not in error.message:
            raise
        message = error.message.replace(f"{staging}{os.sep}", "").replace(str(staging), out.name)
        raise OutputError(f"{out}: read back: {message}", "run the same command again") from error
    except TokkitError:
        raise
    except Exception as error:
        named = isinstance(error, OSError) and isinstance(error.filename, str | bytes | os.PathLike)
        if named:
            about_output = Path(os.fsdecode(error.filename)).is_relative_to(staging)  # type: ignore[attr-defined]
        else:
            about_output = _error_number(error) in _WRITE_ERRORS
        if not about_output:
            raise
        raise output_error(error, out, staging) from error


def output_error(error: Exception, out: Path, staging: Path | None = None) -> OutputError:
    """The OutputError about ``out`` for ``error``; on a full disk it says how much space is missing."""
    number = _error_number(error)
    if number in _DISK_FULL:
        size = _size_of(staging) if staging else 0
        available = size  # what is in staging is deleted, and free again
        with suppress(OSError):
            folder = next(path for path in out.absolute().parents if path.exists())
            available += shutil.disk_usage(folder).free
        needed = f"needs at least {_readable(size)}, " if size else ""
        return OutputError(
            f"{out}: no space left on the device ({needed}{_readable(available)} available)",
            "free some space, or choose another -o",
        )
    reason = getattr(error, "strerror", None) or (os.strerror(number) if number else str(error))
    return OutputError(f"{out}: cannot be written ({reason})", _CHOOSE)


def _check_local(out: Path) -> None:
    """Raises OutputError for an address."""
    if address := address_of(out):
        raise OutputError(
            f"{address}: is an address, and outputs are files and folders of this machine",
            "write it to this machine, and copy it there",
        )


def _check_existing(out: Path, real: Path, force: bool, inputs: Iterable[Path], kind: Kind | None) -> None:
    # Inputs are compared first: `--force` must not offer to replace one.
    status = real.stat()
    for path, given, is_input in _with_parents(inputs):
        if _is(path, status):
            what = "is an input" if is_input else f"contains the input {given}"
            raise OutputError(f"{out}: {what}, which is never replaced", _CHOOSE)
    if not real.is_dir():
        if not real.is_file():
            raise OutputError(f"{out}: is neither a file nor a folder", _CHOOSE)
        if kind == "folder":
            raise OutputError(f"{out}: is a file, expected a folder", _CHOOSE)
    elif kind == "file":
        raise OutputError(f"{out}: is a folder, expected a file", "choose a file in it (-o)")
    elif os.path.ismount(real) or any(_is(path, status) for path in _current_folders()):
        what = "is a mount point" if os.path.ismount(real) else "is or contains the current folder"
        raise OutputError(
            f"{out}: {what} and cannot be replaced",
            "choose a new folder in it",
        )
    if not force:
        raise OutputError(f"{out}: already exists", f"{_CHOOSE}, or replace it:\n--force")
    if real.is_dir() and not (real / RECEIPT).is_file() and any(real.iterdir()):
        raise OutputError(
            f"{out}: was not written by tokkit (it has no {RECEIPT}); replacing it would delete its files",
            f"{_CHOOSE}, or remove it yourself",
        )


def _check_parent(out: Path, real: Path) -> None:
    parent = next(path for path in real.parents if os.path.lexists(path))
    if not parent.is_dir():
        raise OutputError(f"{out}: cannot be written ({parent} is not a folder)", _CHOOSE)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{out}: cannot be written (no permission to write in {parent})", _CHOOSE)


def _with_parents(inputs: Iterable[Path]) -> Iterator[tuple[Path, Path, bool]]:
    """(path, input, whether the path is that input): inputs and their parents, as given and resolved."""
    visited: set[Path] = set()
    for given in inputs:
        for start in (given.absolute(), given.resolve()):
            if ".." in start.parts:  # across a link, its parents are not those that the path spells
                continue
            for path in (start, *start.parents):
                if path in visited:
                    break
                visited.add(path)
                yield path, given, path == start


def _current_folders() -> tuple[Path, ...]:
    try:
        current = Path.cwd()
    except FileNotFoundError:  # another process removed it
        return ()
    return (current, *current.parents)


def _is(path: Path, status: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(path.stat(), status)
    return False


def _error_number(error: Exception) -> int | None:
    """The system's error number; tokenizers, safetensors and torch raise errors with its text only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    return next((number for number in _WRITE_ERRORS if os.strerror(number) in str(error)), None)


def _size_of(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _readable(size: float) -> str:
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


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
        discard_work(work, out)


def discard_work(work: Path, out: Path) -> None:
    """Remove a folder of work as a whole; where that fails half way, no other run takes the rest for work.

    Renamed first: the next run removes it as it does all that is left of staging.
    """
    gone = staging_path(out)
    with suppress(OSError):
        work.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


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
    # A lock file without a lock does no harm, and the output is published: an error here fails no run.
    with suppress(OSError):
        if sys.platform == "win32":  # an open file cannot be deleted there, nor one that another run opened
            os.close(descriptor)
            path.unlink()
            return
        try:
            with suppress(OSError):
                path.unlink()
        finally:
            os.close(descriptor)


def _has_name(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
