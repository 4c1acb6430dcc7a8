"""Ctrl-C and sudden ends, with real processes and signals: at once, and nothing is left."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from tokenizer_texts import command, cut, write

import tokkit
from tokkit.errors import Interrupted
from tokkit.progress import Silent

AT_ONCE = 2.0
"""Seconds a run may take to end: one is promised, two allowed on a busy machine."""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """30 MB whose counting takes seconds."""
    lines = (cut("english") + cut("korean")).splitlines()
    text = "\n".join(f"{line} {i}" for i, line in enumerate(lines * 400))
    encoded = text.encode()[: 30 << 20].decode(errors="ignore")
    return write(tmp_path_factory.mktemp("large") / "c.txt", encoded)


@pytest.fixture(scope="module")
def hard_to_merge(tmp_path_factory):
    """Counted in a moment; merging it takes many seconds."""
    import random

    draw = random.Random(3)
    words = ("".join(draw.choices("abcdefghijklmnop", k=draw.randint(20, 60))) for _ in range(60_000))
    return write(tmp_path_factory.mktemp("merge") / "c.txt", "\n".join(words))


def children(process):
    return psutil.Process(process.pid).children(recursive=True)


def child_of(process, timeout=20.0):
    """The worker, once it is there."""
    ends = time.monotonic() + timeout
    while time.monotonic() < ends:
        if found := children(process):
            return found[0]
        time.sleep(0.01)
    raise AssertionError("no worker was started")


def gone(child, timeout=AT_ONCE):
    try:
        child.wait(timeout)
    except psutil.TimeoutExpired:
        return False
    return True


def interrupted(process):
    """Exit code, seconds to the end, and error output after one SIGINT."""
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    return process.returncode, time.monotonic() - sent, err


@pytest.mark.parametrize("family", ["train-bpe", "train-wordpiece"])
def test_interrupt_while_counting(tmp_path, large, family):
    process = command(family, large, "-o", "out", cwd=tmp_path)
    child = child_of(process)
    time.sleep(0.7)
    assert process.poll() is None
    code, seconds, err = interrupted(process)
    assert (code, seconds < AT_ONCE) == (130, True)
    assert "Traceback" not in err
    assert gone(child)
    assert list(tmp_path.iterdir()) == []


def test_interrupt_while_merging(tmp_path, hard_to_merge):
    process = command(
        "train-bpe",
        hard_to_merge,
        "-o",
        "out",
        "--vocab-size",
        "500000",
        "--min-frequency",
        "0",
        cwd=tmp_path,
    )
    child = child_of(process)
    time.sleep(2.5)
    assert process.poll() is None, "merging was over too soon for this test"
    code, seconds, err = interrupted(process)
    assert (code, seconds < AT_ONCE) == (130, True)
    assert "Traceback" not in err
    assert gone(child)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
def test_interrupt_in_the_first_moments(tmp_path, large, delay):
    process = command("train-bpe", large, "-o", "out", cwd=tmp_path)
    time.sleep(delay)
    code, seconds, _ = interrupted(process)
    assert code in (130, -signal.SIGINT)  # before tokkit itself runs, Python ends on the signal
    assert seconds < AT_ONCE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["counting", "merging"])
def test_interrupt_kill_of_the_parent_ends_the_child(tmp_path, large, hard_to_merge, moment):
    corpus = large if moment == "counting" else hard_to_merge
    process = command(
        "train-bpe", corpus, "-o", "out", "--vocab-size", "500000", "--min-frequency", "0", cwd=tmp_path
    )
    child = child_of(process)
    time.sleep(0.7 if moment == "counting" else 2.5)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert gone(child)
    assert not (tmp_path / "out").exists()


def test_interrupt_through_the_progress(tmp_path, hard_to_merge):
    class Impatient(Silent):
        def __init__(self):
            self.stages = []
            self.since = None

        def start(self, stage, total, unit):
            self.stages.append(stage)
            self.since = time.monotonic()

        def cancelled(self):
            return self.stages[-1:] == ["merging"] and time.monotonic() - self.since > 0.5

    impatient = Impatient()
    with pytest.raises(Interrupted):
        tokkit.train_bpe(
            *(hard_to_merge, tmp_path / "out"), vocab_size=500_000, min_frequency=0, progress=impatient
        )
    assert time.monotonic() - impatient.since < 0.5 + AT_ONCE
    assert psutil.Process().children() == []
    assert list(tmp_path.iterdir()) == []
