"""What long work reports to, and asks whether to stop.

A worker is given a `Progress`. It opens a stage, advances it, and says in a sentence what it chose
or guessed. The default, `SILENT`, does nothing; the command line passes one that draws a bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from tokkit.errors import Interrupted


class Progress(Protocol):
    """Where a worker reports to."""

    def start(self, stage: str, total: int | None, unit: str) -> None:
        """A new stage of ``total`` units (None where nobody knows) begins."""

    def advance(self, amount: int, **shown: str) -> None:
        """``amount`` units more are done; ``shown`` are figures of the moment, such as the loss."""

    def finish(self) -> None:
        """The stage is over."""

    def say(self, message: str) -> None:
        """A sentence for the user: a choice, a guess, a warning."""

    def cancelled(self) -> bool:
        """Whether the work is to stop; long work asks at least every 100 ms."""


class Silent:
    """Reports to nobody and never stops."""

    def start(self, stage: str, total: int | None, unit: str) -> None: ...

    def advance(self, amount: int, **shown: str) -> None: ...

    def finish(self) -> None: ...

    def say(self, message: str) -> None: ...

    def cancelled(self) -> bool:
        return False


SILENT: Progress = Silent()


class SayingOnce:
    """Reports to another, but says no sentence twice: for work that may have to begin anew."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._said: set[str] = set()

    def start(self, stage: str, total: int | None, unit: str) -> None:
        self._progress.start(stage, total, unit)

    def advance(self, amount: int, **shown: str) -> None:
        self._progress.advance(amount, **shown)

    def finish(self) -> None:
        self._progress.finish()

    def say(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            self._progress.say(message)

    def cancelled(self) -> bool:
        return self._progress.cancelled()


@contextmanager
def stage(progress: Progress, name: str, total: int | None = None, unit: str = "") -> Iterator[None]:
    """One stage of work, closed also when the work fails."""
    progress.start(name, total, unit)
    try:
        yield
    finally:
        progress.finish()


def stop_if_cancelled(progress: Progress) -> None:
    """Raises `Interrupted` once the user has asked to stop."""
    if progress.cancelled():
        raise Interrupted
