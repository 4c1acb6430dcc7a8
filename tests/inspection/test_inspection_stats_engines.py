"""Engines of `stats`: the figures of the inline run, merged from the sums of other processes."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import psutil
import pytest

import tokkit
from tokkit.data.loading import shards
from tokkit.errors import InputError, Interrupted, OutputError
from tokkit.inspection.statistics import distinct_strings
from tokkit.runtime.engines.engine import Inline
from tokkit.runtime.engines.processes import Processes

TEXTS = [
    f"line {n % 700} 한국어 {'<b>low</b>' if n % 50 == 0 else 'é'} {'lower ' * (n % 9)}" for n in range(3_000)
]
ROWS = pl.DataFrame(
    {
        "text": [text if n % 41 else None for n, text in enumerate(TEXTS)],
        "label": [("good", "bad", "나쁨", None)[n * 7 % 11 % 4] for n in range(3_000)],
        "source": [f"page {n % 13}" for n in range(3_000)],
        "number": range(3_000),
    }
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "corpus.txt").write_text("\n".join(TEXTS), "utf-8")
    tokkit.train_wordpiece(folder / "corpus.txt", folder / "wordpiece", vocab_size=120)
    return folder / "wordpiece"


@pytest.fixture
def small(monkeypatch):
    """Small data have several shards."""
    monkeypatch.setattr(shards, "SHARD", 1 << 16)
    monkeypatch.setattr(shards, "_MOST", 10)


class PickledTasks(Inline):
    """Tasks in this process, pickled on their way as those of other processes are; the last come first."""

    def __init__(self) -> None:
        self.tasks: list = []

    def run(self, function, tasks, progress):
        self.tasks = list(tasks)
        for index, task in reversed(list(enumerate(self.tasks))):
            yield index, pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(task)))))


class InterruptedTasks(PickledTasks):
    """Interrupted before the result after those wanted."""

    def __init__(self, wanted: int, error: type[BaseException] = Interrupted) -> None:
        super().__init__()
        self.wanted, self.error = wanted, error

    def run(self, function, tasks, progress):
        results = super().run(function, tasks, progress)
        for _ in range(self.wanted):
            yield next(results)
        raise self.error


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "stats"


@pytest.fixture
def figures(monkeypatch):
    """`stats` as JSON; ``engine`` may be an object."""

    def measure(data, *arguments, engine=None, **settings):
        with monkeypatch.context() as patched:
            if isinstance(engine, str):
                settings |= {"engine": engine}
            elif engine is not None:
                patched.setattr("tokkit.inspection.stats.engine_for", lambda *_: engine)
                patched.setattr("tokkit.inspection.stats.is_inline", lambda engine: False)
            return json.dumps(tokkit.stats(data, *arguments, **settings).as_dict(), ensure_ascii=False)

    return measure


def write_data(folder: Path, kind: str) -> Path:
    folder.mkdir()
    for name, rows in (("train", ROWS[:2_200]), ("validation", ROWS[2_200:2_500]), ("test", ROWS[2_500:])):
        path = folder / f"{name}.{kind}"
        if kind == "parquet":
            rows.write_parquet(path, row_group_size=170, compression="uncompressed")
        elif kind == "jsonl":
            rows.write_ndjson(path)
        elif kind == "txt":
            path.write_text("\n".join(text or "" for text in rows["text"]), "utf-8")
        else:
            rows.write_csv(path)
    return folder


@pytest.mark.parametrize(
    "kind", ["jsonl", "parquet", *(pytest.param(kind, marks=pytest.mark.long) for kind in ("csv", "txt"))]
)
def test_sums_of_tasks_are_those_of_the_inline_run(kind, tokenizer, tmp_path, small, figures):
    data, engine = write_data(tmp_path / "data", kind), PickledTasks()
    assert figures(data, tokenizer, engine=engine) == figures(data, tokenizer)
    assert (len(engine.tasks) > 3) == (kind != "csv")
    assert all(task.shard for task in engine.tasks)


@pytest.mark.parametrize(
    "settings",
    [
        {"near": True},
        {"where": "words(text) > 4"},
        pytest.param({"pair_column": "source"}, marks=pytest.mark.long),
        pytest.param({"languages": True}, marks=pytest.mark.long),
    ],
    ids=str,
)
def test_options_give_the_same_figures(settings, tmp_path, small, figures):
    if "languages" in settings:
        pytest.importorskip("py3langid", reason="py3langid is not installed")
    data = write_data(tmp_path / "data", "jsonl")
    assert figures(data, engine=PickledTasks(), **settings) == figures(data, **settings)


def test_large_files_that_cannot_be_cut_are_handed_out(tmp_path, small, figures, monkeypatch):
    monkeypatch.setattr(shards, "_MOST", 1)
    data, engine = write_data(tmp_path / "data", "csv"), PickledTasks()
    assert figures(data, engine=engine) == figures(data)
    assert [task.shard is None for task in engine.tasks] == [False, False, True]


def test_a_type_that_changes_in_a_later_shard_is_that_of_all_rows(tmp_path, small, figures):
    data, engine = tmp_path / "train.jsonl", PickledTasks()
    values = [*range(6_000), 20.5]
    data.write_text("".join(json.dumps({"text": "a b", "n": value}) + "\n" for value in values))
    assert figures(data, engine=engine) == figures(data)


@pytest.mark.long
def test_processes_give_the_same_figures(tokenizer, tmp_path, figures, monkeypatch):
    monkeypatch.setattr(shards, "SHARD", 1 << 16)
    data = write_data(tmp_path / "data", "jsonl")
    assert figures(data, tokenizer, engine="process", threads=2) == figures(data, tokenizer)


def test_an_error_of_a_worker_is_that_of_the_inline_run(tmp_path, small, figures):
    data = tmp_path / "train.jsonl"
    rows = [json.dumps({"text": text}) for text in 3 * TEXTS]
    rows[7_000] = "no JSON"
    data.write_text("\n".join(rows))
    for engine in (None, PickledTasks(), Processes(1)):
        with pytest.raises(InputError, match=r"train\.jsonl:7001: "):
            figures(data, engine=engine)


def test_a_full_disk_of_a_worker_is_one_sentence(tmp_path, small, figures, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    data = write_data(tmp_path / "data", "jsonl")
    monkeypatch.setattr(distinct_strings.Block, "write", full)
    with pytest.raises(OutputError, match="cannot be written there: No space left on device"):
        figures(data, engine=PickledTasks())


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_an_interrupted_run_is_continued(
    kind, tokenizer, cache, tmp_path, small, figures, heard, monkeypatch
):
    # of csv, that cannot be cut, the rows of the largest file are handed out
    monkeypatch.setattr(shards, "_MOST", 1)
    monkeypatch.setattr("tokkit.inspection.statistics.measure_tasks._ROWS", 200)
    data, whole, rest = write_data(tmp_path / "data", kind), PickledTasks(), PickledTasks()
    expected = figures(data, tokenizer, engine=whole)
    assert expected == figures(data, tokenizer)
    assert list(cache.iterdir()) == []
    with pytest.raises(Interrupted):
        figures(data, tokenizer, engine=InterruptedTasks(2), progress=heard)
    assert "2 parts are kept: the same command continues from there" in heard
    assert [folder.stat().st_mode & 0o777 for folder in (cache, cache.parent)] == [0o700, 0o700]
    assert figures(data, tokenizer, engine=rest, progress=heard) == expected
    assert "continuing: 2 parts are measured already" in heard
    assert len(rest.tasks) == len(whole.tasks) - 2 > 0
    assert list(cache.iterdir()) == []


def test_a_damaged_part_is_measured_again(cache, tmp_path, small, figures):
    data, rest = write_data(tmp_path / "data", "jsonl"), PickledTasks()
    with pytest.raises(Interrupted):
        figures(data, engine=InterruptedTasks(3))
    first, *_ = sorted(cache.glob(".*/*.parquet"))
    first.write_bytes(first.read_bytes()[:-1] + b"x")
    assert figures(data, engine=rest) == figures(data)
    tasks = PickledTasks()
    figures(data, engine=tasks)
    assert len(rest.tasks) == len(tasks.tasks) - 2


@pytest.mark.parametrize("change", ["rows", "option", "tokenizer"])
def test_what_another_run_measured_is_not_taken(change, tokenizer, cache, tmp_path, small, figures):
    data, settings = write_data(tmp_path / "data", "jsonl"), {}
    with pytest.raises(Interrupted):
        figures(data, tokenizer, engine=InterruptedTasks(3))
    if change == "rows":
        with (data / "test.jsonl").open("a") as file:
            file.write('{"text": "one more", "label": "good", "source": "", "number": 0}\n')
    elif change == "option":
        settings["text_column"] = "source"
    else:
        other = tmp_path / "other"
        tokkit.train_wordpiece(tokenizer.parent / "corpus.txt", other, vocab_size=90)
        tokenizer = other
    assert figures(data, tokenizer, engine=PickledTasks(), **settings) == figures(data, tokenizer, **settings)


def test_nothing_is_kept_of_bad_input(cache, tmp_path, small, figures):
    rows = [json.dumps({"text": text}) for text in TEXTS]
    # later than the rows that tell the types
    (tmp_path / "train.jsonl").write_text("\n".join([*(10 * rows), "no JSON", *rows]))
    with pytest.raises(InputError, match="30001"):
        figures(tmp_path / "train.jsonl", engine=Processes(1))
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_said(tmp_path, small, figures, heard, monkeypatch):
    data = write_data(tmp_path / "data", "jsonl")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOKKIT_CACHE", str(tmp_path / "file"))
    assert figures(data, engine=PickledTasks(), progress=heard) == figures(data)
    assert "a run that is interrupted cannot be continued" in heard


def test_a_full_cache_is_said_once(cache, tmp_path, small, figures, heard, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    data = write_data(tmp_path / "data", "jsonl")
    monkeypatch.setattr("tokkit.inspection.statistics.finished_sums.os.fsync", full)
    monkeypatch.setattr("tokkit.files.work.Work._write", lambda *_: None)
    assert figures(data, engine=PickledTasks(), progress=heard) == figures(data)
    assert len([sentence for sentence in heard.sentences if "No space left on device" in sentence]) == 1
    assert list(cache.iterdir()) == []


def test_runs_that_nobody_continues_are_removed(cache, tmp_path, small, figures):
    data = write_data(tmp_path / "data", "jsonl")
    with pytest.raises(Interrupted):
        figures(data, engine=InterruptedTasks(1))
    (kept,) = cache.iterdir()
    figures(data / "test.jsonl", engine=PickledTasks())
    assert list(cache.iterdir()) == [kept]
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(kept, (long_ago, long_ago))
    figures(data / "test.jsonl", engine=PickledTasks())
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("ends", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGKILL])
def test_a_process_that_ends_is_continued(ends, cache, tmp_path, figures):
    data = write_data(tmp_path / "data", "jsonl")
    code = (
        "from tokkit.data.loading import shards\n"
        "from tokkit.cli.start import main\n"
        "if __name__ == '__main__':\n"
        f"    shards.SHARD = {1 << 14}\n"
        "    main()\n"
    )
    (tmp_path / "run.py").write_text(code)
    command = [sys.executable, "run.py", "stats", "data", "--engine", "process", "--threads", "1", "--json"]

    def started() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    process, until = started(), time.monotonic() + 180
    while not list(cache.glob(".*/*.done")) and time.monotonic() < until:
        time.sleep(0.001)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(ends)
    _, err = process.communicate(timeout=240)
    assert process.returncode == (130 if ends == signal.SIGINT else -9), err
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    done = len(list(cache.glob(".*/*.done")))
    assert done
    again = started()
    out, err = again.communicate(timeout=240)
    assert again.returncode == 0, err
    assert f"continuing: {done} part" in err
    assert json.loads(out)["splits"] == json.loads(figures(data))["splits"]
    assert [path for path in cache.iterdir() if path.name.endswith("measuring")] == []
