"""One run at a time on one output."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path

import pytest
from files_faults import content, in_child, names, publish_folder

from tokkit import files
from tokkit.errors import OutputError


def start(work) -> int:
    """A forked child doing ``work``."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            work()
            code = 0
        except OutputError:
            code = 4
        finally:
            os._exit(code)
    return child


def exit_codes(children: list[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def wait_for(path: Path) -> None:
    end = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_lock_refuses_a_second_process_at_once(tmp_path):
    def hold():
        with files.folder(tmp_path / "out"):
            (tmp_path / "held").touch()
            time.sleep(30)

    holder = start(hold)
    try:
        wait_for(tmp_path / "held")
        started = time.monotonic()
        with pytest.raises(OutputError, match="is being written by another run") as caught:
            publish_folder(tmp_path / "out", "second")
        assert time.monotonic() - started < 1
        assert "-o" in caught.value.hint
        publish_folder(tmp_path / "other", "not in the way")
    finally:
        os.kill(holder, signal.SIGKILL)
    assert exit_codes([holder]) == [-signal.SIGKILL]
    publish_folder(tmp_path / "out", "third")
    assert content(tmp_path / "out")["tokenizer.json"] == "third"
    assert names(tmp_path) == ["held", "other", "out"]


def test_lock_refuses_itself_and_leaves_no_file(tmp_path):
    with files.lock(tmp_path / "out"):
        with pytest.raises(OutputError), files.lock(tmp_path / "out"):
            pass
        assert names(tmp_path) == [".out.tokkit-lock"]
        assert in_child(lambda: files.lock(tmp_path / "out").__enter__()) == 4
    assert names(tmp_path) == []
    with files.lock(tmp_path / "out"):
        pass


def test_lock_takes_over_a_file_left_by_a_killed_run(tmp_path):
    (tmp_path / ".out.tokkit-lock").touch()
    with files.lock(tmp_path / "out"):
        pass
    assert names(tmp_path) == []


def test_lock_says_when_there_can_be_none(tmp_path):
    (tmp_path / ".out.tokkit-lock").mkdir()
    with pytest.raises(OutputError, match="cannot be written"), files.lock(tmp_path / "out"):
        pass


def test_lock_follows_no_link(tmp_path):
    """In a shared folder it may lead to a file of somebody else, or be where one is created."""
    (tmp_path / ".out.tokkit-lock").symlink_to(tmp_path / "theirs")
    for leads_to in ("nothing", "a file"):
        with pytest.raises(OutputError, match="cannot be written"), files.lock(tmp_path / "out"):
            pass
        assert (tmp_path / "theirs").exists() == (leads_to == "a file")
        (tmp_path / "theirs").write_text("theirs")
    assert names(tmp_path) == [".out.tokkit-lock", "theirs"]


def test_lock_holds_one_process_at_a_time(tmp_path):
    """Six processes add to a number without any care of their own; no addition is lost."""
    counter = tmp_path / "counter"
    counter.write_text("0")

    def work():
        done = 0
        while done < 50:
            try:
                with files.lock(tmp_path / "out"):
                    counter.write_text(str(int(counter.read_text()) + 1))
                    done += 1
            except OutputError:
                pass

    assert exit_codes([start(work) for _ in range(6)]) == [0] * 6
    assert counter.read_text() == "300"
    assert names(tmp_path) == ["counter"]


def test_lock_leaves_one_whole_folder_of_twelve_runs(tmp_path):
    codes = exit_codes([start(lambda n=n: publish_folder(tmp_path / "out", f"run {n}")) for n in range(12)])
    assert 0 in codes
    assert set(codes) <= {0, 4}
    text = content(tmp_path / "out")["tokenizer.json"]
    assert codes[int(text.split()[1])] == 0
    assert content(tmp_path / "out")["part/0.parquet"] == text * 3
    assert names(tmp_path) == ["out"]


def test_an_error_on_closing_the_lock_is_no_failure_of_the_run(tmp_path, monkeypatch):
    close = os.close

    def failing_close(descriptor):
        is_lock = "tokkit-lock" in str(Path(f"/proc/self/fd/{descriptor}").readlink())
        close(descriptor)
        if is_lock:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "close", failing_close)
    publish_folder(tmp_path / "out", "new")
    assert names(tmp_path) == ["out"]
    publish_folder(tmp_path / "out", "again")
