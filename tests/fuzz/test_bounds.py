"""Inputs far larger than any that is meant: refused at once, or done within bounds of memory and time."""

from __future__ import annotations

import base64
import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.command_server import CommandServer

pytestmark = pytest.mark.long
MB = 1 << 20


def _one_line(path: Path) -> None:
    with path.open("wb") as file:
        for _ in range(1024):
            file.write(b"a" * MB)


def _distinct_words(path: Path) -> None:
    """80 MB of words of eight digits, each once: the products are distinct, as the factor is odd."""
    with path.open("w") as file:
        for i in range(0, 9_000_000, 10):
            file.write(" ".join(f"{j * 2654435761 & 0xFFFFFFFF:08x}" for j in range(i, i + 10)) + "\n")


def _classes(path: Path) -> None:
    with path.open("w") as file:
        file.write("text,label\n")
        file.writelines(f"text {i},c{i}\n" for i in range(1_000_000))


def _columns(path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(20_000))
    rows = "".join(f"text {n},{n % 2}{',1' * 20_000}\n" for n in range(20))
    path.write_text(f"text,label,{names}\n{rows}")


def _long_token(path: Path) -> None:
    path.write_text(f"so glad {'x' * 100_000}\n" * 50 + "한" * 100_000 + "\n", "utf-8")


def _deep(path: Path) -> None:
    path.write_text('[{"text": ' + "[" * 10_000 + "]" * 10_000 + "}]")


def _deep_lines(path: Path) -> None:
    path.write_text('{"text": "a", "x": ' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "}\n")


def _gz_line(path: Path) -> None:
    """300 MB without a line end, which are not too many for the size of the file."""
    noise = base64.b85encode(random.Random(1).randbytes(2 * MB))
    path.write_bytes(gzip.compress(b"text,label\n" + noise) + gzip.compress(b"0" * MB) * 300)


def _gz_bomb(path: Path) -> None:
    row = b"0" * 1020 + b",0\n"
    path.write_bytes(gzip.compress(b"text,label\n") + gzip.compress(row * 1024) * 1024)


def _parquet_bomb(path: Path) -> None:
    """8 GB of text as 80,000 times the one entry of a dictionary."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 80_000, pa.int32()), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"text": texts, "label": ["a"] * 80_000}), path)


@dataclass(frozen=True)
class Bound:
    """seconds of all CPUs and MB of memory that the command may take at most; ``said`` of its messages"""

    name: str
    write: Callable[[Path], None]
    command: str
    seconds: float
    megabytes: int
    code: int = 0
    said: str = ""


BOUNDS = [
    *(
        Bound("line.txt", _one_line, command, 10, 1_500, 3, "line.txt")
        for command in ("count line.txt", "stats line.txt", "train-bpe line.txt", "clean line.txt -o o.txt")
    ),
    Bound("words.txt", _distinct_words, "count words.txt", 40, 800),
    Bound("words.txt", _distinct_words, "train-wordpiece words.txt", 80, 2_400, said="GB of memory"),
    Bound("classes.csv", _classes, "stats classes.csv", 60, 2_000, said="have no lengths of their own"),
    Bound("columns.csv", _columns, "split columns.csv -o s --label-column label", 40, 900),
    Bound("columns.csv", _columns, "clean columns.csv -o o.csv --label-column label", 40, 900),
    Bound("token.txt", _long_token, "train-bpe token.txt", 10, 700),
    Bound("token.txt", _long_token, "train-wordpiece token.txt", 10, 700),
    Bound("token.txt", _long_token, "stats token.txt", 10, 700),
    Bound("deep.json", _deep, "stats deep.json", 5, 500, 3, "more than 32 deep"),
    Bound("deep.jsonl", _deep_lines, "count deep.jsonl", 5, 500, 3, "more than 32 deep"),
    Bound("line.csv.gz", _gz_line, "stats line.csv.gz", 10, 1_500, 3, "gzip -dc line.csv.gz | fold -s"),
    # up to 200 times its size is 455 MB of rows, which are read
    Bound("bomb.csv.gz", _gz_bomb, "stats bomb.csv.gz", 20, 1_000, 3, "more than 200 times its size"),
    Bound("bomb.csv.gz", _gz_bomb, "count bomb.csv.gz", 20, 1_000, 3, "more than 200 times its size"),
    Bound("bomb.parquet", _parquet_bomb, "stats bomb.parquet", 5, 500, 3, "more than 200 times its size"),
]


@pytest.fixture(scope="module")
def server():
    with CommandServer.running() as running:
        yield running


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("inputs")


@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.command)
def test_a_giant_input_stays_within_its_bounds(bound, server, inputs, tmp_path):
    if not (inputs / bound.name).exists():
        bound.write(inputs / bound.name)
    (tmp_path / bound.name).symlink_to(inputs / bound.name)
    done = server.run(bound.command.split(), current=tmp_path, seconds=600, memory=12 << 30)
    assert done.code == bound.code, done.errors
    assert bound.said in done.errors
    assert done.cpu < bound.seconds
    assert done.peak < bound.megabytes * MB
