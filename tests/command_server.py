"""Runs commands of tokkit in forked children of one process, which has imported what commands import.

A command so takes a tenth of the time of a new process, and tests can run thousands of them. With the
library of `tests/faults/faults.c` preloaded, a call below a folder fails or kills the child.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

# None of them starts threads as it is imported: a fork does not copy threads.
_IMPORTED_ONCE = ("numpy", "polars", "tokenizers", "numba", "safetensors.numpy", "imblearn.over_sampling")


@dataclass(frozen=True)
class Outcome:
    """What became of a command.

    code     its exit code; minus the signal where one killed it, -14 (SIGALRM) after ``seconds``
    cpu      seconds of all its threads
    peak     bytes of memory at most, those of the imported modules included
    calls    changes of files that it began below the folder of the fault
    name     the call that failed, and ``path`` of what
    """

    code: int
    output: str
    errors: str
    cpu: float
    peak: int
    calls: int = 0
    name: str = ""
    path: str = ""


class CommandServer:
    """The client of the process; `running` starts it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def running(
        cls, library: Path | None = None, modules: Sequence[str] = (), **environment: str
    ) -> Iterator[CommandServer]:
        """A server with a library preloaded, and more modules imported once."""
        variables = os.environ | {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200"} | environment
        if library is not None:
            variables["LD_PRELOAD"] = str(library)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        command = [sys.executable, __file__, *modules]
        process = subprocess.Popen(command, env=variables, text=True, **pipes)
        try:
            yield cls(process)
        finally:
            process.stdin.close()
            process.wait(timeout=60)

    def run(
        self,
        arguments: Sequence[str | Path],
        *,
        current: Path | None = None,
        environment: Mapping[str, str] | None = None,
        seconds: int = 120,
        memory: int | None = None,
        folder: Path | None = None,
        call: int = 0,
        error: int = 0,
        warm: bool = False,
    ) -> Outcome:
        """Run a command.

        current      its current folder
        environment  variables that it has besides those of the server
        seconds      after which it is killed
        memory       bytes of address space that it may use
        folder       below which the ``call``-th change of a file fails with the number ``error``; 0 kills
        warm         in the process of the warm commands before it, which takes a third of the time; a new one
                     where the last of them was killed; ``peak`` is that of all of them
        """
        job = {
            "arguments": [str(argument) for argument in arguments],
            "current": current and str(current),
            "environment": dict(environment or {}),
            "seconds": seconds,
            "memory": memory,
            "folder": folder and str(folder),
            "call": call,
            "error": error,
            "warm": warm,
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the server ended with exit code {self._process.wait(timeout=60)}"
        return Outcome(**json.loads(answer))


def _serve() -> None:
    gc.disable()  # for the imports: a collection would find nothing
    from tokkit.cli.start import main

    for name in (*_IMPORTED_ONCE, *sys.argv[1:]):
        importlib.import_module(name)
    gc.freeze()  # a collection in a child would copy all pages of what is imported
    gc.enable()
    library = ctypes.CDLL(None)
    if injects := hasattr(library, "faults_arm"):
        library.faults_name.restype = library.faults_path.restype = ctypes.c_char_p
        library.faults_calls.restype = ctypes.c_long
        library.faults_arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int]
    warm = WarmChild(main)
    for line in sys.stdin:
        job = json.loads(line)
        if job["warm"]:
            print(json.dumps(warm.run(job)), flush=True)
            continue
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            child = os.fork()
            if child == 0:
                arm = library.faults_arm if injects and job["folder"] else None
                _run(job, output.fileno(), errors.fileno(), arm, main)
            _, status, usage = os.wait4(child, 0)
            answer = {
                "code": os.waitstatus_to_exitcode(status),
                **_used(usage),
            }
            for name, file in (("output", output), ("errors", errors)):
                file.seek(0)
                answer[name] = file.read().decode("utf-8", "replace")
        if injects:
            answer |= {
                "calls": library.faults_calls(),
                "name": library.faults_name().decode(),
                "path": library.faults_path().decode("utf-8", "replace"),
            }
        print(json.dumps(answer), flush=True)


class WarmChild:
    """A forked child that runs up to 100 commands one after another, until one kills it."""

    def __init__(self, main: Any) -> None:
        self._main = main
        self._child = self._left = 0

    def run(self, job: dict[str, Any]) -> dict[str, Any]:
        if not self._left:
            self._start()
        self._left -= 1
        for file in self._files:
            os.ftruncate(file.fileno(), 0)
            file.seek(0)
        self._jobs.write(json.dumps(job) + "\n")
        self._jobs.flush()
        if line := self._answers.readline():
            answer = json.loads(line)
        else:
            _, status, usage = os.wait4(self._child, 0)
            self._child = self._left = 0
            answer = {"code": os.waitstatus_to_exitcode(status), **_used(usage)}
        for name, file in zip(("output", "errors"), self._files, strict=True):
            file.seek(0)
            answer[name] = file.read().decode("utf-8", "replace")
        return answer

    def _start(self) -> None:
        if self._child:
            self._jobs.close()
            os.waitpid(self._child, 0)
        self._left = 100
        self._files = [tempfile.TemporaryFile(buffering=0) for _ in range(2)]
        jobs, jobs_end = os.pipe()
        answers_end, answers = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(jobs_end)
            os.close(answers_end)
            self._serve(open(jobs), open(answers, "w"))
        os.close(jobs)
        os.close(answers)
        self._jobs, self._answers = open(jobs_end, "w"), open(answers_end)

    def _serve(self, jobs: IO[str], answers: IO[str]) -> None:
        _redirect(*(file.fileno() for file in self._files))
        for line in jobs:
            before = _used(resource.getrusage(resource.RUSAGE_SELF))
            code = _command(json.loads(line), None, self._main)
            after = _used(resource.getrusage(resource.RUSAGE_SELF))
            signal.alarm(0)
            answers.write(json.dumps({"code": code, **after, "cpu": after["cpu"] - before["cpu"]}) + "\n")
            answers.flush()
        os._exit(0)


def _used(usage: resource.struct_rusage) -> dict[str, float]:
    return {"cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024}


def _run(job: dict[str, Any], output: int, errors: int, arm: Any, main: Any) -> None:
    """Run a command in this process and leave it."""
    _redirect(output, errors)
    os._exit(_command(job, arm, main))


def _redirect(output: int, errors: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    for descriptor, target in ((null, 0), (output, 1), (errors, 2)):
        os.dup2(descriptor, target)


def _command(job: dict[str, Any], arm: Any, main: Any) -> int:
    """The exit code of a command that is run in this process."""
    try:
        if job["current"]:
            os.chdir(job["current"])
        os.environ.update(job["environment"])
        if job["memory"]:
            resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(job["seconds"])
        if arm:
            arm(os.fsencode(job["folder"]), job["call"], job["error"])
    except OSError:
        traceback.print_exc()
        return 70
    return exit_code_of(main, job["arguments"])


def exit_code_of(main: Any, arguments: Sequence[str]) -> int:
    """Run a command line in this process."""
    try:
        sys.argv = ["tokkit", *arguments]
        main()
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    _serve()
