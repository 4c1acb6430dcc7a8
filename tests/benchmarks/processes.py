"""Time whole processes: wall seconds and the memory of the largest process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Timed:
    """wall   seconds
    cpu    seconds of all its processes
    peak   megabytes (10^6 bytes) of the largest process
    """

    wall: float
    cpu: float
    peak: float

    def __str__(self) -> str:
        return f"{self.wall:7.1f} s wall {self.cpu:7.1f} s CPU {self.peak:7.0f} MB"


def timed(command: Sequence[str]) -> Timed:
    """Runs a command to its end, its output on standard error; raises where it fails."""
    started = time.perf_counter()
    # as an installed package, which has its bytecode: to compile the modules of tokkit takes 0.3 s
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(command, stdout=sys.stderr, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return Timed(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)
