"""Receipts: equal for equal work outside `run`, strict JSON, and refused when they are not sound."""

from __future__ import annotations

import hashlib
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tokkit import files
from tokkit.errors import InputError


def write(output: Path, *inputs, result=None, settings=None, run=None) -> dict:
    files.write_receipt(
        output,
        command="train-wordpiece",
        settings=settings or {"vocab_size": 8000, "lowercase": True},
        inputs=inputs,
        packages=["pytest", "not-installed-anywhere"],
        result=result or {"words": 12},
        run=run or {"started": time.time(), "seconds": 0.5},
    )
    return files.read_receipt(output)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "de").mkdir(parents=True)
    (folder / "b.txt").write_bytes(b"two\n")
    (folder / "a.txt").write_bytes(b"one\n")
    (folder / "de" / "ä.txt").write_bytes(b"drei\n")
    return folder


def test_describe_input_of_a_file(corpus):
    assert files.describe_input(corpus / "a.txt") == {
        "name": "a.txt",
        "sha256": hashlib.sha256(b"one\n").hexdigest(),
        "bytes": 4,
    }


def test_describe_input_of_a_folder(corpus, monkeypatch):
    described = files.describe_input(corpus)
    assert [file["name"] for file in described["files"]] == ["a.txt", "b.txt", "de/ä.txt"]
    assert (described["name"], described["bytes"]) == ("corpus", 13)
    monkeypatch.chdir(corpus)
    assert files.describe_input(Path()) == described
    (corpus / "de" / "ä.txt").rename(corpus / "ä.txt")
    assert files.describe_input(corpus)["sha256"] != described["sha256"]


def test_describe_input_leaves_receipts_out(corpus):
    before = files.describe_input(corpus)
    (corpus / "tokkit.json").write_text("{}")
    (corpus / "a.txt.tokkit.json").write_text("{}")
    assert files.describe_input(corpus) == before


def test_describe_input_names_what_is_missing(tmp_path):
    with pytest.raises(InputError, match=r"gone\.txt: cannot be read"):
        files.describe_input(tmp_path / "gone.txt")


def test_versions_are_those_installed():
    installed = files.versions("pytest", "not-installed-anywhere")
    assert list(installed) == ["pytest", "python", "tokkit"]
    assert installed["pytest"] == pytest.__version__
    assert installed["tokkit"].startswith("0.")


def test_write_receipt_has_two_parts(corpus, tmp_path):
    receipt = write(tmp_path, corpus / "a.txt", {"name": "-", "bytes": 7})
    assert list(receipt) == ["schema", "command", "result", "run"]
    assert list(receipt["result"]) == ["settings", "versions", "inputs", "words"]
    assert list(receipt["result"]["settings"]) == ["lowercase", "vocab_size"]
    assert [one["name"] for one in receipt["result"]["inputs"]] == ["a.txt", "-"]
    assert receipt["run"]["inputs"] == [str(corpus / "a.txt")]
    assert receipt["run"]["command_line"] == sys.argv
    assert receipt["run"]["working_folder"] == str(Path.cwd())


def test_write_receipt_is_the_same_outside_run(corpus, tmp_path, monkeypatch):
    first = write(tmp_path, corpus, settings={"a": 1, "b": 2})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "argv", ["tokkit", "other"])
    second = write(tmp_path / "elsewhere", Path("../corpus"), settings={"b": 2, "a": 1})
    assert json.dumps(first["result"]) == json.dumps(second["result"])
    assert first["run"] != second["run"]
    assert str(tmp_path) not in json.dumps(first["result"])


def test_write_receipt_of_a_file_stands_beside_it(tmp_path):
    (tmp_path / "out.csv").write_text("a,b\n")
    write(tmp_path / "out.csv")
    assert (tmp_path / "out.csv.tokkit.json").is_file()


def test_receipt_of_a_file_names_the_hashes_of_what_belongs_to_it(tmp_path):
    out = tmp_path / "a.csv"
    for name in ("a.csv", "a.csv.weights.json", "ab.csv", "a.csv.tokkit.json"):
        (tmp_path / name).write_text(name)
    receipt = write(out)
    assert [entry["path"] for entry in receipt["result"]["outputs"]] == ["a.csv", "a.csv.weights.json"]
    assert receipt["result"]["outputs"][0]["sha256"] == files.sha256_of(out)
    assert files.changed_outputs(out) == []
    (tmp_path / "a.csv.weights.json").unlink()
    assert files.changed_outputs(out) == ["a.csv.weights.json"]
    out.write_text("of another run")
    assert files.changed_outputs(out) == ["a.csv", "a.csv.weights.json"]


def test_write_receipt_writes_plain_json(tmp_path):
    result = {
        "loss": math.nan,
        "best": np.float64(0.5),
        "rows": np.int64(3),
        "lengths": np.array([1, 2]),
        "labels": {"ja", "nein"},
        "pair": (1, 2),
        3: "Größe 크기",
        "name": "not utf-8: \udc80",
    }
    receipt = write(tmp_path, result=result)["result"]
    assert receipt["loss"] is None
    assert (receipt["best"], receipt["rows"], receipt["lengths"]) == (0.5, 3, [1, 2])
    assert (receipt["labels"], receipt["pair"]) == (["ja", "nein"], [1, 2])
    assert receipt["name"] == result["name"]
    data = (tmp_path / "tokkit.json").read_bytes()
    assert "Größe 크기".encode() in data
    assert data.startswith(b'{\n  "schema": 1,\n')
    assert data.endswith(b"}\n")


def test_write_receipt_refuses_what_would_not_be_the_same(tmp_path):
    with pytest.raises(TypeError):
        write(tmp_path, result={"path": tmp_path})
    with pytest.raises(ValueError, match="versions"):
        write(tmp_path, result={"versions": {}})
    with pytest.raises(ValueError, match="working_folder"):
        write(tmp_path, run={"working_folder": "."})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (None, "has no tokkit.json"),
        (b"", "not valid JSON"),
        (b'{"schema": 1, "resu', "not valid JSON"),
        (b"\xff\xff\xff", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "holds no JSON object"),
        (b'{"schema": 1, "result": 3}', "not a receipt"),
        (b'{"schema": 2, "result": {}}', "schema 2, expected 1"),
    ],
)
def test_read_receipt_refuses(tmp_path, data, match):
    if data is not None:
        (tmp_path / "tokkit.json").write_bytes(data)
    with pytest.raises(InputError, match=match):
        files.read_receipt(tmp_path)


def test_read_receipt_names_what_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="out: does not exist"):
        files.read_receipt(tmp_path / "out")
