"""Work that cannot be interrupted, done in a child process that can be killed: the parent's side.

The child is a module run with ``python -m`` that `serving.serve` answers for. A job goes to its standard
input as one line of JSON; what it answers comes back as one JSON object a line, the result last.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from tokkit.errors import EXIT_BUG, InputError, TokkitError, UsageError
from tokkit.progress import Progress, stop_if_cancelled

_LOOK_EVERY = 0.1
"""Seconds between two looks whether the user wants to stop."""


def ask(module: str, job: Mapping[str, Any], progress: Progress, threads: int | None) -> dict[str, Any]:
    """What the child running ``module`` gives for the job, a JSON object of its own; progress is passed on.

    Ctrl-C, or a `Progress` that says so, ends it at once: the child is killed. Raises what the child
    raises: `InputError` for text that cannot be read.
    """
    child = _started(module, threads)
    try:
        for message in _messages(child, json.dumps(job), progress):
            if "result" in message:
                result: dict[str, Any] = message["result"]
                return result
            if "error" in message:
                raise _error(message["error"])
            progress.advance(message["done"])
        raise TokkitError(f"{module} ended without an answer (exit code {child.wait()}): out of memory?")
    finally:
        child.kill()
        child.wait()


def _started(module: str, threads: int | None) -> subprocess.Popen[str]:
    environment = dict(os.environ)
    if threads:
        environment["RAYON_NUM_THREADS"] = str(threads)
    environment.pop("TOKENIZERS_PARALLELISM", None)
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)  # what this process imports, and from there
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
        encoding="utf-8",
        start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the child
    )


def _messages(child: subprocess.Popen[str], job: str, progress: Progress) -> Iterator[dict[str, Any]]:
    """What the child answers to a job, until it ends; looks ten times a second whether to stop."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_talk, args=(child, job, lines), daemon=True).start()
    while True:
        stop_if_cancelled(progress)
        try:
            line = lines.get(timeout=_LOOK_EVERY)
        except queue.Empty:
            continue
        if not line.endswith("\n"):  # the end, or half a line of a child that was killed
            return
        yield json.loads(line)


def _talk(child: subprocess.Popen[str], job: str, lines: queue.SimpleQueue[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(OSError, ValueError):  # the child has ended, or was ended
        child.stdin.write(job + "\n")
        child.stdin.flush()
        for line in child.stdout:
            lines.put(line)
    lines.put("")


def _error(told: Mapping[str, Any]) -> TokkitError:
    kinds = {kind.exit_code: kind for kind in (UsageError, InputError)}
    kind = kinds.get(told.get("exit_code", EXIT_BUG), TokkitError)
    return kind(told["message"], told["hint"])
