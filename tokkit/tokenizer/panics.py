"""Panics of the `tokenizers` library, told once: what it writes of them on standard error is held back.

Its panic hook writes to file descriptor 2, past Python. Several threads may be inside at once.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_STANDARD_ERROR = 2


class _Held:
    """Standard error while somebody is inside: a copy of the real one, and what was written meanwhile."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.panicked = False
        self.real = -1
        self.written: IO[bytes] | None = None

    def enter(self) -> None:
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                self.panicked = False
                try:
                    self.written = tempfile.TemporaryFile()
                    self.real = os.dup(_STANDARD_ERROR)
                    os.dup2(self.written.fileno(), _STANDARD_ERROR)
                except OSError:  # there is no standard error, or nowhere to hold it
                    self.written = None

    def leave(self, panicked: bool) -> None:
        with self.lock:
            self.inside -= 1
            self.panicked |= panicked
            if self.inside or self.written is None:
                return
            os.dup2(self.real, _STANDARD_ERROR)
            os.close(self.real)
            self.written.seek(0)
            told = self.written.read()
            self.written.close()
            self.written = None
            if told and not self.panicked:
                os.write(_STANDARD_ERROR, told)


_HELD = _Held()


@contextmanager
def quiet_panics() -> Iterator[None]:
    """Standard error is held back inside; it is written after all, unless the library panicked."""
    _HELD.enter()
    panicked = False
    try:
        yield
    except BaseException as error:
        panicked = type(error).__name__ == "PanicException"
        raise
    finally:
        _HELD.leave(panicked)
