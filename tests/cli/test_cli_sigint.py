"""SIGINT at random moments of real processes: the exit code is 130, without a traceback, always."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

import tokkit

# They import most of what commands import, and would take far longer than the moments tried.
COMMANDS = (
    ["stats", "-"],
    ["train-wordpiece", "-"],
    ["split", "-", "-o", "parts"],
    ["clean", "rows.csv", "--duplicates", "near", "-o", "clean.csv"],
    ["rebalance", "-", "-o", "more.csv"],
    ["finetune", "rows.csv", "--tokenizer", "tokenizer", "--device", "cpu"],
    ["train-unigram", "rows.csv"],
    ["train-bpe", "rows.csv"],
)
INSTALLED = b"tokkit.cli.early_interrupt\n"


def interrupt(arguments: list[str], seconds: float, folder: str) -> tuple[int, str]:
    """Exit code and errors of a command that is interrupted so long after it handles SIGINT itself."""
    process = subprocess.Popen(
        # with importtime, Python prints the name of each module that it has imported
        [sys.executable, "-X", "importtime", "-m", "tokkit", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        # where tests run as a job in the background, it would be ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    lines = []
    while not (lines and lines[-1].endswith(INSTALLED)):
        lines.append(process.stderr.readline())
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    # one that ignores the signal would wait for ever
    patience = threading.Timer(60, process.kill)
    patience.start()
    # standard input stays open meanwhile, or commands that read it would end by themselves
    errors = process.stderr.read().decode()
    process.stdin.close()
    patience.cancel()
    return process.wait(60), "".join(line for line in errors.splitlines(True) if "import time:" not in line)


@pytest.mark.parametrize(
    "processes", [len(COMMANDS), pytest.param(400, marks=pytest.mark.long)], ids=["few", "many"]
)
def test_ctrl_c_in_the_first_moments_ends_every_command_with_130(tmp_path, processes):
    tokkit.train_wordpiece(tokkit.corpora_path() / "english.txt", tmp_path / "tokenizer")
    rows = "".join(f"{i} {i * 7919 % 9973} fox,{'ab'[i % 3 // 2]}\n" for i in range(400_000))
    (tmp_path / "rows.csv").write_text(f"text,label\n{rows}")
    randomly = random.Random(processes)
    wrong = []
    for number in range(processes):
        arguments, seconds = COMMANDS[number % len(COMMANDS)], randomly.random() * 1.2
        code, errors = interrupt(arguments, seconds, str(tmp_path))
        if code != 130 or "Traceback" in errors:
            wrong.append(f"{arguments} after {seconds:.3f} s: exit code {code}: {errors}")
    assert wrong == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv", "tokenizer"]
