"""Work that cannot be interrupted, done in a child process that can be killed: parent side and worker side.

The child is a module run with ``python -m`` whose last line calls `serve`. The job goes to its standard input
as one line of JSON. The child answers with one JSON object a line: ``{"done": n}`` while it works, then
``{"result": ...}`` or ``{"error": ...}``.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tokkit.errors import EXIT_BUG, InputError, TokkitError, UsageError
from tokkit.progress import Progress, stop_if_cancelled

# Seconds between two reports of a child, and between two checks of the parent whether to stop.
_INTERVAL = 0.1


def run_child(module: str, job: Mapping[str, Any], progress: Progress, threads: int | None) -> dict[str, Any]:
    """The result of a job in a child process that runs ``module``; its progress is passed on.

    threads  of the Rust libraries in the child; None: one per core

    On Ctrl-C, or when the progress is cancelled, the child is killed. Raises what the child raises:
    `InputError` for text that cannot be read.
    """
    child = _start(module, threads)
    try:
        for message in _messages(child, json.dumps(job), progress):
            if "result" in message:
                result: dict[str, Any] = message["result"]
                return result
            if "error" in message:
                raise _as_exception(message["error"])
            progress.advance(message["done"])
        raise TokkitError(f"{module} ended without a result (exit code {child.wait()}): out of memory?")
    finally:
        child.kill()
        child.wait()


def serve(what: str, work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """In the child: read a job, do the work, write its result; exit at once when the parent ends.

    what  names the work in the error that a failure of the library becomes
    """
    job = sys.stdin.readline()
    if not job:
        return  # the parent ended before it sent a job
    # a parent killed by KILL cannot end its child; the child sees the end of its standard input instead
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        _send(result=work(json.loads(job)))
    except TokkitError as error:
        _send(error={"message": error.message, "hint": error.hint, "exit_code": error.exit_code})
    except BaseException as error:  # a panic of the Rust library is no Exception
        message = f"{what} failed: {type(error).__name__}: {error}"
        _send(error={"message": message, "hint": None, "exit_code": EXIT_BUG})
    os._exit(0)  # a regular exit would wait for the thread that is blocked on standard input


class Reporter:
    """In the child: reports the amount of work done, ten times a second; ``total`` is the sum."""

    def __init__(self) -> None:
        self.total = 0
        self._sent = 0
        self._sent_at = time.monotonic()

    def __call__(self, amount: int) -> None:
        self.total += amount
        if time.monotonic() - self._sent_at >= _INTERVAL:
            _send(done=self.total - self._sent)
            self._sent, self._sent_at = self.total, time.monotonic()


def _start(module: str, threads: int | None) -> subprocess.Popen[str]:
    environment = dict(os.environ)
    if threads:
        environment["RAYON_NUM_THREADS"] = str(threads)
    # set to false, it would make the child work in one thread whatever ``threads`` says
    environment.pop("TOKENIZERS_PARALLELISM", None)
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)  # the child imports what this process imports
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C reaches the parent alone, which then kills the child
    )


def _messages(child: subprocess.Popen[str], job: str, progress: Progress) -> Iterator[dict[str, Any]]:
    """The messages of a child until it ends; checks ten times a second whether to stop."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    # reading a pipe blocks and cannot be interrupted, so a thread reads and this one waits with a timeout
    threading.Thread(target=_talk, args=(child, job, lines), daemon=True).start()
    while True:
        stop_if_cancelled(progress)
        try:
            line = lines.get(timeout=_INTERVAL)
        except queue.Empty:
            continue
        if not line.endswith("\n"):  # the end, or half a line of a child that was killed
            return
        yield json.loads(line)


def _talk(child: subprocess.Popen[str], job: str, lines: queue.SimpleQueue[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(OSError, ValueError):  # the child has ended, or was killed
        child.stdin.write(job + "\n")
        child.stdin.flush()
        for line in child.stdout:
            lines.put(line)
    lines.put("")


def _as_exception(error: Mapping[str, Any]) -> TokkitError:
    kinds = {kind.exit_code: kind for kind in (UsageError, InputError)}
    kind = kinds.get(error.get("exit_code", EXIT_BUG), TokkitError)
    return kind(error["message"], error["hint"])


def _send(**message: Any) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # the parent has ended


def _exit_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
