"""Publish an output atomically: build it in a staging folder next to it, sync, rename.

    check -> lock -> repair -> sweep -> the caller writes into a staging folder -> sync -> rename

Killed, interrupted or out of space at any point, the output is either the old one or the new one, complete.
The next run removes what a killed run left next to it.

Linux (`renameat2`) and macOS (`renamex_np`) exchange two names in one call. Where the system or the
file system cannot, it takes two renames and a journal next to them:

    journal written   out = old                    killed here: out is the old folder
    out -> aside      out missing, aside = old     killed here: `repair` restores the old folder
    new -> out        out = new,   aside = old     killed here: out is the new folder
    journal removed

On any exception in between (OSError, an interrupt), the old folder is restored before it is raised.

A file survives a crash of the machine once it *and* the folder with its name are synced.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path

from tokkit.files.receipts import RECEIPT
from tokkit.files.staging import (
    check_output,
    is_staging,
    journal_path,
    leftovers,
    lock,
    raising_output_error,
    raising_write_error,
    staging_path,
)

_LINUX_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE, RENAME_SWAP
_NO_REPLACE = 4 if sys.platform == "darwin" else 1  # RENAME_EXCL, RENAME_NOREPLACE
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}
_FOLDER_SYNC_UNSUPPORTED = {errno.EINVAL, errno.ENOTSUP}  # some network and FUSE file systems


def replace_folder(new: Path, out: Path) -> None:
    """Rename ``new`` to ``out`` and delete the old ``out``, if there is one.

    Both are real paths (no links) in the same parent folder; the caller has the lock of ``out`` and has
    called `repair`. Raises OSError, with the old folder still at ``out``.
    """
    if not os.path.lexists(out):
        _rename_new(new, out)
    elif exchange(new, out):
        # Without the sync, a crash of the machine could keep the deletion below and lose the exchange.
        try:
            sync_folder(out.parent)
        except BaseException:
            with suppress(OSError):
                exchange(new, out)
            raise
        shutil.rmtree(new, ignore_errors=True)  # this is the name of the old folder now
    else:
        _replace_in_two_steps(new, out)


def repair(out: Path) -> None:
    """Restore ``out`` after a run that was killed between two renames; else do nothing.

    The caller has the lock of ``out``. Raises OSError.
    """
    journal = journal_path(out)
    try:
        name = journal.read_text("utf-8").strip()
    except FileNotFoundError:
        return
    except UnicodeDecodeError:
        name = ""
    # A truncated journal names no folder, and nothing was renamed yet: it is synced before the first rename.
    if is_staging(name, out) and not os.path.lexists(out) and out.with_name(name).is_dir():
        out.with_name(name).rename(out)
        sync_folder(out.parent)
    journal.unlink()


def exchange(first: Path, second: Path) -> bool:
    """Exchange both names in one call; False where the system cannot. Raises OSError."""
    return _rename(first, second, _EXCHANGE)


def move(source: Path, target: Path) -> bool:
    """Rename ``source`` if ``target`` does not exist; False where the system cannot. Raises OSError."""
    return _rename(source, target, _NO_REPLACE)


def sync_folder(path: Path) -> None:
    """Sync the names in a folder to the disk (nothing to do on Windows). Raises OSError, as all here."""
    if os.name == "nt":
        return
    try:
        _sync(path, os.O_RDONLY)
    except OSError as error:
        if error.errno not in _FOLDER_SYNC_UNSUPPORTED:
            raise


def sync_tree(root: Path) -> None:
    """Sync ``root`` and every file and folder below it, with the modes that the umask gives."""
    # Some libraries write files with mode 0600. `os.mkdir` created root, so its mode shows the umask.
    folder_mode = stat.S_IMODE(root.stat().st_mode)
    for folder, _, names in os.walk(root, topdown=False, onerror=_raise):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                _set_mode(path, folder_mode & 0o666)
                _sync(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        _set_mode(Path(folder), folder_mode)
        sync_folder(Path(folder))


def _rename_new(new: Path, out: Path) -> None:
    # `move` fails if another program has created `out` since the check; a plain rename would replace it.
    if not move(new, out):
        new.rename(out)
    try:
        sync_folder(out.parent)
    except BaseException:
        with suppress(OSError):
            out.rename(new)
        raise


def _replace_in_two_steps(new: Path, out: Path) -> None:
    journal, aside = journal_path(out), staging_path(out)
    try:
        with open(journal, "w", encoding="utf-8") as file:
            file.write(aside.name + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(out.parent)
        # Killed between the next two lines, `out` does not exist; the journal tells `repair` where it is.
        out.rename(aside)
        new.rename(out)
        sync_folder(out.parent)
    except BaseException:
        with suppress(OSError):  # if this fails too, the journal is left for `repair`
            if aside.exists():
                if out.exists():
                    out.rename(new)
                aside.rename(out)
            journal.unlink()
        raise
    with suppress(OSError):  # `repair` ignores a journal once out exists
        journal.unlink()
    shutil.rmtree(aside, ignore_errors=True)


def _rename(source: Path, target: Path, flags: int) -> bool:
    call = _system_call()
    if call is None:
        return False
    if call(os.fsencode(source), os.fsencode(target), flags) == 0:
        return True
    # errno of the C library, which `use_errno=True` keeps apart from Python's own.
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))


@cache
def _system_call() -> Callable[[bytes, bytes, int], int] | None:
    """The C library's rename with flags, or None where there is none."""
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
    at = _LINUX_AT_FDCWD
    return lambda source, target, flags: int(rename(at, source, at, target, flags))


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


_REPLACED = ".tokkit-replaced"


@contextmanager
def folder(out: Path, *, force: bool = False, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """A staging folder to write into; it becomes ``out`` on success and is deleted on any exception.

    With ``force`` an earlier output of tokkit is replaced. The caller writes the receipt (`write_receipt`)
    last.

    Raises OutputError where ``out`` may not be written (see `check_output`), is being written by another
    run, or writing fails; RuntimeError where the caller wrote no receipt.
    """
    check = partial(check_output, out, force=force, inputs=tuple(inputs), kind="folder")
    with _staged(out, check) as (real, staging):
        yield staging
        if not (staging / RECEIPT).is_file():
            raise RuntimeError(f"the folder for {out} was finished without {RECEIPT}")
        with raising_output_error(out, staging):
            sync_tree(staging)
            check()  # hours may have passed since the first check
            replace_folder(staging, real)


@contextmanager
def files(out: Path, *siblings: str, force: bool = False, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """A staging folder for the file ``out.name`` and its siblings; they are published on success.

    siblings   suffixes of further files: ``".weights.json"``, ``".tokkit.json"``. The caller writes
               ``staging / (out.name + ".weights.json")``. A sibling of an earlier run that this one does
               not write is removed, so that a file never has the siblings of another run.

    Each file is replaced in one step, ``.tokkit.json`` last; on an exception all are as before. A killed
    run may leave new siblings next to the old file, never a partial one, and the hashes in the receipt differ
    from theirs then (`changed_outputs`). Where ``out`` is a link, the file it points to is replaced, and the
    siblings are written next to that.

    Raises as `folder`; a sibling is protected like ``out`` when it is an input. RuntimeError where the
    caller wrote other files, or did not write ``out``.
    """
    read = tuple(inputs)
    # Siblings first, then the file, the receipt last: killed in between, a new receipt never describes an
    # old file.
    suffixes = sorted({"", *siblings}, key=lambda suffix: (suffix.endswith(RECEIPT), suffix == "", suffix))

    def check() -> Path:
        real = check_output(out, force=force, inputs=read, kind="file")
        for suffix in siblings:
            check_output(real.with_name(real.name + suffix), force=True, inputs=read, kind="file")
        return real

    with _staged(out, check) as (real, staging):
        yield staging
        written = {path.name for path in staging.iterdir()}
        if out.name not in written or not written <= {out.name + suffix for suffix in suffixes}:
            raise RuntimeError(f"the files for {out} are {sorted(written)}, with suffixes {suffixes}")
        with raising_output_error(out, staging):
            sync_tree(staging)
            check()
            _replace_files(
                [(staging / (out.name + end), real.with_name(real.name + end)) for end in suffixes],
                staging / _REPLACED,
            )


def write_file(out: Path, data: bytes, *, force: bool = False, inputs: Iterable[Path] = ()) -> None:
    """Write ``data``, a plot or a table, to ``out``. Raises as `folder`."""
    with files(out, force=force, inputs=inputs) as staging:
        (staging / out.name).write_bytes(data)


@contextmanager
def _staged(out: Path, check: Callable[[], Path]) -> Iterator[tuple[Path, Path]]:
    """The real path of ``out``, locked and repaired, and a staging folder that is deleted at the end."""
    # The lock file is created next to the output, so its folder has to exist first.
    real = check()
    with _parents(out, real), lock(real):
        with raising_output_error(out):
            repair(real)
            for path in leftovers(real):
                shutil.rmtree(path, ignore_errors=True)
        check()  # again: the repair may have brought back an earlier output
        staging = staging_path(real)
        try:
            with raising_output_error(out):
                staging.mkdir()
            with raising_write_error(out, staging):
                yield real, staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _parents(out: Path, real: Path) -> Iterator[None]:
    """Create the parent folders of ``real``; remove those created here if anything is raised inside."""
    created: list[Path] = []
    try:
        with raising_output_error(out):
            for path in reversed([path for path in real.parents if not path.exists()]):
                with suppress(FileExistsError):  # another run creates it at the same time
                    path.mkdir()
                    created.append(path)
                    sync_folder(path.parent)
        yield
    except BaseException:
        for path in reversed(created):
            with suppress(OSError):
                path.rmdir()
        raise


def _replace_files(moves: list[tuple[Path, Path]], replaced: Path) -> None:
    """For each (staged, target) pair, rename staged to target, or delete target where nothing was staged.

    The old files stay in ``replaced`` until all is done. Raises OSError, with all old files restored.
    """
    # The backups are inside the staging folder, so that the next run removes those of a killed one.
    replaced.mkdir()
    backups: list[tuple[Path, Path | None]] = []
    try:
        for staged, target in moves:
            backup = _back_up(target, replaced) if target.exists() else None
            backups.append((target, backup))
            if staged.exists():
                staged.replace(target)
            else:
                target.unlink(missing_ok=True)
        # One sync for all names: they are in the same folder, the parent of the staging folder.
        sync_folder(replaced.parent.parent)
    except BaseException:
        for target, backup in reversed(backups):
            with suppress(OSError):
                if backup is None:
                    target.unlink(missing_ok=True)
                else:
                    backup.replace(target)
        raise


def _back_up(target: Path, replaced: Path) -> Path:
    backup = replaced / target.name
    try:
        os.link(target, backup)
    except OSError:  # a file system without hard links
        shutil.copy2(target, backup)
    return backup
