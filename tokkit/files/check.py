"""Whether an output may be written: asked before any work is done, and again before it is published.

What is never replaced, not even with ``force``: an input or what holds one, the folder one works in,
a folder that tokkit did not write, a device, a mount point.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from tokkit.errors import OutputError
from tokkit.files.receipts import RECEIPT

Kind = Literal["folder", "file"]

_CHOOSE = "choose another -o"


def check_output(
    out: Path, *, force: bool = False, inputs: Iterable[Path] = (), kind: Kind | None = None
) -> Path:
    """The real path of ``out``, links resolved, if it may be written (or, with ``force``, replaced).

    inputs   the files and folders the run reads; those that do not exist are passed over
    kind     what is to go there; None where the caller does not know yet

    Nothing is created. Raises OutputError where ``out`` exists and ``force`` is not given; where it is an
    input or holds one (device and inode compared); where it is or holds the working folder; where a folder
    stands for a file or the reverse; where it is a folder neither empty nor tokkit's (no `tokkit.json`);
    and where the folder it lies in cannot be written to.
    """
    try:
        real = out.resolve()
        if os.path.lexists(real):
            _check_existing(out, real, force, inputs, kind)
        _check_parent(out, real)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{out}: cannot be written ({reason})", _CHOOSE) from error
    return real


def _check_existing(out: Path, real: Path, force: bool, inputs: Iterable[Path], kind: Kind | None) -> None:
    there = real.stat()
    for path, given, itself in _with_parents(inputs):
        if _is(path, there):
            what = "is an input" if itself else f"holds the input {given}"
            raise OutputError(f"{out}: {what}, which is never replaced", _CHOOSE)
    if not real.is_dir():
        if not real.is_file():
            raise OutputError(f"{out}: is neither a file nor a folder", _CHOOSE)
        if kind == "folder":
            raise OutputError(f"{out}: is a file, and a folder is to be written", _CHOOSE)
    elif kind == "file":
        raise OutputError(f"{out}: is a folder, and a file is to be written", f"choose a file: -o {out}/NAME")
    elif os.path.ismount(real) or any(_is(path, there) for path in _working_folders()):
        what = "is a mount point" if os.path.ismount(real) else "is or holds the folder you are in"
        raise OutputError(f"{out}: {what} and cannot be replaced", f"choose a new folder: -o {out}/NAME")
    if not force:
        raise OutputError(f"{out}: already exists", f"--force replaces it, or {_CHOOSE}")
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
    """(path, input, whether that is itself): inputs and the folders above, as given and links resolved."""
    seen: set[Path] = set()
    for given in inputs:
        for start in (given.absolute(), given.resolve()):
            if ".." in start.parts:  # its parents are not those it seems to have
                continue
            for path in (start, *start.parents):
                if path in seen:
                    break
                seen.add(path)
                yield path, given, path == start


def _working_folders() -> tuple[Path, ...]:
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was removed under us
        return ()
    return (here, *here.parents)


def _is(path: Path, there: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(path.stat(), there)
    return False
