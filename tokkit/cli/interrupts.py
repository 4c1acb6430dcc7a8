"""Ctrl-C that cannot get lost: it raises as ever, and is remembered for when the work next asks."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tokkit.views.progress_bar import Sentences


@contextmanager
def remembered(progress: Sentences) -> Iterator[None]:
    """While it is open, Ctrl-C raises `KeyboardInterrupt` and makes ``progress`` tell that work is cancelled.

    An exception that arises in a callback from C, as while LLVM asks for a compiled kernel, is printed and
    dropped by Python: the work would go on. Where Ctrl-C is not Python's own affair, as in a job that a shell
    put in the background, nothing is changed.
    """
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        progress.stopping = True
        raise KeyboardInterrupt

    hook = sys.unraisablehook
    signal.signal(signal.SIGINT, stop)
    sys.unraisablehook = _without_interrupts
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, signal.default_int_handler)


def came_of_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C is behind an error: while a class is made, Python 3.11 raises `RuntimeError` from it."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, KeyboardInterrupt):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _without_interrupts(unraisable: sys.UnraisableHookArgs) -> None:
    """Prints what Python had to drop, as it does by itself, but not an interrupt, which is remembered."""
    if unraisable.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(unraisable)
