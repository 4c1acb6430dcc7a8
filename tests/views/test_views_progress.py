"""Progress: sentences where nobody watches, on a terminal one line that fits it and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import sys
import termios
import threading

import pytest
from rich.cells import cell_len

from tests.terminal import without_escapes
from tokkit.runtime.panics import guarded
from tokkit.views.progress_bar import Bar, Messages

LONG = "/data/with a/very-long-name-of-a-folder-that-does-not-fit/in-forty-columns/reviews.csv"
NOTES = [
    f'{LONG}: guessed text column "text" (--text-column)',
    "긴 문장을 띄어쓰기에서만 나눈다 " * 6,
    "[/b]",
]
STAGES = {
    "counting [b]": (None, "bytes"),
    f"counting {LONG}": (40_000_000, "bytes"),
    "에포크 1/3: 아주 긴 한국어 설명이 여기에 있고 그다음에도 계속해서 이어집니다": (40, "행"),
    f"training ❤️ 🇰🇷 é 각 {'👩‍👩‍👧‍👦' * 3}": (40, "steps"),
    "merging": (None, ""),
}


def work(progress):
    progress.say("before \x1b[31m [b]x[/b]")
    for stage, (total, unit) in STAGES.items():
        progress.start(stage, total, unit)
        for message in NOTES:
            amount = 5 if unit != "bytes" else 5_000_000
            progress.advance(amount, loss="0.1234 [/b]", lr="5.0e-05", accuracy="0.5000")
            progress.say(message)
        progress.finish()
    progress.finish()
    progress.advance(1)


@pytest.fixture
def screen(monkeypatch):
    """A function: what some work writes to a terminal of so many columns."""

    def run(width, work=work, **environment):
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        for name, value in {"TERM": "xterm", "NO_COLOR": "1", **environment}.items():
            monkeypatch.setenv(name, value)
        written = bytearray()

        def read():
            while not written.endswith(b"\0"):
                written.extend(os.read(leader, 65536))

        reader = threading.Thread(target=read)
        reader.start()
        with os.fdopen(follower, "w") as terminal:
            monkeypatch.setattr(sys, "stderr", terminal)
            monkeypatch.setattr("tokkit.runtime.panics._STANDARD_ERROR", terminal.fileno())
            work(Bar())
            terminal.write("\0")
        monkeypatch.undo()
        reader.join()
        os.close(leader)
        return written[:-1].decode().replace("\r\n", "\n")

    return run


def test_progress_is_sentences_alone_in_a_file(capsys):
    work(Messages())
    notes = [line.removeprefix("note: ") for line in capsys.readouterr().err.splitlines()]
    assert notes == ["before \\x1b[31m [b]x[/b]", *NOTES * len(STAGES)]


@pytest.mark.parametrize("width", [80, 60, 40])
def test_progress_is_one_line_of_a_terminal_and_gone_at_the_end(screen, width):
    # COLUMNS is what another terminal had.
    written = screen(width, COLUMNS="200")
    lines = re.split(r"[\r\n]+", without_escapes(written))
    bars = [line for line in lines if line[:1] in set("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")]
    assert len(bars) > 3 * len(STAGES)
    # A full line would make some terminals go to the next one.
    assert max(map(cell_len, bars)) < width
    assert all(sum(map(cell_len, line)) < width for line in bars if "👩" in line)
    for shown in ("counting [b]", "merging", "38%"):
        assert any(shown in line for line in bars), shown
    # The screen with every erased line left out: the notes, folded at spaces only, and nothing else.
    moves = re.sub(r"\x1b\[\?25[hl]", "", written)
    kept = without_escapes(re.sub(r"[^\n\r]*(\r(?=\x1b\[2K)|\n\r\x1b\[1A\x1b\[2K)", "", moves))
    notes = ["note: before \\x1b[31m [b]x[/b]", *(f"note: {text}" for text in NOTES * len(STAGES))]
    assert kept.split() == " ".join(notes).split()
    assert all(cell_len(line) <= width or " " not in line for line in kept.splitlines())
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h"), "the cursor stays hidden"


def test_progress_names_values_amount_and_rate_where_there_is_room(screen):
    written = screen(200)
    for text in (
        "loss 0.1234 [/b]  lr 5.0e-05  accuracy 0.5000  15 steps",
        "15.0 MB",
        "━━━━━━━━━    ",
        "-:--:--",
    ):
        assert text in written


def test_progress_moves_no_cursor_on_a_dumb_terminal(screen):
    written = screen(80, TERM="dumb")
    assert not re.search("\x1b|\r|\n\n", written)


def test_progress_is_displayed_while_standard_error_is_captured(screen):
    def encode(progress):
        terminal = os.dup(sys.stderr.fileno())
        progress.start("encoding", 2, "texts")
        with guarded("the file is damaged"):
            progress.advance(1)
            progress.say("half of it")
            progress.finish()
            os.write(terminal, b"over\n")
        os.close(terminal)

    # What is passed on after the capture would be a bar that is over.
    before, after = without_escapes(screen(80, encode)).split("over\n")
    assert "note: half of it\n" in before
    assert "50%" in before
    assert after == ""
