"""The names of what stands beside an output while it is written.

    out/                              the output
    .out.tokkit-lock                  held by the run that writes it (`locks`)
    .out.tokkit-journal               an exchange in two steps is under way (`exchange`)
    .out.tokkit-0123456789abcdef/     a folder being built, or an old one on its way out
    .out.tokkit-counting/             work that a run of `count` goes on with after a kill

The folders with a number are swept by the next run; nothing else beside an output is ever touched, except
that `count` tends its own work, under the lock.
"""

from __future__ import annotations

import os
import re
from pathlib import Path


def lock_path(out: Path) -> Path:
    """The lock file of ``out``."""
    return out.with_name(f".{out.name}.tokkit-lock")


def journal_path(out: Path) -> Path:
    """The journal of an exchange of ``out`` that takes two steps."""
    return out.with_name(f".{out.name}.tokkit-journal")


def staging_path(out: Path) -> Path:
    """A name beside ``out`` that nobody uses yet."""
    return out.with_name(f".{out.name}.tokkit-{os.urandom(8).hex()}")


def work_path(out: Path, work: str) -> Path:
    """Where work on ``out`` that outlives a killed run stands: ``work`` says what it is, ``counting``."""
    return out.with_name(f".{out.name}.tokkit-{work}")


def is_staging(name: str, out: Path) -> bool:
    """Whether ``name`` is one that `staging_path` gives for ``out``."""
    return re.fullmatch(re.escape(f".{out.name}.tokkit-") + "[0-9a-f]{16}", name) is not None


def leftovers(out: Path) -> list[Path]:
    """The folders that killed runs left beside ``out``; ask only while holding its lock."""
    return sorted(
        path
        for path in out.parent.iterdir()
        if is_staging(path.name, out) and path.is_dir() and not path.is_symlink()
    )
