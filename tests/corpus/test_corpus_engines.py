"""Engines of `count`: the same bytes in one process, several, and as tasks of Ray; killed workers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

import tokkit
from tests.marks import quick_of
from tokkit.corpus import merging, parts, shards
from tokkit.errors import InputError, Interrupted, TokkitError, UsageError
from tokkit.progress import SILENT, Silent
from tokkit.runtime.byte_table import StringCounts
from tokkit.runtime.engines.choice import engine_for
from tokkit.runtime.engines.engine import Inline
from tokkit.runtime.engines.engine_options import EngineOptions
from tokkit.runtime.engines.processes import Processes
from tokkit.tokenizer.training import count

LINES = [f"line {n * 7919 % 10007} 한국어 단어{n} Straße {n % 97}\n" for n in range(20_000)]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Several shards."""
    monkeypatch.setattr(shards, "SHARD", 1 << 17)
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("".join(LINES), "utf-8")
    (folder / "b.jsonl").write_text(
        "".join(json.dumps({"text": line}) + "\n" for line in LINES[:50]), "utf-8"
    )
    return folder


def content(folder: Path):
    """What does not differ from run to run."""
    written = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    return written, json.loads((folder / "tokkit.json").read_text())["result"]


def slow_double(number: int) -> int:
    time.sleep(0.02)
    return 2 * number


def kill_own_process_once(mark: str) -> int:
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def kill_own_process(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(number: int) -> int:
    raise InputError(f"number {number} is bad", hint="take another")


def children():
    return [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.parametrize("recipe", ["bert-uncased", "gpt2"])
def test_processes_count_the_same_bytes(recipe, corpus, tmp_path):
    inline = tokkit.count(corpus, tmp_path / "inline", recipe=recipe)
    apart = tokkit.count(corpus, tmp_path / "apart", recipe=recipe, engine="process", threads=2)
    assert content(tmp_path / "inline") == content(tmp_path / "apart")
    assert (inline.pieces, inline.fingerprint) == (apart.pieces, apart.fingerprint)
    assert children() == []


class Elsewhere:
    """An engine that is not inline for those who ask, in this process."""

    run, close = Inline.run, Inline.close


@pytest.mark.parametrize("memory", quick_of([None, "1KB"], [None]))
def test_runs_that_are_merged_in_groups_give_the_same_bytes(memory, corpus, tmp_path, monkeypatch):
    whole = tokkit.count(corpus, tmp_path / "whole")
    monkeypatch.setattr(count, "engine_for", lambda *_: Elsewhere())
    monkeypatch.setattr(shards, "SHARD", 1 << 14)
    monkeypatch.setattr(merging, "FAN_IN", 3)
    monkeypatch.setattr(merging, "LEAST_MEMORY", 1 << 12)
    monkeypatch.setattr(parts, "_SAMPLE_EVERY", 2)
    groups, original = [], merging.merge_part
    monkeypatch.setattr(
        merging, "merge_part", lambda task: (groups.append(len(task.sources)), original(task))[1]
    )
    grouped = tokkit.count(corpus, tmp_path / "grouped", memory=memory)
    assert len(groups) > 4 * parts.PARTITIONS
    assert max(groups) == 3
    assert (grouped.pieces, grouped.distinct_pieces) == (whole.pieces, whole.distinct_pieces)
    assert content(tmp_path / "grouped")[0] == content(tmp_path / "whole")[0]
    assert not (tmp_path / "grouped" / "groups").exists()
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_worker_left_is_written_again(tmp_path):
    run, part = tmp_path / "run.parquet", tmp_path / "part.parquet"
    parts.write_run(run, StringCounts.of([b"a", b"b"], [1, 2]), lambda: False)
    part.write_bytes(b"half")
    sources = [(run, [partition]) for partition in range(parts.PARTITIONS)]
    assert merging.merge_part(merging.MergeTask(part, sources, tmp_path, 1 << 20)) == (3, 2)


def test_results_come_with_the_index_of_their_task():
    with closing(Processes(2)) as engine:
        results = dict(engine.run(slow_double, list(range(20)), SILENT))
    assert results == {index: 2 * index for index in range(20)}
    assert children() == []


def test_a_killed_worker_is_replaced(tmp_path, heard):
    marks = [str(tmp_path / f"mark-{number}") for number in range(3)]
    with closing(Processes(2)) as engine:
        results = dict(engine.run(kill_own_process_once, marks, heard))
    assert children() == []
    assert sorted(results) == [0, 1, 2]
    assert "a worker process was killed" in heard


def test_workers_that_always_end_are_an_error():
    with pytest.raises(TokkitError, match="ended without a result: out of memory"):
        dict(Processes(1).run(kill_own_process, [1], SILENT))
    assert children() == []


def test_an_error_of_a_task_is_raised_as_it_is():
    with pytest.raises(InputError, match="number 3 is bad") as caught:
        dict(Processes(1).run(refuse, [3], SILENT))
    assert caught.value.hint == "take another"
    assert children() == []


def test_cancelled_work_leaves_no_process():
    class Cancelled(Silent):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(Interrupted):
        dict(Processes(2).run(slow_double, list(range(1_000)), Cancelled()))
    assert children() == []


def started(corpus: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    code = (
        "from tokkit.corpus import shards\n"
        "from tokkit.cli.start import main\n"
        "if __name__ == '__main__':\n"
        f"    shards.SHARD = {1 << 17}\n"
        "    main()\n"
    )
    (folder / "run.py").write_text(code)
    words = [sys.executable, "run.py", "count", str(corpus), "-o", "counts", *options]
    return subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("ends", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGKILL])
def test_a_driver_that_ends_takes_its_workers_along_and_is_continued(ends, corpus, tmp_path):
    tokkit.count(corpus, tmp_path / "inline")
    process = started(corpus, tmp_path, "--engine", "process", "--threads", "2")
    work = tmp_path / ".counts.tokkit-counting"
    until = time.monotonic() + 180
    while not list(work.glob("*.done")) and time.monotonic() < until:
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(ends)
    _, err = process.communicate(timeout=240)
    assert process.returncode == (130 if ends == signal.SIGINT else -9), err
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    done = len(list(work.glob("*.done")))
    assert done
    again = started(corpus, tmp_path, "--engine", "process", "--threads", "2")
    _, err = again.communicate(timeout=240)
    assert again.returncode == 0, err
    assert f"continuing: {done} of " in err
    assert content(tmp_path / "counts") == content(tmp_path / "inline")


def test_bad_text_is_the_same_error(corpus, tmp_path):
    (corpus / "a.txt").write_bytes(b"good\n" * 40_000 + b"bad \xff\xfe\n")
    errors = []
    for engine in ("inline", "process"):
        with pytest.raises(InputError) as caught:
            tokkit.count(corpus / "a.txt", tmp_path / "counts", engine=engine, threads=1)
        errors.append((caught.value.message, str(caught.value.hint).splitlines()[0]))
    assert errors[0] == errors[1]
    assert "a.txt:40001" in errors[0][0]
    assert [path.name for path in tmp_path.iterdir()] == ["texts"]


def test_an_address_is_for_ray(corpus, tmp_path):
    with pytest.raises(UsageError, match="is for the engine ray"):
        tokkit.count(corpus, tmp_path / "counts", ray_address="auto")


def test_ray_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError) as caught:
        engine_for(EngineOptions(engine="ray"), None)
    assert caught.value.hint == "pip install ray"


def test_an_address_that_nobody_answers_is_one_sentence(corpus, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(InputError, match="no cluster of Ray answers there"):
        tokkit.count(corpus, tmp_path / "counts", engine="ray", ray_address=address)


@pytest.mark.long
def test_ray_counts_the_same_bytes_while_its_workers_are_killed(corpus, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed")
    tokkit.count(corpus, tmp_path / "inline")
    process = started(corpus, tmp_path, "--engine", "ray", "--threads", "2")
    killed = 0
    while process.poll() is None:
        for child in psutil.process_iter(["cmdline"]):
            if killed < 2 and "ray::_call" in " ".join(child.info["cmdline"] or ()):
                child.kill()
                killed += 1
        time.sleep(0.05)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert killed
    assert content(tmp_path / "counts") == content(tmp_path / "inline")
