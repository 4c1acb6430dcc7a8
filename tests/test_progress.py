"""Progress: a stage ends whatever happens in it, and peak memory is in bytes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import Heard
from tokkit.progress import stage


class _Started(Heard):
    def start(self, name, total=None, unit=""):
        self.say(f"start {name} {total} {unit}")

    def finish(self):
        self.say("finish")


def test_a_stage_ends_when_its_work_fails():
    progress = _Started()
    with pytest.raises(OSError, match="full"), stage(progress, "counting", 3, "rows"):
        raise OSError("full")
    assert progress.sentences == ["start counting 3 rows", "finish"]


_ALLOCATES = """
import subprocess, sys
from tokkit.progress import peak_memory
before = peak_memory()
data = b"x" * (256 << 20)
own = peak_memory() - before
del data
subprocess.run([sys.executable, "-c", "data = b'x' * (512 << 20)"])
print(own / (256 << 20), (peak_memory() - before) / (512 << 20))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count otherwise")
def test_peak_memory_is_that_of_the_process_or_of_a_larger_child():
    printed = subprocess.run([sys.executable, "-c", _ALLOCATES], capture_output=True, check=True).stdout
    own, of_child = map(float, printed.split())
    assert own == pytest.approx(1, abs=0.015)
    assert of_child == pytest.approx(1, abs=0.05)
