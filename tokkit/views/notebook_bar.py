"""Progress below the cell of a notebook: one line, which the stages of a call share, empty at their end.

Not rich's: each of its bars leaves two outputs in the saved notebook, and needs ipywidgets.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tokkit.errors import in_units
from tokkit.views.progress_bar import Messages
from tokkit.views.text import printable

# Seconds of a stage before the line is displayed, and between two states of it.
_PAUSE = 0.25


class NotebookBar(Messages):
    """Bar, name, amount, rate and current values of the stage."""

    def __init__(self, reworded: Callable[[str], str] = str) -> None:
        super().__init__(reworded)
        self._display: Any = None
        self._amount, self._values = 0, dict[str, str]()

    def start(self, stage: str, total: int | None, unit: str) -> None:
        self.finish()
        self._name, self._total, self._unit = printable(stage), total, unit
        self._started = self._updated = time.monotonic()

    def advance(self, amount: int, **current: str) -> None:
        self._amount += amount
        self._values = current or self._values
        now = time.monotonic()
        if now - self._updated >= _PAUSE:
            self._updated = now
            bar, line = self._line(now - self._started)
            self._update({"text/plain": line, "text/html": f"{bar} <code>{html.escape(line)}</code>"})

    def finish(self) -> None:
        self._amount, self._values = 0, {}
        if self._display is not None:
            self._update({"text/plain": "", "text/html": ""})

    def _line(self, seconds: float) -> tuple[str, str]:
        rate = self._amount / max(seconds, 1e-9)
        amount = in_units(self._amount, self._unit)
        amounts = [f"{amount}, {rate:,.0f}/s"] if self._unit else []
        values = [printable(f"{name} {value}") for name, value in self._values.items()]
        if not self._total:
            return "", "  ".join([self._name, *values, *amounts])
        share = min(self._amount / self._total, 1)
        return f'<progress value="{share:.3f}"></progress>', "  ".join(
            [self._name, f"{share:.0%}", *values, *amounts]
        )

    def _update(self, content: dict[str, str]) -> None:
        if self._display is None:
            # A kernel has it; elsewhere this bar is not used.
            display = import_module("IPython.display").display
            self._display = display(content, raw=True, display_id=True)
        else:
            self._display.update(content, raw=True)
