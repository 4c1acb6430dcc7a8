"""Progress on standard error: a bar on a terminal, sentences alone elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tokkit.views.tables import printable

_NARROW = 72
"""Columns of a terminal below which per cent stand for bar, amount and rate."""


class Messages:
    """What is said goes to standard error, a line each; stages are not drawn.

    stopping  whether the user has asked to stop
    reworded  what a message is made into before it is said
    """

    stopping = False

    def __init__(self, reworded: Callable[[str], str] = str) -> None:
        self.reworded = reworded

    def start(self, stage: str, total: int | None, unit: str) -> None: ...

    def advance(self, amount: int, **shown: str) -> None: ...

    def finish(self) -> None: ...

    def say(self, message: str) -> None:
        sys.stderr.write(f"note: {printable(self.reworded(message))}\n")
        sys.stderr.flush()

    def cancelled(self) -> bool:
        return self.stopping


class Quiet(Messages):
    """Nothing is said."""

    def say(self, message: str) -> None: ...


class Bar(Messages):
    """A bar with amount, rate, time left and the figures of the moment, gone when its stage is over."""

    def __init__(self, reworded: Callable[[str], str] = str) -> None:
        super().__init__(reworded)
        self._drawn: Any = None
        self._task: Any = None

    def start(self, stage: str, total: int | None, unit: str) -> None:
        from rich import progress
        from rich.console import Console

        self.finish()
        console = Console(file=sys.stderr)
        in_bytes = unit == "bytes"
        narrow = bool(total) and console.width < _NARROW
        columns = [
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}", markup=False),
            *([progress.BarColumn(bar_width=24)] if total and not narrow else []),
            *([progress.TaskProgressColumn()] if total else []),
            *([progress.DownloadColumn(), progress.TransferSpeedColumn()] if in_bytes and not narrow else []),
            *([_Rate(unit)] if unit and not in_bytes and not narrow else []),
            progress.TextColumn("{task.fields[shown]}", markup=False),
            *([progress.TimeRemainingColumn()] if total else [progress.TimeElapsedColumn()]),
        ]
        self._drawn = progress.Progress(*columns, console=console, transient=True)
        self._task = self._drawn.add_task(stage, total=total, shown="")
        self._drawn.start()

    def advance(self, amount: int, **shown: str) -> None:
        if self._drawn is not None:
            told = {"shown": "  ".join(f"{name} {value}" for name, value in shown.items())} if shown else {}
            self._drawn.update(self._task, advance=amount, **told)

    def finish(self) -> None:
        if self._drawn is not None:
            self._drawn.stop()
            self._drawn = None

    def say(self, message: str) -> None:
        if self._drawn is not None:
            from rich.text import Text

            self._drawn.console.print(Text(f"note: {printable(self.reworded(message))}"))
        else:
            super().say(message)


def _Rate(unit: str) -> Any:  # noqa: N802 - a column type of rich, made where rich is loaded
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{task.completed:,.0f} {unit}" + (f", {speed:,.0f}/s" if speed else ""))

    return Rate()
