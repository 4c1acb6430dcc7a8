"""Where it went: seconds and memory of each stage of long work."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tokkit.progress import Progress


class Stages:
    """Opens the stages of a `Progress` and keeps what each took."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.taken: list[dict[str, Any]] = []
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the work began."""
        return round(time.monotonic() - self._started, 3)

    @contextmanager
    def stage(self, name: str, total: int | None = None, unit: str = "") -> Iterator[Progress]:
        """One stage; kept when it ends well."""
        started = time.monotonic()
        self.progress.start(name, total, unit)
        try:
            yield self.progress
        finally:
            self.progress.finish()
        seconds = round(time.monotonic() - started, 3)
        self.taken.append({"stage": name, "seconds": seconds, "peak_memory": peak_memory()})


def peak_memory() -> int | None:
    """The most memory, in bytes, that this process or a child of it has held so far; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    own = _high_water_mark() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return max(own, children)


def _high_water_mark() -> int | None:
    """From Linux itself: what `getrusage` says goes on from the process that started this one."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            told = next(line for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None
    return int(told.split()[1]) * 1024
