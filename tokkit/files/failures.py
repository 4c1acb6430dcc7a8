"""What a failed write is called: OSErrors turned into OutputError, with the space needed on a full disk."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokkit.errors import OutputError, TokkitError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_WRITING = {*_FULL, errno.EIO, errno.EFBIG, errno.EROFS}  # without a file name, these come from a write


@contextmanager
def reported(out: Path, staging: Path | None = None) -> Iterator[None]:
    """Any OSError inside is raised as OutputError about ``out``."""
    try:
        yield
    except OSError as error:
        raise output_error(error, out, staging) from error


@contextmanager
def writes_reported(out: Path, staging: Path) -> Iterator[None]:
    """Errors of writing into ``staging`` are raised as OutputError about ``out``; all others pass.

    For the caller's own code, which also reads inputs and talks to the network.
    """
    try:
        yield
    except TokkitError:
        raise
    except Exception as error:
        if not _is_of_writing(error, staging):
            raise
        raise output_error(error, out, staging) from error


def output_error(error: Exception, out: Path, staging: Path | None = None) -> OutputError:
    """The OutputError that says what ``error`` means for ``out``."""
    if _is_full(error):
        size = _size_of(staging) if staging else 0
        available = size
        with suppress(OSError):
            folder = next(path for path in out.absolute().parents if path.exists())
            available += shutil.disk_usage(folder).free
        needed = f"needs at least {_readable(size)}, " if size else ""
        return OutputError(
            f"{out}: no space left on the device ({needed}{_readable(available)} available)",
            "free some space, or choose another -o",
        )
    number = _number_of(error)
    reason = getattr(error, "strerror", None) or (os.strerror(number) if number else str(error))
    return OutputError(f"{out}: cannot be written ({reason})", "choose another -o")


def _is_full(error: Exception) -> bool:
    return _number_of(error) in _FULL


def _number_of(error: Exception) -> int | None:
    """The system's number of what went wrong; tokenizers, safetensors and torch tell it in its words only."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    return next((number for number in _WRITING if os.strerror(number) in str(error)), None)


def _is_of_writing(error: Exception, staging: Path) -> bool:
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes | os.PathLike):
        return Path(os.fsdecode(error.filename)).is_relative_to(staging)
    return _number_of(error) in _WRITING


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
