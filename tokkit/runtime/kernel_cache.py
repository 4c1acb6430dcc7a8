"""The folder that keeps the machine code of kernels between runs; looking into it does not import Numba."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from pathlib import Path

from tokkit.files import private_folder
from tokkit.progress import Progress


@functools.cache
def cache_folder() -> Path:
    """Folder of the machine code of these very kernels.

    To tell whether a cached function is stale, Numba compares the modification time of the function's own
    file, though kernels call each other across files. So the folder is named after the content of all files.
    """
    # sorted, since the order of a folder's files differs between file systems
    sources = sorted(Path(__file__).parents[1].rglob("*kernel*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    return _user_cache() / f"kernels-{digest}"


def is_compiled(module: str) -> bool:
    """Whether machine code of a module of kernels is in the cache; ``module`` is the end of its name."""
    try:
        return any(cache_folder().rglob(f"{module}.*.nbc"))
    except (OSError, RuntimeError):
        return False


def say_if_compiling(module: str, progress: Progress) -> None:
    """Tell the user that a module of kernels has to be compiled first, where it is not in the cache."""
    if is_compiled(module):
        return
    try:
        private_folder(cache_folder())
        writable = os.access(cache_folder(), os.W_OK)
    except (OSError, RuntimeError):
        writable = False
    when = "first run only" if writable else "every run: NUMBA_CACHE_DIR can name a folder to cache them"
    progress.say(f"compiling the {module.replace('_', ' ')} ({when})")


def _user_cache() -> Path:
    if folder := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(folder) / "tokkit"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "tokkit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tokkit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tokkit"
