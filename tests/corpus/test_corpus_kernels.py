"""Compiled kernels: kept where the user says, compiled with a word of it, no folder needed to keep them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from tokkit.corpus.reference_words import SMALL_UNCOMPILED
from tokkit.runtime.kernel_cache import cache_folder
from tokkit.runtime.kernels import load8, prefetch, trailing_zeros

LARGE = "a corpus of a few words, of a few words\n" * (SMALL_UNCOMPILED // 40 + 1)
"""A corpus that is not counted without kernels."""

SCRIPT = """
import sys, tokkit
from tokkit.progress import Silent
class Say(Silent):
    def say(self, message): print(message)
tokkit.train_bpe(sys.argv[1], sys.argv[2], vocab_size=300, progress=Say())
"""


def trained(corpus: Path, out: Path, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(corpus), str(out)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def vocabulary(folder: Path) -> dict[str, int]:
    return json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]


@pytest.mark.long
def test_kernels_are_compiled_once_and_where_the_user_says(tmp_path, write):
    corpus, cache = write("c.txt", LARGE), tmp_path / "cache"
    first = trained(corpus, tmp_path / "first", NUMBA_CACHE_DIR=str(cache))
    second = trained(corpus, tmp_path / "second", NUMBA_CACHE_DIR=str(cache))
    assert "compiling the split kernels (first run only)" in first
    assert "compiling the merge kernels (first run only)" in first
    assert "compiling" not in second
    assert {path.parent.parent for path in cache.rglob("*.nbc")} == {cache / "tokkit" / cache_folder().name}
    assert vocabulary(tmp_path / "first") == vocabulary(tmp_path / "second")


def test_kernels_without_a_folder_to_keep_them_compile_each_time(tmp_path, write):
    corpus, blocked = write("c.txt", LARGE), write("blocked", "")
    elsewhere = {"HOME": str(blocked), "XDG_CACHE_HOME": str(blocked), "NUMBA_CACHE_DIR": str(blocked)}
    message = trained(corpus, tmp_path / "out", **elsewhere)
    assert "(every run: NUMBA_CACHE_DIR can name a folder to cache them)" in message
    assert vocabulary(tmp_path / "out")


def test_kernels_know_their_instructions():
    @njit
    def run(data, at, value):
        prefetch(data, at)
        return load8(data, at), trailing_zeros(value)

    data = np.arange(32, dtype=np.uint8)
    for at in range(24):
        expected = int.from_bytes(data[at : at + 8].tobytes(), "little")
        assert run(data, at, np.uint64(1 << at)) == (expected, at)
