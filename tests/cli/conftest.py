"""Running the real command, as a process of its own, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tokkit_process(here: Path) -> Run:
    """``tokkit_process("stats", "a.csv")`` runs the command there, offline, and gives what it printed."""

    def run(
        *arguments: str, given: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tokkit", *arguments],
            cwd=here,
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "HF_HUB_OFFLINE": "1", **environment},
            timeout=600,
        )

    return run


def tree(folder: Path) -> Sequence[str]:
    """Every file and folder below, by relative path."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
