"""A ``tokkit`` for shells: a command runs in a forked child of one process that has imported everything.

As a process of its own, most commands of the documentation spend more time on imports than on their work.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.command_server import exit_code_of

_SOCKET = "socket"
# -I -S: without the site packages it starts in 15 ms.
_SCRIPT = """#!{python} -IS
import json, os, socket, sys

connection = socket.socket(socket.AF_UNIX)
connection.connect({socket!r})
socket.send_fds(connection, [b"\\n"], [0, 1, 2])
job = {{"arguments": sys.argv[1:], "current": os.getcwd(), "environment": dict(os.environ)}}
connection.sendall(json.dumps(job).encode() + b"\\n")
sys.exit(int(connection.makefile().read()))
"""


@contextmanager
def tokkit_script(folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """A folder for ``PATH`` with the script ``tokkit``; the process it talks to ends with the block."""
    address = str(folder / _SOCKET)
    script = folder / "bin" / "tokkit"
    script.parent.mkdir()
    script.write_text(_SCRIPT.format(python=sys.executable, socket=address), encoding="utf-8")
    script.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, address],
        env={**os.environ, **environment, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield script.parent
    finally:
        process.kill()
        process.wait()


def _serve(address: str) -> None:
    gc.disable()  # for the imports: a collection would find nothing
    import tests.preloaded  # noqa: F401
    from tokkit.cli.start import main

    gc.freeze()
    gc.enable()
    # Commands of a pipe run side by side; what became of them their own parents say.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            connection, _ = listening.accept()
            with connection:
                if os.fork() == 0:
                    listening.close()
                    _answer(connection, main)


def _answer(connection: socket.socket, main: object) -> None:
    """Run the command that a script sends in a child, send its exit code, and leave this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    job = json.loads(connection.makefile("rb").readline())
    child = os.fork()
    if child == 0:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        connection.close()
        os.environ.clear()
        os.environ.update(job["environment"])
        os.chdir(job["current"])
        os._exit(exit_code_of(main, job["arguments"]))
    _, status = os.waitpid(child, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
