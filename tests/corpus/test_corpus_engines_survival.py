"""Engines of `count` when workers, nodes and disks fail: the same counts, or one sentence says why not."""

from __future__ import annotations

import errno
import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

import tokkit
from tokkit.corpus import parts, shards
from tokkit.errors import InputError, OutputError
from tokkit.runtime.engines import ray_tasks
from tokkit.runtime.engines.engine import Inline

LINES = [f"line {n * 7919 % 10007} 한국어 단어{n} Straße {n % 97}\n" for n in range(20_000)]
SHARD = 1 << 17


@pytest.fixture
def corpus(tmp_path, monkeypatch) -> Path:
    """About 60 shards."""
    monkeypatch.setattr(shards, "SHARD", SHARD)
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.txt").write_text("".join(LINES[number:]), "utf-8")
    return folder


def content(folder: Path):
    """What does not differ from run to run."""
    written = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    return written, json.loads((folder / "tokkit.json").read_text())["result"]


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """The workers of a pool among the children of a process."""
    return [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.long
def test_a_worker_killed_at_twenty_random_times_gives_twenty_equal_results(corpus, tmp_path):
    tokkit.count(corpus, tmp_path / "inline")
    expected = content(tmp_path / "inline")
    draw = random.Random(16)
    kills = 0
    for number in range(20):
        out, is_over, killed = tmp_path / f"counts-{number}", threading.Event(), []

        def kill(is_over=is_over, killed=killed):
            # seconds until the workers have started, and some of those that they work
            while not is_over.wait(0.02) and len(workers_of(psutil.Process())) < 2:
                pass
            is_over.wait(draw.uniform(0, 3))
            if workers := workers_of(psutil.Process()):
                draw.choice(workers).kill()
                killed.append(True)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            tokkit.count(corpus, out, engine="process", threads=2)
        finally:
            is_over.set()
            killer.join()
        kills += len(killed)
        assert content(out) == expected
    assert kills > 10
    assert workers_of(psutil.Process()) == []


def test_a_full_disk_of_one_worker_keeps_what_others_counted(corpus, tmp_path, monkeypatch, heard):
    original, calls = parts.write_run, []

    def full(*arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise OSError(errno.ENOSPC, "No space left on device", str(arguments[0]))
        original(*arguments)

    for number in range(2, 8):
        (corpus / f"{number}.txt").unlink()
    # the same function as in other processes, one task after another
    monkeypatch.setattr("tokkit.tokenizer.training.count.engine_for", lambda *_: Inline())
    monkeypatch.setattr("tokkit.tokenizer.training.count.is_inline", lambda engine: False)
    monkeypatch.setattr(parts, "write_run", full)
    with pytest.raises(OutputError, match="counts: no space left on the device"):
        tokkit.count(corpus, tmp_path / "counts")
    monkeypatch.setattr(parts, "write_run", original)
    tokkit.count(corpus, tmp_path / "counts", progress=heard)
    assert "continuing: 4 of " in heard
    tokkit.count(corpus, tmp_path / "again")
    assert content(tmp_path / "counts") == content(tmp_path / "again")


def test_a_shard_that_changed_is_one_sentence_and_the_next_run_goes_on(corpus, tmp_path, monkeypatch):
    class Changing(Inline):
        def run(self, function, tasks, progress):
            for index, result in super().run(function, tasks, progress):
                if index == 2:
                    (corpus / "1.txt").write_text("another text\n" * 20_000, "utf-8")
                yield index, result

    for number in range(2, 8):
        (corpus / f"{number}.txt").unlink()
    with monkeypatch.context() as patched:
        patched.setattr("tokkit.tokenizer.training.count.engine_for", lambda *_: Changing())
        patched.setattr("tokkit.tokenizer.training.count.is_inline", lambda engine: False)
        with pytest.raises(InputError, match=r"1\.txt: was changed while it was counted") as caught:
            tokkit.count(corpus, tmp_path / "counts")
    assert (caught.value.exit_code, caught.value.hint) == (3, "run the command again")
    tokkit.count(corpus, tmp_path / "counts")
    tokkit.count(corpus, tmp_path / "again")
    assert content(tmp_path / "counts") == content(tmp_path / "again")


def test_counts_of_other_blocks_are_not_merged(corpus, tmp_path):
    for recipe in ("bert-uncased", "gpt2"):
        tokkit.count(corpus / "0.txt", tmp_path / recipe, recipe=recipe)
    with pytest.raises(InputError) as caught:
        tokkit.merge_counts([tmp_path / "bert-uncased", tmp_path / "gpt2"], tmp_path / "merged")
    assert caught.value.exit_code == 3
    assert "\n" not in caught.value.message
    assert str(tmp_path / "gpt2") in caught.value.message
    tokkit.count(corpus / "1.txt", tmp_path / "more")
    tokkit.merge_counts([tmp_path / "bert-uncased", tmp_path / "more"], tmp_path / "merged")


@pytest.fixture(scope="module")
def cluster():
    """Ray with two nodes on this machine."""
    pytest.importorskip("ray", reason="ray is not installed")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patched:
        # Ray's workers let everything else on a machine go first, and would long wait on a busy one
        patched.setenv("RAY_worker_niceness", "0")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        yield cluster
        cluster.shutdown()


def started(corpus: Path, folder: Path, cluster) -> subprocess.Popen[str]:
    """A `count` in a process of its own, on the cluster."""
    code = (
        "from tokkit.corpus import shards\n"
        "from tokkit.cli.start import main\n"
        "if __name__ == '__main__':\n"
        f"    shards.SHARD = {SHARD}\n"
        "    main()\n"
    )
    (folder / "run.py").write_text(code)
    words = ["count", str(corpus), "-o", "counts", "--engine", "ray", "--ray-address", cluster.address]
    return subprocess.Popen([sys.executable, "run.py", *words], cwd=folder, stderr=subprocess.PIPE, text=True)


def wait_for_shards(number: int, folder: Path, process: subprocess.Popen[str]) -> None:
    """Until so many shards are counted."""
    until = time.monotonic() + 240
    work = folder / ".counts.tokkit-counting"
    while len(list(work.glob("*.done"))) < number and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.long
def test_a_worker_of_another_version_is_named(corpus, tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(ray_tasks, "__version__", "0.0.1")
    with pytest.raises(InputError, match=rf"has tokkit {tokkit.__version__}, and this is 0\.0\.1") as caught:
        tokkit.count(corpus, tmp_path / "counts", engine="ray", ray_address=cluster.address)
    assert caught.value.hint.endswith("pip install tokkit-nlp==0.0.1")
    assert not (tmp_path / "counts").exists()


@pytest.mark.long
def test_without_an_address_a_local_one_is_started_next_to_a_cluster(corpus, tmp_path, cluster, heard):
    tokkit.count(corpus / "0.txt", tmp_path / "inline")
    tokkit.count(corpus / "0.txt", tmp_path / "counts", engine="ray", threads=2, progress=heard)
    assert "Ray: 2 cores on 1 node" in heard
    assert content(tmp_path / "counts") == content(tmp_path / "inline")


@pytest.mark.long
def test_a_node_that_vanishes_is_done_without(corpus, tmp_path, cluster):
    tokkit.count(corpus, tmp_path / "inline")
    node = cluster.add_node(num_cpus=1)
    process = started(corpus, tmp_path, cluster)
    wait_for_shards(8, tmp_path, process)
    assert process.poll() is None
    cluster.remove_node(node, allow_graceful=False)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "cores on 3 nodes" in err
    assert content(tmp_path / "counts") == content(tmp_path / "inline")


@pytest.mark.long
@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_on_a_cluster_that_ends_is_continued(ends, corpus, tmp_path, cluster):
    tokkit.count(corpus, tmp_path / "inline")
    for is_first in (True, False):
        process = started(corpus, tmp_path, cluster)
        if is_first:
            wait_for_shards(5, tmp_path, process)
            process.send_signal(ends)
        _, err = process.communicate(timeout=300)
        assert process.returncode == ((130 if ends == signal.SIGINT else -9) if is_first else 0), err
    assert "continuing: " in err
    assert content(tmp_path / "counts") == content(tmp_path / "inline")
