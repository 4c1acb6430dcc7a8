"""Engines of `encode`: the bytes of the inline run from other processes, also where something breaks."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import psutil
import pytest

import tokkit
from tests.conftest import Heard
from tokkit.data.encoding import parts
from tokkit.data.loading import shards
from tokkit.errors import InputError, OutputError
from tokkit.runtime.engines.engine import Inline

TEXTS = [f"line {n} 한국어 단어{n % 91} Straße {'low lower ' * (n % 7)}" for n in range(3_000)]
LABELS = [("good", "bad", "")[n % 3] for n in range(3_000)]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "corpus.txt").write_text("\n".join(TEXTS), "utf-8")
    tokkit.train_bpe(folder / "corpus.txt", folder / "bpe", vocab_size=400)
    return folder / "bpe"


@pytest.fixture
def small(monkeypatch):
    """Small data have several shards, of several parts each."""
    monkeypatch.setattr(shards, "SHARD", 1 << 15)
    monkeypatch.setattr(shards, "_MOST", 10)
    monkeypatch.setattr(parts, "ROWS", 400)
    monkeypatch.setattr("tokkit.sources.formats.batch.ROWS", 100)
    monkeypatch.setattr("tokkit.sources.formats.text.ROWS", 100)


class PickledTasks(Inline):
    """Tasks in this process, pickled on their way as those of other processes are."""

    def __init__(self) -> None:
        self.tasks: list = []

    def run(self, function, tasks, progress):
        import pickle

        for index, task in enumerate(tasks):
            self.tasks.append(task)
            yield index, pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(task)))))


@pytest.fixture
def run(tokenizer, tmp_path, monkeypatch):
    """`encode` to a folder of that name; ``engine`` may be an object."""

    def encode(data, name, engine=None, **settings):
        with monkeypatch.context() as patched:
            if isinstance(engine, str):
                settings |= {"engine": engine}
            elif engine is not None:
                patched.setattr("tokkit.data.encoding.encode.engine_for", lambda *_: engine)
                patched.setattr("tokkit.data.encoding.encode.is_inline", lambda engine: False)
            tokkit.encode(data, tokenizer, tmp_path / name, threads=2, **settings)
        return content(tmp_path / name)

    return encode


def content(folder: Path):
    """What does not differ from run to run."""
    written = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "tokkit.json"}
    return written, json.loads((folder / "tokkit.json").read_text())["result"]


def write_data(folder: Path, kind: str) -> Path:
    """A folder with two splits, train in two files."""
    folder.mkdir()
    frame = pl.DataFrame({"text": [text or None for text in TEXTS], "label": [x or None for x in LABELS]})
    for name, rows in (
        ("train-1", frame[:1_500]),
        ("train-2", frame[1_500:2_800]),
        ("test", frame[2_800:]),
    ):
        path = folder / f"{name}.{kind}"
        if kind == "txt":
            path.write_text("\n".join(rows["text"]) + "\n", "utf-8")
        elif kind == "parquet":
            rows.write_parquet(path, row_group_size=170, compression="uncompressed")
        elif kind == "jsonl":
            rows.write_ndjson(path)
        else:
            rows.write_csv(path)
    return folder


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("txt", {}), ("jsonl", {}), ("parquet", {"pair_column": "label"}), ("csv", {}), ("txt", {"pack": 64})],
)
def test_tasks_give_the_bytes_of_the_inline_run(kind, settings, tmp_path, small, run):
    data, engine = write_data(tmp_path / "data", kind), PickledTasks()
    assert run(data, "tasks", engine, **settings) == run(data, "inline", **settings)
    # all but csv is cut within its files
    assert (len(engine.tasks) > 3) == (kind != "csv")
    assert all(task.shard for task in engine.tasks)


def test_what_no_process_is_to_read_alone_is_handed_out(tmp_path, small, run, monkeypatch):
    data, engine = write_data(tmp_path / "data", "csv"), PickledTasks()
    monkeypatch.setattr(shards, "_MOST", 1)
    assert run(data, "large", engine) == run(data, "inline")
    # 1,500, 1,300 and 200 rows, the last of which fit into a shard
    assert [task.part is not None for task in engine.tasks] == [False] + 8 * [True]
    engine.tasks.clear()
    settings = {"where": "words(text) > 5"}
    assert run(data, "options", engine, **settings) == run(data, "inline-options", **settings)
    assert all(task.part for task in engine.tasks)


def test_a_type_that_changes_in_a_later_shard_is_that_of_all_rows(tmp_path, small, run):
    data = tmp_path / "train.jsonl"
    values = [*range(6_000), 20.5]
    data.write_text("".join(json.dumps({"text": value}) + "\n" for value in values))
    engine = PickledTasks()
    assert run(data, "tasks", engine, text_column="text") == run(data, "inline", text_column="text")
    assert len({task.shard is None for task in engine.tasks}) == 2


@pytest.mark.long
def test_processes_give_the_bytes_of_the_inline_run(tmp_path, run, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 1 << 16)  # all else is as it is in the other processes
    data = write_data(tmp_path / "data", "txt")
    assert run(data, "processes", "process") == run(data, "inline")
    receipt = json.loads((tmp_path / "processes/tokkit.json").read_text())
    assert receipt["run"]["engine"] == "process"


def test_errors_name_the_line_in_the_file(tmp_path, small, run):
    data = tmp_path / "train.jsonl"
    rows = [json.dumps({"text": text}) for text in TEXTS]
    rows[2_500] = "no JSON"
    data.write_text("\n".join(rows))
    errors = []
    for engine in (None, PickledTasks()):
        with pytest.raises(InputError, match=r"train\.jsonl:2501: ") as caught:
            run(data, "ids", engine)
        errors.append((str(caught.value), caught.value.hint))
    assert errors[0] == errors[1]
    assert [path.name for path in tmp_path.iterdir()] == ["train.jsonl"]


def test_a_shard_that_changes_is_one_sentence(tmp_path, small, run):
    data = write_data(tmp_path / "data", "txt")

    class Changing(PickledTasks):
        def run(self, function, tasks, progress):
            for index, result in super().run(function, tasks, progress):
                if index == 1:
                    (data / "train-2.txt").write_text("another text\n" * 3_000)
                yield index, result

    with pytest.raises(InputError, match=r"train-2\.txt: was changed while it was read"):
        run(data, "ids", Changing())
    assert run(data, "ids", PickledTasks()) == run(data, "inline")


def test_a_full_disk_of_one_worker_keeps_what_is_done(tmp_path, small, run, monkeypatch):
    data, written = write_data(tmp_path / "data", "txt"), []
    original = parts._sync

    def full(path):
        written.append(path)
        if len(written) == 5:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        original(path)

    monkeypatch.setattr(parts, "_sync", full)
    with pytest.raises(OutputError, match="ids: no space left on the device"):
        run(data, "ids", PickledTasks())
    heard = Heard()
    assert run(data, "ids", PickledTasks(), progress=heard) == run(data, "inline")
    assert "continuing: 4 parts are encoded already" in heard


def started(folder: Path, tokenizer: Path, engine: str) -> subprocess.Popen[str]:
    """An `encode` of small shards in a process of its own."""
    code = (
        "from tokkit.data.loading import shards\n"
        "from tokkit.cli.start import main\n"
        "if __name__ == '__main__':\n"
        f"    shards.SHARD = {1 << 17}\n"
        "    main()\n"
    )
    (folder / "run.py").write_text(code)
    words = ["encode", "data", "--tokenizer", str(tokenizer), "-o", "ids", "--engine", engine]
    words = [sys.executable, "run.py", *words, "--threads", "2"]
    # Ray's workers let everything else on a machine go first, and would long wait on a busy one
    environment = {**os.environ, "RAY_worker_niceness": "0"}
    return subprocess.Popen(words, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for_parts(number: int, folder: Path, process: subprocess.Popen[str]) -> int:
    """Until so many parts are encoded; returns how many are."""
    until, work = time.monotonic() + 240, folder / ".ids.tokkit-encoding"
    while len(list(work.glob("*.done"))) < number and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    return len(list(work.glob("*.done")))


@pytest.mark.long
@pytest.mark.parametrize("engine", ["process", "ray"])
@pytest.mark.parametrize("ends", ["worker", "interrupt", "kill"])
def test_what_a_killed_process_did_not_encode_is_encoded_again(
    engine, ends, tokenizer, tmp_path, run, monkeypatch
):
    if engine == "ray":
        pytest.importorskip("ray", reason="ray is not installed")
    (tmp_path / "data").mkdir()
    for number in range(20):
        (tmp_path / f"data/train-{number:02}.txt").write_text("\n".join(TEXTS[number:]) + "\n", "utf-8")
    process = started(tmp_path, tokenizer, engine)
    assert wait_for_parts(3, tmp_path, process) >= 3
    if ends == "worker":
        name = "spawn_main" if engine == "process" else "ray::_call"
        children = psutil.Process(process.pid).children(recursive=True)
        next(child for child in children if name in " ".join(child.cmdline())).kill()
    else:
        process.send_signal(signal.SIGINT if ends == "interrupt" else signal.SIGKILL)
    _, err = process.communicate(timeout=300)
    assert process.returncode == {"worker": 0, "interrupt": 130, "kill": -signal.SIGKILL}[ends], err
    if ends != "worker":
        done = wait_for_parts(0, tmp_path, process)
        again = started(tmp_path, tokenizer, engine)
        _, err = again.communicate(timeout=300)
        assert again.returncode == 0, err
        assert f"continuing: {done} parts are encoded already" in err
    monkeypatch.setattr(shards, "SHARD", 1 << 17)
    assert content(tmp_path / "ids") == run(tmp_path / "data", "inline")
