"""The same bytes from any process: other threads, hash seed, locale, time zone and file order.

Each process runs a few commands in a folder of its own with the same relative names; every file and every
``--json`` is hashed, without durations and the ``run`` of receipts. Fine-tuning repeats at one number of
threads only: others add up in another order.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.conftest import sentences, write_csv

# Korean, German, emoji, right to left, combining marks, no spaces.
TEXTS = [
    "한국어 문장이 있다",
    "Straße über Größe",
    "👩‍🚀 fährt 🚀🚀",
    "שלום עולם",
    "e\u0301te\u0301 cafe\u0301",
    "自然言語処理",
]
TRAIN = {
    name: f"train-{name} corpus.txt rows.csv -o {name} --vocab-size 300 --threads {{threads}}"
    for name in ("wordpiece", "bpe", "unigram", "word")
} | {"char": "train-char corpus.txt -o char --threads {threads}"}
COMMANDS = {
    **TRAIN,
    "count": "count corpus.txt -o counts --threads {threads}",
    "stats": "stats rows.csv --tokenizer wordpiece",
    "split": "split rows.csv -o split",
    "rebalance": "rebalance rows.csv -o balanced.csv",
    "finetune": "finetune split --tokenizer wordpiece -o model --epochs 1 --no-cache --threads {threads}",
}
MEASURED = ("seconds", "rows_per_second", "peak_memory")
# A corpus that is large enough for the kernels (2 MB); smaller ones are counted in plain Python.
_KERNEL_LINES = 40_000
ENVIRONMENTS = [
    {"LC_ALL": "C", "TZ": "UTC"},
    {"LC_ALL": "C.UTF-8", "TZ": "Asia/Seoul"},
    {"LC_ALL": "POSIX", "TZ": "America/St_Johns"},
    {"LC_ALL": "de_DE.UTF-8", "TZ": "Pacific/Chatham"},
]


def write_inputs(folder: Path, lines: int) -> None:
    rows = sentences(200, seed=1)
    rows += [(f"{text} {number}", "joy") for number, text in enumerate(TEXTS * 4)]
    write_csv(folder / "rows.csv", rows)
    rng = random.Random(7)
    words = [word for text in TEXTS for word in text.split()] + [f"wort{number}" for number in range(150)]
    text = "".join(" ".join(rng.choices(words, k=8)) + "\n" for _ in range(lines))
    (folder / "corpus.txt").write_text(text, encoding="utf-8")


def without_measured(value):
    if isinstance(value, dict):
        return {name: without_measured(item) for name, item in value.items() if name not in MEASURED}
    return [without_measured(item) for item in value] if isinstance(value, list) else value


def hashes_of(folder: Path) -> dict[str, str]:
    """File -> hash of what does not differ from run to run."""
    hashes = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name.endswith("tokkit.json"):
            content = json.dumps(json.loads(content)["result"]).encode()
        elif path.suffix == ".output":
            content = json.dumps(without_measured(json.loads(content))).encode()
        hashes[path.relative_to(folder).as_posix()] = hashlib.sha256(content).hexdigest()
    return hashes


def run(
    folder: Path, names: list[str], number: int, threads: int, lines: int = _KERNEL_LINES
) -> dict[str, str]:
    """The hashes after one process per command, in an environment of its own."""
    folder.mkdir()
    write_inputs(folder, lines)
    environment = {
        **os.environ,
        **ENVIRONMENTS[number % len(ENVIRONMENTS)],
        "PYTHONHASHSEED": str(1 + 7919 * number),
    }
    for name in names:
        at_once = 1 if name == "finetune" else threads
        arguments = COMMANDS[name].format(threads=at_once).split()
        command = [sys.executable, "-m", "tokkit", *arguments, "--json", "-q"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        (folder / f"{name}.output").write_bytes(done.stdout)
    return hashes_of(folder)


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def test_two_processes_write_the_same_bytes(tmp_path):
    names = ["wordpiece", "split"]
    first = run(tmp_path / "first", names, 0, threads=1, lines=2_000)
    assert differing(first, run(tmp_path / "second", names, 1, threads=2, lines=2_000)) == []


@pytest.mark.long
@pytest.mark.parametrize("number", range(1, 12))
def test_twelve_processes_write_the_same_bytes(number, twelve, tmp_path):
    threads = (1, 2, 8)[number % 3]
    assert differing(twelve, run(tmp_path / "other", list(COMMANDS), number, threads)) == []


@pytest.fixture(scope="module")
def twelve(tmp_path_factory):
    """The hashes of the first process."""
    return run(tmp_path_factory.mktemp("determinism") / "first", list(COMMANDS), 0, threads=1)
