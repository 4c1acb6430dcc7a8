"""The worker side of `workers`: jobs from standard input, progress and results to standard output.

A worker is a module run with ``python -m`` whose last line calls `serve`. It reads a job a line, as JSON, and
writes one JSON object a line:

    {"say": "..."}, {"start": [stage, total, unit]}, {"advance": [amount, values]}, {"finish": true}
    {"result": ...} or {"error": {"message": ..., "hint": ..., "exit_code": ..., "rank": ...}}

When its standard input ends it stops: the parent has no more jobs, was interrupted, or is gone.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from tokkit.errors import EXIT_BUG, InputError, Interrupted, OutputError, TokkitError
from tokkit.progress import Progress
from tokkit.runtime.panics import is_panic, reason_of

# Seconds that a worker has to remove what is unfinished once it is to stop.
PATIENCE = 5.0
# Seconds between two reports of an amount; a step may take less than a millisecond.
_INTERVAL = 0.1

Job = dict[str, Any]


def serve(work: Callable[[Job, Progress], Any], job: Job | None = None, rank: int = 0) -> None:
    """Do the jobs that come on standard input, one after another, until there are no more.

    job   the only one, where several processes do it together: they share standard input
    rank  of this process among those; the first one reports progress, the first of each machine the result
    """
    messages = _Messages(os.dup(1))
    # What a library prints would be taken for a message.
    os.dup2(2, 1)
    progress = _Forwarded(messages, silent=rank > 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, progress.stop)
    jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
    for only in (job, None) if job is not None else ():
        jobs.put(only)
    threading.Thread(target=_read_jobs, args=(jobs, progress), daemon=True).start()
    messages.send(started=rank)
    code = 0
    while (next_job := jobs.get()) is not None:
        try:
            result = work(next_job, progress)
            if os.environ.get("LOCAL_RANK", "0") == "0":
                messages.send(result=result, rank=rank)
        # A panic of a library in Rust is no `Exception`.
        except BaseException as error:
            messages.send(error={**_described(error, progress.stopping), "rank": rank})
            code = 1
            break
    # A regular exit would wait for threads of libraries, and for the one that reads standard input.
    os._exit(code)


class _Messages:
    """JSON objects, one per line, to a descriptor that nothing else writes to."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def send(self, **message: Any) -> None:
        rest = json.dumps(message).encode() + b"\n"
        try:
            # In one call where it is short: processes that share a pipe then write whole lines.
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError:  # the parent is gone
            os._exit(1)


class _Forwarded:
    """A `Progress` that is forwarded to the parent, and cancelled by it."""

    def __init__(self, messages: _Messages, *, silent: bool) -> None:
        self.stopping = False
        self._messages, self._silent = messages, silent
        self._amount, self._reported_at = 0, 0.0

    def start(self, stage: str, total: int | None, unit: str) -> None:
        self._send(start=[stage, total, unit])

    def advance(self, amount: int, **metrics: str) -> None:
        self._amount += amount
        if time.monotonic() - self._reported_at >= _INTERVAL:
            self._send(advance=[self._amount, metrics])
            self._amount, self._reported_at = 0, time.monotonic()

    def finish(self) -> None:
        self._amount = 0
        self._send(finish=True)

    def say(self, message: str) -> None:
        self._send(say=message)

    def cancelled(self) -> bool:
        return self.stopping

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGTERM, which torchrun sends when another process has failed."""
        self.stopping = True
        raise KeyboardInterrupt

    def _send(self, **message: Any) -> None:
        if not self._silent:
            self._messages.send(**message)


def _read_jobs(jobs: queue.SimpleQueue[Job | None], progress: _Forwarded) -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    jobs.put(None)
    progress.stopping = True
    # A process that waits for another one on a GPU looks at no flag.
    time.sleep(PATIENCE)
    os._exit(1)


def _described(error: BaseException, stopping: bool) -> dict[str, Any]:
    """An error as the command line would report it."""
    if isinstance(error, Interrupted) or (stopping and not isinstance(error, TokkitError)):
        message = error.message if isinstance(error, Interrupted) else Interrupted().message
        return {"message": message, "hint": None, "exit_code": Interrupted.exit_code}
    if isinstance(error, TokkitError):
        return {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
    if is_panic(error):
        message = f"the data cannot be processed: {reason_of(error)}"
        return {"message": message, "hint": None, "exit_code": InputError.exit_code}
    if isinstance(error, MemoryError):
        what = str(error) or "no more can be allocated"
        hint = "close other programs, or read fewer rows at once"
        return {"message": f"out of memory: {what}", "hint": hint, "exit_code": OutputError.exit_code}
    if isinstance(error, OSError):
        message = f"{error.filename or 'output'}: {error.strerror}"
        return {"message": message, "hint": None, "exit_code": OutputError.exit_code}
    what = f"{type(error).__name__}: {error}"
    message = f"internal error: {what}; this is a bug in tokkit, please report it"
    return {"message": message, "hint": None, "exit_code": EXIT_BUG}
