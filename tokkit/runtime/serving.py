"""Work that cannot be interrupted, done in a child process that can be killed: the child's side.

A module that `children.ask` starts ends with ``serve(work)``. The job comes in on standard input; answered
is one JSON object a line: ``{"done": n}`` while it works, then ``{"result": ...}`` or ``{"error": ...}``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tokkit.errors import EXIT_BUG, TokkitError

_REPORT_EVERY = 0.1


def serve(what: str, work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Reads a job, does the work, answers; ends at once when the parent is gone.

    what  names the work in the error that a failure of the library becomes
    """
    asked = sys.stdin.readline()
    if not asked:
        return  # the parent was gone before it asked
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _answer(result=work(json.loads(asked)))
    except TokkitError as error:
        _answer(error={"message": error.message, "hint": error.hint, "exit_code": error.exit_code})
    except BaseException as error:  # a panic of the library is no Exception
        told = f"{what} failed: {type(error).__name__}: {error}"
        _answer(error={"message": told, "hint": None, "exit_code": EXIT_BUG})
    os._exit(0)  # the thread that waits for the parent's end holds standard input


class Reporter:
    """Tells the parent how much was done, ten times a second; ``total`` is all of it."""

    def __init__(self) -> None:
        self.total = 0
        self._told = 0
        self._reported = time.monotonic()

    def __call__(self, amount: int) -> None:
        self.total += amount
        if time.monotonic() - self._reported >= _REPORT_EVERY:
            _answer(done=self.total - self._told)
            self._told, self._reported = self.total, time.monotonic()


def _answer(**message: Any) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # the parent is gone


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
