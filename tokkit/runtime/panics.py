"""One boundary for libraries in Rust and C++: whatever they raise on damaged data, panics included.

pyo3 raises a panic of Rust as ``PanicException``, which does not derive from `Exception`, after Rust has
written a report of it to the file descriptor of standard error.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from tokkit.errors import InputError, TokkitError

_LONGEST = 300
_PANIC = "PanicException"
_OF_CODE = (TypeError, KeyError, IndexError, AttributeError)
_OF_NUMBERS = ("invalid literal for ", "could not convert string to ")


@contextmanager
def guarded(message: str, hint: str | None = None) -> Iterator[None]:
    """Turn what the library raises inside, panics included, into an `InputError` with that message."""
    try:
        with _QUIET_PANICS:
            yield
    except (KeyboardInterrupt, SystemExit, MemoryError, GeneratorExit, TokkitError):
        raise
    except BaseException as error:
        raise InputError(f"{message}: {reason_of(error)}", hint) from error


def is_panic(error: BaseException) -> bool:
    """Whether an error is a panic of a library in Rust."""
    return type(error).__name__ == _PANIC


def reason_of(error: BaseException) -> str:
    """The first line of what an error says, at most 300 characters; its type where it says nothing.

    What Python says of a value that code did not expect, "unhashable type: 'dict'" or "invalid literal for
    int()", is of no use to a user.
    """
    if type(error) in _OF_CODE or (type(error) is ValueError and str(error).startswith(_OF_NUMBERS)):
        return "a value in it is missing, or is of another type than expected"
    said = str(error).strip().splitlines() or [type(error).__name__]
    return said[0][:_LONGEST]


_STANDARD_ERROR = 2


class _StandardErrorCapture:
    """File descriptor 2 redirected to a temporary file while at least one thread is inside.

    Afterwards what was written there is passed on, unless the library panicked.

    The panic hook of Rust writes to the descriptor itself, past `sys.stderr`, and the descriptor belongs to
    the process: threads that are inside at the same time share one redirection. The temporary file is made
    once a process, since small calls of libraries are many.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.threads_inside = 0
        self.panicked = False
        self.real = -1
        self.captured: IO[bytes] | None = None
        self.file: IO[bytes] | None = None
        self.process = -1

    def __enter__(self) -> None:
        with self.lock:
            self.threads_inside += 1
            if self.threads_inside == 1:
                self.panicked = False
                try:
                    self.captured = self._own_file()
                    self.real = os.dup(_STANDARD_ERROR)
                    os.dup2(self.captured.fileno(), _STANDARD_ERROR)
                except OSError:  # no standard error, or no temporary folder: nothing is captured
                    self.captured = None

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        with self.lock:
            self.threads_inside -= 1
            self.panicked |= error is not None and error.__name__ == _PANIC
            if self.threads_inside or self.captured is None:
                return
            os.dup2(self.real, _STANDARD_ERROR)
            os.close(self.real)
            output = b""
            # what is written to the descriptor moves the position of the file
            if self.captured.tell():
                self.captured.seek(0)
                output = self.captured.read()
                self.captured.seek(0)
                self.captured.truncate()
            self.captured = None
            # What others wrote meanwhile is passed on; the report of a panic becomes our own message.
            if output and not self.panicked:
                os.write(_STANDARD_ERROR, output)

    def _own_file(self) -> IO[bytes]:
        """The temporary file of this process; one that a fork shares with its parent is not used."""
        if self.file is None or self.process != os.getpid():
            self.file = tempfile.TemporaryFile(buffering=0)
            self.process = os.getpid()
        return self.file


_QUIET_PANICS = _StandardErrorCapture()
