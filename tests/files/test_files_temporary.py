"""Temporary folders end with their process: by itself, or swept by the next run."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path

import pytest
from files_faults import in_child

from tokkit import files


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _killed_at_work() -> None:
    with files.temporary_folder("words") as folder:
        (folder / "run").write_text("a")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)


def test_a_temporary_folder_is_private_and_gone_at_the_end(parent):
    with files.temporary_folder("words") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "run").write_text("a")
    assert list(parent.iterdir()) == []


def test_the_folder_of_a_killed_process_is_swept_and_that_of_a_living_one_kept(parent):
    assert in_child(_killed_at_work) == -signal.SIGTERM
    (old,) = parent.glob("tokkit-words-*")
    (parent / "tokkit-stats-other").mkdir()
    (parent / "tokkit-words-link").symlink_to(parent / "tokkit-stats-other")
    with files.temporary_folder("words") as living, files.temporary_folder("words") as second:
        assert living.is_dir()
        assert second.is_dir()
        assert not old.exists()
    assert sorted(path.name for path in parent.iterdir()) == ["tokkit-stats-other", "tokkit-words-link"]
