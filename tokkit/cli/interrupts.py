"""Ctrl-C that is never lost: it raises as usual, and cancels the `Progress` of the command as well."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tokkit.cli.early_interrupt import exit_now
from tokkit.errors import Interrupted
from tokkit.views.progress_bar import Messages

# Seconds until an interrupt is raised again: what removes unfinished outputs is over by then.
_AGAIN = 1.0


@contextmanager
def cancelling(progress: Messages) -> Iterator[None]:
    """Inside, Ctrl-C raises `KeyboardInterrupt` and cancels ``progress``.

    Whatever becomes of the exception, at the end it is one again: another that it led to (a reader's, that a
    file is damaged) is wrong, and work whose last step dropped it does not end as if nothing had happened.
    Nothing changes where Python does not handle Ctrl-C, as in a shell's background job.
    """
    before = signal.getsignal(signal.SIGINT)
    ours = before in (signal.default_int_handler, exit_now)
    # `signal.signal` raises `ValueError` outside the main thread.
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return

    # Both are needed: the exception ends Python code at once, the flag ends threads and compiled loops, which
    # check `progress.cancelled()` between pieces of work.
    again: list[threading.Timer] = []

    # A library may drop the exception, as Python does in a callback from C. Code that waits for input looks
    # at no flag, so the exception is raised again until it arrives here.
    def stop(number: int, frame: FrameType | None) -> None:
        progress.stopping = True
        again.append(threading.Timer(_AGAIN, _interrupt_main_thread))
        again[-1].daemon = True
        again[-1].start()
        raise KeyboardInterrupt

    hook = sys.unraisablehook
    signal.signal(signal.SIGINT, stop)
    sys.unraisablehook = _without_interrupts
    try:
        yield
    except (KeyboardInterrupt, Interrupted):
        raise
    except BaseException as error:
        if progress.stopping:
            raise KeyboardInterrupt from error
        raise
    else:
        if progress.stopping:
            raise Interrupted("interrupted as the work was done: its output is complete")
    finally:
        for timer in again:
            timer.cancel()
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, before)


def is_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C caused an error: Python 3.11 turns one that hits a class body into `RuntimeError`."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _without_interrupts(unraisable: sys.UnraisableHookArgs) -> None:
    """Print an exception that Python has to drop, as it does by default, unless it is an interrupt."""
    if unraisable.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(unraisable)


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):
        # to that thread, so that a call of the system that it waits for returns
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
