"""Jobs in child processes, a small queue of them: the parent side of `worker`.

    jobs -> as many workers as there are devices -> results as they come, messages in the order of the jobs

A worker takes one job after another, so it loads its libraries once. Of the jobs that run at the same time
the first reports as it works; what the others say is kept until it is their turn.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from tokkit.errors import EXIT_BUG, InputError, Interrupted, OutputError, TokkitError, UsageError
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.runtime.worker import PATIENCE

# Seconds between two checks whether to stop.
_INTERVAL = 0.1
# How torchrun reports one of its processes that a signal ended: signal, and number of the process here.
_KILLED = re.compile(r"exitcode: -(\d+)\) local_rank: (\d+)")
_EXIT_CODES = {kind.exit_code: kind for kind in (UsageError, InputError, OutputError)}

Message = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """name      what messages call it: "fold 2 of 5"
    content   for the worker, as JSON; None where nothing is left to do
    messages  said at its turn, before its own
    """

    name: str
    content: Message | None
    messages: Sequence[str] = ()


@dataclass
class Worker:
    """A child process, and what it has reported."""

    process: subprocess.Popen[bytes]
    messages: queue.SimpleQueue[tuple[Worker, Message | None]]
    errors: IO[bytes]
    job: int | None = None

    @classmethod
    def start(
        cls,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        messages: queue.SimpleQueue[tuple[Worker, Message | None]],
    ) -> Worker:
        """Run ``python ARGUMENTS``; its messages go to the queue, None at its end."""
        # A file and not a pipe: nobody reads it unless the worker fails.
        errors = tempfile.TemporaryFile()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),  # the child imports what this process imports
                "PYTHONSAFEPATH": "1",  # and nothing from the current folder
                **environment,
            },
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then stops its workers
        )
        worker = cls(process, messages, errors)
        threading.Thread(target=worker._read, daemon=True).start()
        return worker

    def send(self, number: int, content: Message) -> None:
        """Give it a job."""
        self.job = number
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended, which its messages say
            self.process.stdin.write(json.dumps(content).encode() + b"\n")
            self.process.stdin.flush()

    def close(self) -> None:
        """End its standard input: there are no more jobs, or it is to stop."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.close()
        self.errors.close()

    def failure(self) -> str:
        """Why it ended without a result: the signal, or the last line that it printed."""
        code = self.process.wait()
        if code < 0:
            return f"its process was killed by signal {-code}: out of memory?"
        lines = [line.strip() for line in self.printed().splitlines() if re.search(r"\w", line)]
        return f"its process ended with exit code {code}{f': {lines[-1]}' if lines else ''}"

    def printed(self) -> str:
        """What it and its children have written to standard error."""
        self.errors.seek(0)
        return self.errors.read().decode("utf-8", "replace")

    def _read(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in self.process.stdout:
                # A library may have printed before the worker took over its output.
                with contextlib.suppress(ValueError):
                    message = json.loads(line)
                    if isinstance(message, dict):
                        self.messages.put((self, message))
        self.messages.put((self, None))


def run_jobs(
    arguments: Sequence[str],
    jobs: Sequence[Job],
    environments: Sequence[Mapping[str, str]],
    progress: Progress,
    hint: str | None = None,
) -> Generator[tuple[int, Any]]:
    """Yields (number of the job, its result) as jobs end, those that have nothing to do left out.

    arguments      of Python: ``["-m", MODULE, ...]``, whose last line calls `worker.serve`
    environments   one per worker: at most so many jobs run at the same time
    hint           where a worker was killed

    All workers are killed when the caller stops, or a job fails. Raises what the worker raised, the name of
    the job first; `TokkitError` where its process ended without a result.
    """
    in_order = InOrder(progress, jobs)
    waiting = [number for number, job in enumerate(jobs) if job.content is not None]
    left = set(waiting)
    messages: queue.SimpleQueue[tuple[Worker, Message | None]] = queue.SimpleQueue()
    workers: list[Worker] = []

    def next_job(worker: Worker) -> None:
        worker.job = None
        if waiting:
            number = waiting.pop(0)
            worker.send(number, jobs[number].content or {})
        else:
            worker.close()

    try:
        for environment in environments[: len(waiting)]:
            workers.append(Worker.start(arguments, environment, messages))
            next_job(workers[-1])
        while left:
            worker, message = _received(messages, progress)
            if worker.job is None:
                continue
            if message is None:
                raise TokkitError(f"{jobs[worker.job].name}: {worker.failure()}", hint=hint)
            if "error" in message:
                raise as_exception(message["error"], f"{jobs[worker.job].name}: ")
            if "result" not in message:
                in_order.receive(worker.job, message)
                continue
            number = worker.job
            left.remove(number)
            in_order.end(number)
            next_job(worker)
            yield number, message["result"]
    finally:
        in_order.close()
        for worker in workers:
            worker.kill()


class InOrder:
    """What jobs report that run at the same time, passed on as if they ran one after another."""

    def __init__(self, progress: Progress, jobs: Sequence[Job]) -> None:
        self._progress = progress
        self._reports = [_Report(list(job.messages), ended=job.content is None) for job in jobs]
        self._current = -1
        self._proceed()

    def receive(self, number: int, message: Message) -> None:
        """Pass a message of a job on, or keep it until its turn."""
        report = self._reports[number]
        report.keep(message)
        if number == self._current:
            _pass_on(message, self._progress)

    def end(self, number: int) -> None:
        """Note that a job is done."""
        self._reports[number].ended = True
        if number == self._current:
            self._proceed()

    def close(self) -> None:
        """End the stage that is displayed."""
        if self._current < len(self._reports) and self._reports[self._current].stage is not None:
            self._progress.finish()

    def _proceed(self) -> None:
        """Go on to the next job that has not ended; say what those up to it have said."""
        self._current += 1
        while self._current < len(self._reports):
            report = self._reports[self._current]
            for sentence in report.sentences:
                self._progress.say(sentence)
            if not report.ended:
                if report.stage is not None:
                    self._progress.start(*report.stage)
                    self._progress.advance(report.done, **report.values)
                return
            self._current += 1


@dataclass
class _Report:
    """What a job has said, and its stage: name, total and unit, the amount done, and current values."""

    sentences: list[str]
    ended: bool = False
    stage: list[Any] | None = None
    done: int = 0
    values: dict[str, str] = field(default_factory=dict)

    def keep(self, message: Message) -> None:
        if "say" in message:
            self.sentences.append(message["say"])
        elif "start" in message:
            self.stage, self.done, self.values = message["start"], 0, {}
        elif "advance" in message:
            self.done += message["advance"][0]
            self.values |= message["advance"][1]
        elif "finish" in message:
            self.stage = None


def run_together(
    arguments: Sequence[str], environment: Mapping[str, str], progress: Progress, count: int
) -> Any:
    """The result of a job that ``count`` processes do together, which ``python ARGUMENTS`` starts.

    When the caller stops, the processes get time to remove what is unfinished. Raises what the first of them
    raised, `Interrupted` with its message, and `TokkitError` where none of them says why it ended.
    """
    messages: queue.SimpleQueue[tuple[Worker, Message | None]] = queue.SimpleQueue()
    launcher = Worker.start(arguments, environment, messages)
    result, errors, started = None, list[Message](), 0
    try:
        while True:
            _, message = _received(messages, progress)
            if message is None:
                break
            started += "started" in message
            if "error" in message:
                errors.append(message["error"])
            elif "result" in message:
                result = message["result"]
            else:
                _pass_on(message, progress)
        if result is not None and not errors:
            return result
        raise _failure(launcher, errors, count)
    except (KeyboardInterrupt, Interrupted) as error:
        errors += _stopped(launcher, messages, all_started=started >= count)
        known = [e for e in errors if e["exit_code"] == Interrupted.exit_code and e["rank"] == 0]
        raise Interrupted(*(e["message"] for e in known[:1])) from error
    finally:
        launcher.kill()


def as_exception(error: Mapping[str, Any], prefix: str = "") -> TokkitError:
    """The exception that a worker described."""
    if error["exit_code"] == Interrupted.exit_code:
        return Interrupted(error["message"])
    kind = _EXIT_CODES.get(error["exit_code"], TokkitError)
    return kind(prefix + error["message"], error["hint"])


def _failure(launcher: Worker, errors: Sequence[Message], count: int) -> TokkitError:
    """Why processes that work together ended without a result."""
    causes = [error for error in errors if error["exit_code"] not in (EXIT_BUG, Interrupted.exit_code)]
    if causes:
        # All of them may refuse the same; of several the first process speaks.
        return as_exception(min(causes, key=lambda error: int(error["rank"])))
    if killed := _KILLED.search(launcher.printed()):
        return TokkitError(
            f"process {int(killed[2]) + 1} of {count} was killed by signal {killed[1]}: out of memory?",
            hint="fewer tokens at once need less memory (--tokens-per-batch)",
        )
    # Others follow from the first one to arrive: a connection that was closed, an end on request.
    bugs = [error for error in errors if error["exit_code"] == EXIT_BUG]
    if bugs:
        return as_exception(bugs[0])
    return TokkitError(f"training in several processes: {launcher.failure()}")


def _received(
    messages: queue.SimpleQueue[tuple[Worker, Message | None]], progress: Progress
) -> tuple[Worker, Message | None]:
    """The next message; checks ten times a second whether to stop."""
    while True:
        stop_if_cancelled(progress)
        with contextlib.suppress(queue.Empty):
            return messages.get(timeout=_INTERVAL)


def _stopped(
    launcher: Worker, messages: queue.SimpleQueue[tuple[Worker, Message | None]], *, all_started: bool
) -> list[Message]:
    """Stop the processes; returns the errors that they report meanwhile."""
    errors: list[Message] = []

    def wait() -> None:
        launcher.close()
        # Before that there is nothing to remove, and the launcher does not see its standard input end.
        if not all_started:
            launcher.process.terminate()
        end = time.monotonic() + PATIENCE
        while (left := end - time.monotonic()) > 0:
            try:
                _, message = messages.get(timeout=left)
            except queue.Empty:
                return
            if message is None:
                return
            if "error" in message:
                errors.append(message["error"])

    # In a thread: Ctrl-C again would end the waiting, and leave what is unfinished.
    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    while waiting.is_alive():
        with contextlib.suppress(KeyboardInterrupt):
            waiting.join(_INTERVAL)
    return errors


def _pass_on(message: Message, progress: Progress) -> None:
    if "say" in message:
        progress.say(message["say"])
    elif "start" in message:
        progress.start(*message["start"])
    elif "advance" in message:
        amount, values = message["advance"]
        progress.advance(amount, **values)
    elif "finish" in message:
        progress.finish()
