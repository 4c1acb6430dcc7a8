"""Progress of long work: what it reports to, whether to stop, and how long each stage took.

A worker is given a `Progress`. It starts a stage, advances it, and says in a sentence what it chose or
guessed. The default, `SILENT`, does nothing; the command line passes one that shows a progress bar.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tokkit.errors import Interrupted


class Progress(Protocol):
    """The interface a worker reports to."""

    def start(self, stage: str, total: int | None, unit: str) -> None:
        """Start a stage of ``total`` units (None where the total is unknown)."""

    def advance(self, amount: int, **metrics: str) -> None:
        """Count ``amount`` more units as done; ``metrics`` are current values, such as the loss."""

    def finish(self) -> None:
        """End the stage."""

    def say(self, message: str) -> None:
        """Report one sentence to the user: a choice, a guess, a warning."""

    def cancelled(self) -> bool:
        """Whether the work should stop; long work calls this at least every 100 ms."""


class Silent:
    """A `Progress` that reports nothing and is never cancelled."""

    def start(self, stage: str, total: int | None, unit: str) -> None: ...

    def advance(self, amount: int, **metrics: str) -> None: ...

    def finish(self) -> None: ...

    def say(self, message: str) -> None: ...

    def cancelled(self) -> bool:
        return False


SILENT: Progress = Silent()


class SayOnce:
    """A `Progress` that forwards to another, but no sentence twice: for work that may be restarted."""

    def __init__(self, progress: Progress) -> None:
        self.start = progress.start
        self.advance = progress.advance
        self.finish = progress.finish
        self.cancelled = progress.cancelled
        self._say = progress.say
        self._said: set[str] = set()

    def say(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            self._say(message)


class PartOfStage(Silent):
    """A `Progress` for work on some rows, which count as ``units`` of the stage they belong to.

    >>> part = PartOfStage(progress, rows=200, units=3_000)
    >>> part.advance(100)               # `progress` advances by 1,500
    >>> part.complete()                 # by the rest
    """

    def __init__(self, progress: Progress, rows: int, units: int) -> None:
        self._progress, self._rows, self._units = progress, rows, units
        self._done = self._reported = 0

    def cancelled(self) -> bool:
        return self._progress.cancelled()

    def advance(self, amount: int, **metrics: str) -> None:
        self._done += amount
        self._report(self._units * self._done // self._rows, **metrics)

    def complete(self) -> None:
        """Count all units of the part as done."""
        self._report(self._units)

    def _report(self, units: int, **metrics: str) -> None:
        self._progress.advance(units - self._reported, **metrics)
        self._reported = units


@contextmanager
def stage(progress: Progress, name: str, total: int | None = None, unit: str = "") -> Iterator[None]:
    """Report one stage, and its end also when the work fails."""
    progress.start(name, total, unit)
    try:
        yield
    finally:
        progress.finish()


def stop_if_cancelled(progress: Progress) -> None:
    """Raise `Interrupted` once the user has cancelled the work."""
    if progress.cancelled():
        raise Interrupted


class Stages:
    """Stages of a `Progress`, with seconds and peak memory of each in ``records``."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.records: list[dict[str, Any]] = []
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the work started."""
        return round(time.monotonic() - self._started, 3)

    @contextmanager
    def stage(self, name: str, total: int | None = None, unit: str = "") -> Iterator[Progress]:
        """Report one stage; record it when it ends without an exception."""
        started = time.monotonic()
        with stage(self.progress, name, total, unit):
            yield self.progress
        seconds = round(time.monotonic() - started, 3)
        self.records.append({"stage": name, "seconds": seconds, "peak_memory": peak_memory()})


def peak_memory() -> int | None:
    """The peak memory in bytes of this process or a child of it; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource  # does not exist on Windows

    # `ru_maxrss` is in bytes on macOS and in KiB elsewhere.

    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    own = _high_water_mark() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return max(own, children)


def _high_water_mark() -> int | None:
    """The peak memory in bytes as Linux counts it; None on other systems."""
    # `getrusage` starts with the peak of the process that started this one, VmHWM does not.
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1]) * 1024
