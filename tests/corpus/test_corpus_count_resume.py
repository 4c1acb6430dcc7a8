"""A count that is killed, interrupted or stopped goes on where it was: real processes, real signals."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tokkit
from tests.conftest import Heard
from tests.files.files_faults import recorded_changes
from tokkit.corpus import counting, feed, parts, shards
from tokkit.errors import InputError, Interrupted, OutputError
from tokkit.sources import paths, streams

AT_ONCE = 2.0
"""Seconds a run may take to end: one is promised, two allowed on a busy machine."""

SMALL = 1 << 20
"""Bytes of a shard in these tests."""

_SCRIPT = (
    f"from tokkit.corpus import shards; shards.SHARD = {SMALL}; from tokkit.cli.main import main; main()"
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """12 MB with many distinct words: seconds, with little memory."""
    path = tmp_path_factory.mktemp("corpus") / "a.txt"
    path.write_text(
        "".join(f"line {n * 7919 % 1000003} has word{n} and {n % 97}\n" for n in range(400_000)), "utf-8"
    )
    return path


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """The parts of a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "counts"
    tokkit.count(corpus, out)
    return _parts(out)


def _parts(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def _started(corpus, cwd, *options):
    """A real run on small shards, with little memory so that it takes a while."""
    command = [
        sys.executable,
        "-c",
        _SCRIPT,
        "count",
        str(corpus),
        "-o",
        "counts",
        "--memory",
        "1MB",
        *options,
    ]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _markers(folder):
    return sorted((folder / ".counts.tokkit-counting").glob("*.done"))


def _after_shards(process, cwd, number):
    """Waits until so many shards are done."""
    ends = time.monotonic() + 30
    while len(_markers(cwd)) < number:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_a_shard_is_marked_as_done_only_when_its_runs_are_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 1 << 12)
    text = tmp_path / "a.txt"
    text.write_text("".join(f"word{n} is here\n" for n in range(1000)))
    with recorded_changes() as changes:
        tokkit.count(text, tmp_path / "counts")
    markers = [at for at, (call, path) in enumerate(changes) if call == "rename" and path.endswith(".done")]
    assert len(markers) > 2
    work = ".counts.tokkit-counting"
    for at in markers:
        shard = Path(changes[at][1]).stem
        synced = [Path(path) for call, path in changes[:at] if call == "fsync"]
        runs = [i for i, path in enumerate(synced) if path.name.startswith(f"{shard}-") and path.suffix]
        assert runs, shard
        # the names of the runs, then what the marker says, then the marker's own name
        assert work in {path.name for path in synced[max(runs) + 1 :]}
        assert synced[-1].name.startswith(f"{shard}.done.")
        assert (changes[at + 1][0], Path(changes[at + 1][1]).name) == ("fsync", work)


def test_resume_after_kill_reads_only_what_is_left(corpus, whole, tmp_path):
    process = _started(corpus, tmp_path)
    _after_shards(process, tmp_path, 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "counts").exists()
    done = _markers(tmp_path)
    work = tmp_path / ".counts.tokkit-counting"
    stats = {run: (work / run).stat() for marker in done for run in json.loads(marker.read_text())["runs"]}
    again = _started(corpus, tmp_path, "--json", "--threads", "1")
    _after_shards(again, tmp_path, len(done) + 1)
    for run, stat in stats.items():
        assert (work / run).stat().st_mtime_ns == stat.st_mtime_ns
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, err
    assert f"continuing: {len(done)} of " in err
    assert json.loads(out)["bytes"] == corpus.stat().st_size
    assert _parts(tmp_path / "counts") == whole
    assert [path.name for path in tmp_path.iterdir()] == ["counts"]


def test_resume_after_interrupt(corpus, whole, tmp_path, monkeypatch):
    process = _started(corpus, tmp_path)
    _after_shards(process, tmp_path, 2)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, time.monotonic() - sent < AT_ONCE) == (130, True)
    assert "shards are kept: the same command continues from there" in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == [".counts.tokkit-counting"]
    done = len(_markers(tmp_path))
    monkeypatch.setattr(shards, "SHARD", SMALL)
    heard = Heard()
    tokkit.count(corpus, tmp_path / "counts", progress=heard)
    assert f"continuing: {done} of " in heard
    assert _parts(tmp_path / "counts") == whole


def test_interrupt_before_the_first_shard_leaves_nothing(corpus, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tokkit", "count", str(corpus), "-o", "counts", "--memory", "1"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 30
    while not (tmp_path / ".counts.tokkit-counting" / "job.json").exists():
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "kept" not in err
    assert list(tmp_path.iterdir()) == []


def test_two_runs_on_one_output_do_not_meet(corpus, tmp_path):
    process = _started(corpus, tmp_path)
    try:
        _after_shards(process, tmp_path, 1)
        before = time.monotonic()
        with pytest.raises(OutputError, match="is being written by another run"):
            tokkit.count(corpus, tmp_path / "counts")
        assert time.monotonic() - before < 1
        assert _markers(tmp_path)
    finally:
        process.kill()
        process.communicate()


class _Stopping(Heard):
    """Stops once so many shards are done."""

    def __init__(self, folder, done):
        super().__init__()
        self.folder = folder
        self.done = done

    def cancelled(self):
        return len(_markers(self.folder)) >= self.done


@pytest.fixture
def stopped(tmp_path, write, monkeypatch):
    """Three files, of which one or two were counted before the run was stopped."""
    monkeypatch.setattr(shards, "SHARD", 10_000)
    files = [write(f"{name}.txt", f"text of {name}\n" * 1000) for name in "abc"]
    stopping = _Stopping(tmp_path, 1)
    with pytest.raises(Interrupted):
        tokkit.count(files, tmp_path / "counts", progress=stopping)
    assert "of 3 shards are kept" in stopping
    return files


def test_resume_does_not_read_finished_shards(stopped, tmp_path, monkeypatch, heard):
    read = []
    original = streams.open_binary
    monkeypatch.setattr(streams, "open_binary", lambda path: (read.append(path.name), original(path))[1])
    done = len(_markers(tmp_path))
    monkeypatch.setattr(feed, "plan", _planned)
    tokkit.count(stopped, tmp_path / "counts", progress=heard)
    assert read == [path.name for path in stopped[done:]]
    receipt = json.loads((tmp_path / "counts" / "tokkit.json").read_text("utf-8"))["result"]
    assert [file["name"] for file in receipt["inputs"]] == ["a.txt", "b.txt", "c.txt"]
    monkeypatch.undo()
    tokkit.count(stopped, tmp_path / "again")
    assert _parts(tmp_path / "counts") == _parts(tmp_path / "again")
    assert receipt == json.loads((tmp_path / "again" / "tokkit.json").read_text("utf-8"))["result"]


def _planned(paths, options, progress):
    """Planning looks into every file; this one does not."""
    from tokkit.corpus.feed import CorpusFile
    from tokkit.sources.formats import TableFormat

    return [CorpusFile(path, TableFormat("text")) for path in paths]


@pytest.mark.parametrize("change", ["file", "recipe", "files"])
def test_resume_of_another_job_begins_anew(stopped, tmp_path, heard, change):
    settings, files = {}, stopped
    if change == "file":
        stopped[0].write_text("another text\n" * 1000, "utf-8")
    elif change == "recipe":
        settings = {"recipe": "gpt2"}
    else:
        files = stopped[1:]
    tokkit.count(files, tmp_path / "counts", progress=heard, **settings)
    assert "an unfinished count of other files, or with other blocks, is discarded" in heard
    assert "continuing" not in heard
    tokkit.count(files, tmp_path / "again", **settings)
    assert _parts(tmp_path / "counts") == _parts(tmp_path / "again")
    assert not list(tmp_path.glob(".*"))


def test_resume_counts_a_shard_again_whose_runs_are_gone(stopped, tmp_path, heard):
    for run in (tmp_path / ".counts.tokkit-counting").glob("shard-00000-*"):
        run.unlink()
    tokkit.count(stopped, tmp_path / "counts", progress=heard)
    tokkit.count(stopped, tmp_path / "again")
    assert _parts(tmp_path / "counts") == _parts(tmp_path / "again")


def test_resume_with_other_threads_and_memory_is_the_same_job(stopped, tmp_path, heard):
    tokkit.count(stopped, tmp_path / "counts", progress=heard, threads=3, memory="2MB")
    assert "continuing" in heard


def test_standard_input_cannot_be_gone_on_with(write, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 1000)
    path = write("spool/standard-input", "some text\n" * 1000)
    monkeypatch.setattr(paths, "_SPOOLED", [path.parent])
    stopping = _Stopping(tmp_path, 1)
    with pytest.raises(Interrupted):
        tokkit.count(path, tmp_path / "counts", progress=stopping)
    assert "kept" not in stopping
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("where", ["write_run", "write_part"])
def test_a_full_disk_is_said_and_finished_shards_are_kept(write, tmp_path, monkeypatch, heard, where):
    monkeypatch.setattr(shards, "SHARD", 10_000)
    files = [write(f"{name}.txt", f"text of {name}\n" * 1000) for name in "abc"]
    original, calls = getattr(parts, where), []

    def full(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device", str(arguments[0]))
        original(*arguments)

    monkeypatch.setattr(parts, where, full)
    with pytest.raises(OutputError, match="counts: no space left on the device"):
        tokkit.count(files, tmp_path / "counts", threads=1, progress=heard)
    assert ("1 of 3 shards" if where == "write_run" else "3 of 3 shards") in heard
    monkeypatch.undo()
    monkeypatch.setattr(shards, "SHARD", 10_000)
    tokkit.count(files, tmp_path / "counts", progress=heard)
    assert "continuing" in heard
    tokkit.count(files, tmp_path / "again")
    assert _parts(tmp_path / "counts") == _parts(tmp_path / "again")


def test_bad_text_leaves_no_work_behind(write, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 1000)
    files = [write("a.txt", "fine\n" * 1000), write("b.txt", b"bad \xff\n")]
    with pytest.raises(InputError):
        tokkit.count(files, tmp_path / "counts")
    assert not list(tmp_path.glob(".*"))


def test_a_file_that_changes_while_it_is_counted_is_refused(write, tmp_path, monkeypatch):
    path = write("a.txt", "some text\n" * 1000)
    original = counting.run_name

    def changing(*arguments):
        path.write_text("other text\n", "utf-8")
        return original(*arguments)

    monkeypatch.setattr(counting, "run_name", changing)
    with pytest.raises(InputError, match=r"a.txt: was changed while it was counted"):
        tokkit.count(path, tmp_path / "counts")
    assert list(tmp_path.iterdir()) == [path]
