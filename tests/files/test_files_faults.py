"""KILL, EIO and ENOSPC at every call, by name: the output is old or new, and the next run mends the rest."""

from __future__ import annotations

import errno
import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from files_faults import (
    NO_EXCHANGE,
    content,
    failing,
    fault_at,
    in_child,
    kill_self,
    names,
    publish_files,
    publish_folder,
)

from tokkit import files
from tokkit.errors import OutputError

SIBLINGS = ["", ".weights.json", ".tokkit.json"]
EXISTING = pytest.mark.parametrize("existing", [True, False], ids=["replace", "new"])


def fresh(base: Path, existing: bool, publish) -> Iterator[tuple[int, Path]]:
    """(n, output) for n = 1, 2, ..., each in a folder of its own; ``old`` stands there if ``existing``."""
    for n in itertools.count(1):
        folder = base / str(n)
        folder.mkdir()
        out = folder / ("out" if existing else "deep/out")
        if existing:
            publish(out, "old")
        yield n, out


def states(tmp_path: Path, existing: bool) -> tuple[dict | None, dict]:
    """What a folder holds before and after."""
    (tmp_path / "model").mkdir()
    contents: list[dict | None] = []
    for text in ("old", "new"):
        publish_folder(tmp_path / "model" / text, text)
        contents.append(content(tmp_path / "model" / text))
    return (contents[0] if existing else None), contents[1]


def next_run_mends(out: Path, publish) -> None:
    publish(out, "next")
    texts = content(out)
    assert (texts.get("tokenizer.json") or texts.get("")) == "next"
    expected = [out.name] if out.is_dir() else sorted(out.name + suffix for suffix in SIBLINGS)
    assert names(out.parent) == expected


@EXISTING
def test_folder_survives_kill_at_every_call(tmp_path, either_way, existing):
    old, new = states(tmp_path, existing)
    is_new = []
    for n, out in fresh(tmp_path, existing, publish_folder):

        def work(n=n, out=out):
            with fault_at(n, kill_self):
                publish_folder(out, "new")

        code = in_child(work)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        if either_way != NO_EXCHANGE:
            assert content(out) in (old, new)
        if out.parent.exists():
            with files.lock(out):
                files.repair(out)
        assert content(out) in (old, new), f"killed at call {n}"
        is_new.append(content(out) == new)
        next_run_mends(out, publish_folder)
    assert n > 15
    assert any(is_new), "no kill came after the exchange"
    assert is_new == sorted(is_new), "old up to a point, new from there on"


@EXISTING
def test_files_survive_kill_at_every_call(tmp_path, existing):
    for n, out in fresh(tmp_path, existing, publish_files):

        def work(n=n, out=out):
            with fault_at(n, kill_self):
                publish_files(out, "new")

        code = in_child(work)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        allowed = ({"": "old"} if existing else None, {"": "new"})
        now = [content(out.with_name(out.name + suffix)) for suffix in SIBLINGS]
        assert all(one in allowed for one in now), f"killed at call {n}"
        if now[2] == {"": "new"}:
            assert now == [{"": "new"}] * 3, "the receipt comes last"
        next_run_mends(out, publish_files)
    assert n > 15


@EXISTING
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
def test_folder_survives_errors_at_every_call(tmp_path, either_way, existing, number, lasting):
    old, new = states(tmp_path, existing)
    for n, out in fresh(tmp_path, existing, publish_folder):
        error = None
        with fault_at(n, failing(number), lasting=lasting) as calls:
            try:
                publish_folder(out, "new")
            except OutputError as caught:
                error = caught
        if len(calls) < n:
            break
        call = calls[n - 1]
        assert error is not None or call in ("unlink", "rmdir", "open"), f"{call} failed, and nobody says so"
        if not lasting:
            assert content(out) == (old if error else new), f"{call}, call {n}"
            if call not in ("unlink", "rmdir", "open"):
                assert names(out.parent if existing else out.parents[1]) == (["out"] if existing else [])
        else:
            if out.parent.exists():
                with files.lock(out):
                    files.repair(out)
            assert content(out) in (old, new), f"{call}, call {n}"
        if error:
            assert error.exit_code == 4
            assert str(out) in error.message
            if number == errno.ENOSPC:
                assert "no space left" in error.message
        next_run_mends(out, publish_folder)
    assert n > 15


@EXISTING
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_files_survive_errors_at_every_call(tmp_path, existing, number):
    for n, out in fresh(tmp_path, existing, publish_files):
        error = None
        with fault_at(n, failing(number)) as calls:
            try:
                publish_files(out, "new")
            except OutputError as caught:
                error = caught
        if len(calls) < n:
            break
        before = {"": "old"} if existing else None
        now = [content(out.with_name(out.name + suffix)) for suffix in SIBLINGS]
        assert now == [before if error else {"": "new"}] * 3, f"{calls[n - 1]}, call {n}"
        assert error is not None or calls[n - 1] in ("unlink", "rmdir", "open", "link")
        next_run_mends(out, publish_files)
    assert n > 15


def test_publish_survives_ctrl_c_at_every_call(tmp_path, either_way):
    old, new = states(tmp_path, True)
    for n, out in fresh(tmp_path, True, publish_folder):

        def interrupt():
            signal.raise_signal(signal.SIGINT)

        interrupted = False
        with fault_at(n, interrupt) as calls:
            try:
                publish_folder(out, "new")
            except KeyboardInterrupt:
                interrupted = True
        if len(calls) < n:
            break
        assert interrupted
        assert content(out) in (old, new), f"{calls[n - 1]}, call {n}"
        if content(out) == new:
            assert calls[n - 1] in ("unlink", "rmdir", "open"), "only once the old one is on its way out"
        next_run_mends(out, publish_folder)
    assert n > 15
