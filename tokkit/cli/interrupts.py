"""Ctrl-C that is never lost: it raises as usual, and cancels the `Progress` of the command as well."""

from __future__ import annotations

import os
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
# Seconds until a signal whose handler has not raised is sent again.
_HANDLED = 0.05


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

    raised = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        # Both are needed: the exception ends Python code at once, the flag ends threads and compiled loops,
        # which check `progress.cancelled()` between pieces of work.
        progress.stopping = True
        # In C++ code that a module runs as it is loaded, as torch does, the exception aborts the process.
        if not _is_importing(frame):
            raised.set()
            raise KeyboardInterrupt

    hook = sys.unraisablehook
    signal.signal(signal.SIGINT, stop)
    sys.unraisablehook = _without_interrupts
    try:
        with _raised_until_it_arrives(raised):
            yield
    # GeneratorExit: the interrupt came as the block was entered, and nobody is left to raise another to
    except (KeyboardInterrupt, Interrupted, GeneratorExit):
        raise
    except BaseException as error:
        if progress.stopping:
            raise KeyboardInterrupt from error
        raise
    else:
        if progress.stopping:
            raise Interrupted("interrupted as the work was done: its output is complete")
    finally:
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


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being loaded where a frame was interrupted."""
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


def _without_interrupts(unraisable: sys.UnraisableHookArgs) -> None:
    """Print an exception that Python has to drop, as it does by default, unless it is an interrupt."""
    if unraisable.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(unraisable)


@contextmanager
def _raised_until_it_arrives(raised: threading.Event) -> Iterator[None]:
    """Inside, a SIGINT whose exception does not come out is sent to the main thread again and again.

    A library may drop the exception, as Python does in a callback from C, none is raised while a module is
    loaded, and code that waits for input looks at no flag. polars replaces the handler by one under which
    system calls that wait are restarted.
    """
    # Windows interrupts no system call.
    if not hasattr(signal, "pthread_kill"):
        yield
        return
    reader, writer = os.pipe()
    # Python's handler in C writes a byte into it for each signal, before any code in Python runs.
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    over = threading.Event()
    watcher = threading.Thread(target=_interrupt_again, args=(reader, raised, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.close(writer)
        watcher.join()
        os.close(reader)


def _interrupt_again(reader: int, raised: threading.Event, over: threading.Event) -> None:
    main_thread = threading.main_thread().ident or 0
    while signals := os.read(reader, 64):
        if signal.SIGINT not in signals:
            continue
        signal.siginterrupt(signal.SIGINT, True)
        # The byte comes before the handler runs. Where that has raised, its exception has time to arrive.
        if over.wait(_HANDLED) or (raised.is_set() and over.wait(_AGAIN)):
            continue
        signal.pthread_kill(main_thread, signal.SIGINT)
