"""Ctrl-C and sudden ends, with real processes and signals: at once, and nothing is left."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest
from tokenizer_texts import command, cut, write

import tokkit
from tests.marks import quick_of
from tokkit.corpus.reference_words import SMALL_UNCOMPILED
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


UNCUT = ("--pre-tokenizer", "digits")
"""A pipeline that may not be cut: the reference counts its words, in a process of its own."""

MANY = ("--vocab-size", "500000", "--min-frequency", "0")


def wait_for(condition, process, timeout=30.0):
    """What ``found`` gives, once it is true."""
    ends = time.monotonic() + timeout
    while time.monotonic() < ends:
        if what := condition():
            return what
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def child_of(process):
    """The process that counts, once it is there."""
    return wait_for(lambda: psutil.Process(process.pid).children(recursive=True), process)[0]


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


def ends_well(process, folder):
    """It ends at once, says one sentence and leaves nothing."""
    assert process.poll() is None, "it was over too soon for this test"
    code, seconds, err = interrupted(process)
    assert (code, seconds < AT_ONCE) == (130, True), (seconds, err)
    assert "Traceback" not in err
    assert "Exception" not in err
    assert err.splitlines()[-1].startswith("error: interrupted"), err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("family", ["train-bpe", "train-wordpiece"])
def test_interrupt_while_counting(tmp_path, large, family):
    process = command(family, large, "-o", "out", "--threads", "1", cwd=tmp_path)
    wait_for(lambda: list(tmp_path.iterdir()), process)
    time.sleep(0.5)
    ends_well(process, tmp_path)


@pytest.mark.parametrize("family", ["train-bpe", "train-wordpiece"])
def test_interrupt_while_the_reference_counts(tmp_path, large, family):
    process = command(family, large, "-o", "out", *UNCUT, cwd=tmp_path)
    child = child_of(process)
    time.sleep(0.7)
    ends_well(process, tmp_path)
    assert gone(child)


def test_interrupt_while_merging(tmp_path, hard_to_merge):
    process = command("train-bpe", hard_to_merge, "-o", "out", *MANY, cwd=tmp_path)
    time.sleep(2.5)
    ends_well(process, tmp_path)


@pytest.mark.parametrize(
    "module", quick_of(["chunk_kernels", "split_kernels", "merge_kernels"], ["split_kernels"])
)
def test_interrupt_while_compiling(tmp_path, module):
    """With a fresh cache: some of the kernels are kept already, the one that merges is not."""
    cache, home = tmp_path / "cache", tmp_path / "home"
    home.mkdir()
    corpus = write(tmp_path / "c.txt", cut("english", 5_000) * (SMALL_UNCOMPILED // 4_000))
    environment = {"NUMBA_CACHE_DIR": str(cache)}
    process = command("train-bpe", corpus, "-o", "out", "--vocab-size", "300", cwd=home, env=environment)
    wait_for(lambda: list(cache.rglob(f"{BEFORE[module]}.*.nbc")), process)
    time.sleep(0.3)
    ends_well(process, home)
    assert not list(cache.rglob("merge_kernels.merge-*.nbc"))


BEFORE = {
    "chunk_kernels": "table_kernels",
    "split_kernels": "chunk_kernels",
    "merge_kernels": "symbol_kernels",
}
"""Module of kernels -> the one that was compiled, in part, before it."""


@pytest.mark.parametrize("moment", ["counting", "merging"])
def test_interrupt_kill_leaves_no_output_and_the_next_run_is_not_hindered(
    tmp_path, large, hard_to_merge, moment
):
    process = command(
        "train-bpe", large if moment == "counting" else hard_to_merge, "-o", "out", *MANY, cwd=tmp_path
    )
    wait_for(lambda: list(tmp_path.iterdir()), process)
    time.sleep(0.3 if moment == "counting" else 2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out").exists()
    corpus = write(tmp_path / "c.txt", "a few words\n")
    tokkit.train_bpe(corpus, tmp_path / "out", vocab_size=300)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.txt", "out"]


def test_interrupt_kill_of_the_parent_ends_the_child(tmp_path, large):
    process = command("train-bpe", large, "-o", "out", *UNCUT, cwd=tmp_path)
    child = child_of(process)
    time.sleep(0.7)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
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
    others = psutil.Process().children()  # of libraries that other tests used, such as a resource tracker
    with pytest.raises(Interrupted):
        tokkit.train_bpe(
            *(hard_to_merge, tmp_path / "out"), vocab_size=500_000, min_frequency=0, progress=impatient
        )
    assert time.monotonic() - impatient.since < 0.5 + AT_ONCE
    assert [child for child in psutil.Process().children() if child not in others] == []
    assert list(tmp_path.iterdir()) == []
