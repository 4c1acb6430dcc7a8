"""Writing an output: built beside it, synced, and given its name in one step.

    check -> lock -> repair -> sweep -> the caller writes into a staging folder -> sync -> rename

Killed, interrupted or out of space at any point, the output is the old one or the new one, whole; what a
killed run leaves beside it is swept by the next.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokkit.files.check import check_output
from tokkit.files.exchange import repair, replace_folder
from tokkit.files.failures import reported, writes_reported
from tokkit.files.locks import lock
from tokkit.files.names import leftovers, staging_path
from tokkit.files.receipts import RECEIPT
from tokkit.files.sync import sync_folder, sync_tree

_REPLACED = ".tokkit-replaced"


@contextmanager
def folder(out: Path, *, force: bool = False, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """A staging folder to write into; on clean exit it is ``out``, on any exception it is gone.

    With ``force`` an earlier output of tokkit is replaced. The caller writes the receipt (`write_receipt`)
    as the last file.

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
        with reported(out, staging):
            sync_tree(staging)
            check()
            replace_folder(staging, real)


@contextmanager
def files(out: Path, *siblings: str, force: bool = False, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """A staging folder for the file ``out.name`` and what belongs to it; on clean exit they are published.

    siblings   what may follow the name: ``".weights.json"``, ``".tokkit.json"``. The caller writes
               ``staging / (out.name + ".weights.json")``; one it does not write is removed, if an earlier
               run left it, so that what stands together belongs together.

    Each file is replaced in one step, ``.tokkit.json`` last; on an exception all are as before. A killed
    run may leave new siblings beside the old file, never a partial one. Where ``out`` is a link, the file
    it points to is replaced, and the siblings stand beside that.

    Raises as `folder`; a sibling is protected like ``out`` when it is an input. RuntimeError where the
    caller wrote something else, or not ``out``.
    """
    read = tuple(inputs)
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
        with reported(out, staging):
            sync_tree(staging)
            check()
            _replace_files(
                [(staging / (out.name + end), real.with_name(real.name + end)) for end in suffixes],
                staging / _REPLACED,
            )


def write_file(out: Path, data: bytes, *, force: bool = False, inputs: Iterable[Path] = ()) -> None:
    """``out`` holds ``data``: a picture, a table. Raises as `folder`."""
    with files(out, force=force, inputs=inputs) as staging:
        (staging / out.name).write_bytes(data)


@contextmanager
def _staged(out: Path, check: Callable[[], Path]) -> Iterator[tuple[Path, Path]]:
    """The real path of ``out``, locked and repaired, and a staging folder that is gone in the end."""
    real = check()
    with _parents(out, real), lock(real):
        with reported(out):
            repair(real)
            for path in leftovers(real):
                shutil.rmtree(path, ignore_errors=True)
        check()  # again: the repair may have brought back an earlier output
        staging = staging_path(real)
        try:
            with reported(out):
                staging.mkdir()
            with writes_reported(out, staging):
                yield real, staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _parents(out: Path, real: Path) -> Iterator[None]:
    """The folders above ``real`` exist; those made here are gone again if anything is raised inside."""
    made: list[Path] = []
    try:
        with reported(out):
            for path in reversed([path for path in real.parents if not path.exists()]):
                with suppress(FileExistsError):  # another run was faster
                    path.mkdir()
                    made.append(path)
                    sync_folder(path.parent)
        yield
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir()
        raise


def _replace_files(moves: list[tuple[Path, Path]], replaced: Path) -> None:
    """Each (staged, target) pair: target is what was staged, or gone where nothing was.

    The old files are kept in ``replaced`` until all is done. Raises OSError, with all old files in place.
    """
    replaced.mkdir()
    begun: list[tuple[Path, Path | None]] = []
    try:
        for staged, target in moves:
            kept = _keep(target, replaced) if target.exists() else None
            begun.append((target, kept))
            if staged.exists():
                staged.replace(target)
            else:
                target.unlink(missing_ok=True)
        sync_folder(replaced.parent.parent)
    except BaseException:
        for target, kept in reversed(begun):
            with suppress(OSError):
                if kept is None:
                    target.unlink(missing_ok=True)
                else:
                    kept.replace(target)
        raise


def _keep(target: Path, replaced: Path) -> Path:
    kept = replaced / target.name
    try:
        os.link(target, kept)
    except OSError:  # a file system without hard links
        shutil.copy2(target, kept)
    return kept
