"""Child processes, the cache of kernels and memory on macOS and Windows, as far as Linux can play them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tokkit import progress
from tokkit.runtime import child_process, kernel_cache


@pytest.fixture
def home(tmp_path, monkeypatch):
    for variable in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    kernel_cache.cache_folder.cache_clear()
    yield tmp_path
    kernel_cache.cache_folder.cache_clear()


@pytest.mark.parametrize(
    ("platform", "folder"),
    [("win32", "AppData/Local/tokkit"), ("darwin", "Library/Caches/tokkit"), ("linux", ".cache/tokkit")],
)
def test_the_cache_of_kernels_is_where_the_system_has_caches(platform, folder, home, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    assert kernel_cache.cache_folder().parent == home / folder


def test_the_cache_of_kernels_follows_localappdata_on_windows(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(home / "김 mira"))
    assert kernel_cache.cache_folder().parent == home / "김 mira" / "tokkit"


def test_peak_memory_is_unknown_on_windows(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)  # an import of it would fail, as there
    assert progress.peak_memory() is None


def test_a_child_is_spawned_and_never_forked(monkeypatch):
    """A fork copies threads' locks; Windows has none, and macOS crashes after one."""

    def fork():
        raise AssertionError("forked")

    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(Exception, match="no_such_module ended without a result"):
        child_process.run_child("tokkit.no_such_module", {}, progress.Silent(), 1)


def test_a_child_reads_and_writes_utf8_in_a_console_of_code_page_1252(tmp_path):
    folder = tmp_path / "말뭉치 김"
    folder.mkdir()
    (folder / "한국어.txt").write_text("나는 학교에 갔다\n나는 집에 왔다\n" * 20, encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    command = ["train-unigram", f"{folder}/한국어.txt", "-o", f"{folder}/out", "--vocab-size", "40", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tokkit", *command], cwd=tmp_path, env=environment, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("utf-8"))["tokenizer"] == f"{folder}/out"
    vocabulary = json.loads((folder / "out" / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    assert any("나" in token for token, _ in vocabulary)
