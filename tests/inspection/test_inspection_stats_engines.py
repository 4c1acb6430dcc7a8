"""Engines of `stats`: the figures of the inline run, merged from the sums of other processes."""

from __future__ import annotations

import errno
import json
import pickle
from pathlib import Path

import polars as pl
import pytest

import tokkit
from tokkit.data.loading import shards
from tokkit.errors import InputError, OutputError
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
