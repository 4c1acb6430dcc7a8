"""Publish an output atomically: build it in a staging folder next to it, sync, rename.

    check -> lock -> repair -> sweep -> the caller writes into a staging folder -> sync -> rename

Killed, interrupted or out of space at any point, the output is either the old one or the new one, complete.
The next run removes what a killed run left next to it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokkit.files.check import check_output, raising_output_error, raising_write_error
from tokkit.files.exchange import repair, replace_folder, sync_folder, sync_tree
from tokkit.files.receipts import RECEIPT
from tokkit.files.staging import leftovers, lock, staging_path

_REPLACED = ".tokkit-replaced"


@contextmanager
def folder(out: Path, *, force: bool = False, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """A staging folder to write into; it becomes ``out`` on success and is deleted on any exception.

    With ``force`` an earlier output of tokkit is replaced. The caller writes the receipt (`write_receipt`)
    last.

    Raises OutputError where ``out`` may not be written (see `check_output`), is being written by another
    run, or writing fails; RuntimeError where the caller wrote no receipt.
    """
    read = tuple(inputs)

    def check() -> Path:
        return check_output(out, force=force, inputs=read, kind="folder")

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
    run may leave new siblings next to the old file, never a partial one. Where ``out`` is a link, the file
    it points to is replaced, and the siblings are written next to that.

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
