"""Progress on standard error: a bar on a terminal, messages only elsewhere, nothing with ``--quiet``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import Any, TextIO

from tokkit.errors import in_units
from tokkit.views.text import folded, in_message, printable

# Columns of the bar, which shrinks in steps: it is not to change with every digit of the amount.
_BAR, _STEP = 24, 8
# Columns that the name of a stage keeps next to amount, rate and values.
_NAME = 24


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
        sys.stderr.write(f"note: {in_message(self.reworded(message))}\n")
        sys.stderr.flush()

    def cancelled(self) -> bool:
        return self.stopping


class Quiet(Messages):
    """Write nothing."""

    def say(self, message: str) -> None: ...


class Bar(Messages):
    """A line with bar, amount, rate, current values and time left, removed at the end of its stage."""

    def __init__(self, reworded: Callable[[str], str] = str) -> None:
        super().__init__(reworded)
        # A descriptor of its own: while that of standard error is captured, which `guarded` of
        # `runtime.panics` does, what the bar wrote would reach the terminal after its end.
        self._terminal = _duplicate(sys.stderr)
        self._progress: Any = None
        self._task: Any = None

    def start(self, stage: str, total: int | None, unit: str) -> None:
        from rich import progress

        # A stage that ended with an error may have left its bar.
        self.finish()
        console = self._console()
        # Without cursor movements (TERM=dumb) rich would leave an empty line at the end of every stage.
        if not console.is_interactive:
            return
        columns = progress.SpinnerColumn(), _Line(unit, console)
        self._progress = progress.Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(printable(stage), total=total, values=[])
        self._progress.start()

    def advance(self, amount: int, **current: str) -> None:
        if self._progress is not None:
            values = [printable(f"{name} {value}") for name, value in current.items()]
            # Without new values the earlier ones stay displayed.
            self._progress.update(self._task, advance=amount, **({"values": values} if current else {}))

    def finish(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def say(self, message: str) -> None:
        from rich.text import Text

        console = self._progress.console if self._progress is not None else self._console()
        text = f"note: {in_message(self.reworded(message))}"
        # Through the console of the bar, which would otherwise overwrite the message; as `Text`, because
        # rich raises an error for data such as `[/b]`; folded here, because rich breaks long words.
        console.print(Text(folded(text, console.width)), soft_wrap=True)

    def _console(self) -> Any:
        from rich.console import Console

        return Console(file=self._terminal, width=_columns(self._terminal))


def _duplicate(stream: TextIO) -> TextIO:
    return open(os.dup(stream.fileno()), "w", encoding=stream.encoding, errors="backslashreplace")


def _columns(terminal: TextIO) -> int:
    """The columns of a terminal, and of one that does not know them those of the environment, or 80."""
    # rich believes COLUMNS first, and standard input: of a bar that takes two lines it would erase one.
    return os.get_terminal_size(terminal.fileno()).columns or shutil.get_terminal_size().columns


def _Line(unit: str, console: Any) -> Any:  # noqa: N802 - a class of rich columns, defined where rich is loaded
    from rich.cells import cell_len
    from rich.filesize import decimal
    from rich.progress import ProgressColumn, Task, TimeElapsedColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    def quantity(amount: float) -> str:
        return decimal(int(amount)) if unit == "bytes" else f"{amount:,.0f}"

    class Line(ProgressColumn):
        """What fits one line: time and share always, then the name, values, amount and rate, the bar."""

        def render(self, task: Task) -> Text:
            time = (TimeElapsedColumn if task.total is None else TimeRemainingColumn)().render(task)
            after = [Text(f"{task.percentage:.0f}%", "progress.percentage")] if task.total else []
            speed = task.finished_speed or task.speed
            so_far = int(task.completed)
            amount = decimal(so_far) if unit == "bytes" else in_units(so_far, unit)
            amounts = [f"{amount}, {quantity(speed)}/s" if speed else amount] if unit else []
            # The window may have become narrower.
            console.width = _columns(console.file)
            name = Text(task.description)
            # A terminal that does not join emoji displays each of the joined ones.
            unjoined = sum(map(cell_len, name.plain)) - name.cell_len
            # The spinner takes two columns, and the last one stays free: some terminals wrap after it.
            room = console.width - 3 - unjoined - sum(text.cell_len + 2 for text in (*after, time))
            for detail in map(Text, [*task.fields["values"], *amounts]):
                if room - detail.cell_len - 2 >= min(name.cell_len, _NAME):
                    room -= detail.cell_len + 2
                    after.append(detail)
            name.truncate(max(room, 1), overflow="ellipsis")
            width = min(_BAR, (room - name.cell_len - 2) // _STEP * _STEP) if task.total else 0
            done = Text("━" * int(width * task.percentage / 100), "bar.complete")
            colored = console.color_system and not console.no_color
            rest = Text("━" * (width - len(done)) if colored else "", "bar.back")
            rest.pad_right(width - len(done) - len(rest))
            return Text("  ").join([name, *([done + rest] if width > 0 else []), *after, time])

    return Line(Column(no_wrap=True))
