"""Commands on a pseudo-terminal: what a person sees."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def on_a_terminal(
    command: Sequence[str],
    folder: Path,
    width: int,
    environment: Mapping[str, str],
    stderr: int | None = None,
) -> tuple[int, str]:
    """Exit code and what stands on a terminal ``width`` columns wide.

    Standard error stands there too, unless ``stderr`` names a file it goes to.
    """
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    child = subprocess.Popen(
        command,
        cwd=folder,
        stdin=follower,
        stdout=follower,
        stderr=follower if stderr is None else stderr,
        env={**inherited, "TERM": "xterm", **environment},
    )
    os.close(follower)
    shown = b"".join(_parts(leader))
    os.close(leader)
    return child.wait(), shown.decode("utf-8").replace("\r\n", "\n")


def _parts(leader: int):
    while True:
        ready, _, _ = select.select([leader], [], [], 300)
        try:
            part = os.read(leader, 65536) if ready else b""
        except OSError:  # how Linux says that the other side is closed
            return
        if not part:
            return
        yield part


def without_escapes(text: str) -> str:
    """The text without colours and cursor movements."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
