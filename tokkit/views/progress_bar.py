"""Progress on standard error: a bar on a terminal, messages only elsewhere, nothing with ``--quiet``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from tokkit.views.tables import printable

# Columns of a terminal below which a percentage replaces bar, amount and rate.
_NARROW = 72


class Messages:
    """Messages on standard error, one per line; stages are not displayed.

    stopping  whether the user has requested to stop
    reworded  applied to every message before it is written
    """

    stopping = False

    def __init__(self, reworded: Callable[[str], str] = str) -> None:
        self.reworded = reworded

    def start(self, stage: str, total: int | None, unit: str) -> None: ...

    def advance(self, amount: int, **current: str) -> None: ...

    def finish(self) -> None: ...

    def say(self, message: str) -> None:
        sys.stderr.write(f"note: {printable(self.reworded(message))}\n")
        sys.stderr.flush()

    def cancelled(self) -> bool:
        return self.stopping


class Quiet(Messages):
    """Write nothing."""

    def say(self, message: str) -> None: ...


class Bar(Messages):
    """A bar with amount, rate, time left and current values, removed at the end of its stage."""

    in_notebook = False

    def __init__(self, reworded: Callable[[str], str] = str) -> None:
        super().__init__(reworded)
        self._progress: Any = None
        self._task: Any = None

    def start(self, stage: str, total: int | None, unit: str) -> None:
        from rich import progress
        from rich.console import Console

        # A stage that ended with an error may have left its bar.
        self.finish()
        # A notebook has no terminal: rich finds its display where the console has no file.
        console = Console() if self.in_notebook else Console(file=sys.stderr)
        in_bytes = unit == "bytes"
        narrow = bool(total) and console.width < _NARROW
        columns = [
            progress.SpinnerColumn(),
            # Names are data: without `markup=False`, `[b]` in a path would vanish as a style.
            progress.TextColumn("{task.description}", markup=False),
            *([progress.BarColumn(bar_width=24)] if total and not narrow else []),
            *([progress.TaskProgressColumn()] if total else []),
            *([progress.DownloadColumn(), progress.TransferSpeedColumn()] if in_bytes and not narrow else []),
            *([_Rate(unit)] if unit and not in_bytes and not narrow else []),
            progress.TextColumn("{task.fields[values]}", markup=False),
            *([progress.TimeRemainingColumn()] if total else [progress.TimeElapsedColumn()]),
        ]
        self._progress = progress.Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(printable(stage), total=total, values="")
        self._progress.start()

    def advance(self, amount: int, **current: str) -> None:
        if self._progress is not None:
            values = printable("  ".join(f"{name} {value}" for name, value in current.items()))
            # Without new values the earlier ones stay displayed.
            self._progress.update(self._task, advance=amount, **({"values": values} if current else {}))

    def finish(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def say(self, message: str) -> None:
        if self._progress is not None:
            from rich.text import Text

            # Through the console of the bar, which would otherwise overwrite the message; as `Text`, because
            # rich raises an error for data such as `[/b]`.
            self._progress.console.print(Text(f"note: {printable(self.reworded(message))}"))
        else:
            super().say(message)


class NotebookBar(Bar):
    """The same bar below the cell of a notebook."""

    in_notebook = True


def _Rate(unit: str) -> Any:  # noqa: N802 - a class of rich columns, defined where rich is loaded
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{task.completed:,.0f} {unit}" + (f", {speed:,.0f}/s" if speed else ""))

    return Rate()
