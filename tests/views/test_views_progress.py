"""Progress: sentences where nobody watches, a bar on a terminal that leaves nothing behind."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time

PROGRAM = r"""
import sys, time
from tokkit.views.progress_bar import Bar, Messages
progress = (Bar if sys.stderr.isatty() else Messages)()
progress.say("before \x1b[31m [b]x[/b]")
stages = [("counting {words} [b]", None, "bytes"), ("training", 20, "steps"), ("merging", None, "")]
for stage, total, unit in stages:
    progress.start(stage, total, unit)
    for i in range(20):
        progress.advance(1, loss="0.5 [/b]") if unit == "steps" else progress.advance(1_000_000)
        time.sleep(0.02)
    progress.say(f"said in {stage}")
    progress.finish()
progress.finish()
progress.advance(1)
print("result")
"""


def on_a_terminal():
    """What a pseudo terminal shows of the program's error output, and its plain standard output."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment
    )
    os.close(theirs)
    screen = b""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                screen += os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
    out, _ = process.communicate(timeout=10)
    os.close(ours)
    assert process.returncode == 0
    return screen.decode(), out.decode()


def test_progress_is_sentences_alone_in_a_file():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "result\n"
    assert done.stderr.splitlines() == [
        "note: before \\x1b[31m [b]x[/b]",
        "note: said in counting {words} [b]",
        "note: said in training",
        "note: said in merging",
    ]


def test_progress_is_a_bar_on_a_terminal():
    screen, out = on_a_terminal()
    assert out == "result\n"
    for text in ("counting {words} [b]", "MB", "training", "20 steps", "loss 0.5 [/b]", "merging"):
        assert text in screen
    assert "note: before \\x1b[31m [b]x[/b]" in screen
    assert "note: said in training" in screen
    assert screen.count("\x1b[?25l") == screen.count("\x1b[?25h"), "the cursor stays hidden"


def test_progress_bar_is_gone_when_its_stage_is_over():
    screen, _ = on_a_terminal()
    assert "\x1b[2K" in screen
    after = screen.rpartition("\x1b[?25h")[2]
    assert "merging" not in after
