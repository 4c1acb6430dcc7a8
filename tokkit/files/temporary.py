"""Temporary folders that do not outlast their process: the next run removes those of killed ones."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tokkit.errors import OutputError
from tokkit.files.staging import lock, raising_output_error


@contextmanager
def temporary_folder(kind: str) -> Iterator[Path]:
    """A new folder, ``tokkit-KIND-...`` in the system's for temporary files, removed at the end.

    Its lock, which the operating system drops with the process, tells the next run whether it is in use.
    Raises `OutputError` where it cannot be created.
    """
    parent = Path(tempfile.gettempdir())
    with suppress(OSError):
        for path in parent.glob(f"tokkit-{kind}-*"):
            if path.is_dir() and not path.is_symlink():
                _remove_unused(path)
    folder = parent / f"tokkit-{kind}-{os.urandom(8).hex()}"
    # The lock comes first: a folder without one would be removed by another run.
    with lock(folder):
        with raising_output_error(folder):
            folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_unused(folder: Path) -> None:
    # not those of other users: their locks cannot be opened
    with suppress(OutputError), lock(folder):
        shutil.rmtree(folder, ignore_errors=True)
