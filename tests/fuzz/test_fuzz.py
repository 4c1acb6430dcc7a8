"""Damaged files of every kind that is read: refused in one sentence, or read; never a crash.

pytest tests/fuzz                                     20 mutations of each target
pytest tests/fuzz -m long                             20,000 in all
TOKKIT_FUZZ=2000:7 pytest tests/fuzz -m long          2,000 in all, of seed 7
"""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
import re
import shutil
import zlib
from pathlib import Path

import pytest

from tests.command_server import CommandServer, Outcome
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS, Target, build

FEW = 20
QUICK = 3
MANY, SEED = map(int, os.environ.get("TOKKIT_FUZZ", "20000:1").split(":"))
CPU_SECONDS = 10
MEMORY = 2 << 30
DECOMPRESS = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}

# what Python and the libraries say of an error that nobody foresaw
RAW = re.compile(
    "Traceback|panicked|internal error|NoneType|object has no attribute|KeyError|IndexError|TypeError|"
    "unexpected keyword|not subscriptable|unsupported operand|out of range|not iterable|unhashable|"
    r"invalid literal for|\w+Warning: |C\+\+|\.cc:\d|\.rs:\d|\.py:\d"
)


@pytest.fixture(scope="module")
def seeds(command_server, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("seeds")
    build(folder, command_server)
    return folder


def run(command: str, path: str, folder: Path, server: CommandServer) -> Outcome:
    words = [
        "이것 is it" if word == "TEXT" else word.format(path, folder=path.partition("/")[0])
        for word in command.split()
    ]
    return server.run(words, current=folder, seconds=300, memory=12 << 30, warm=True)


def fault(done: Outcome) -> str | None:
    """What is wrong with the outcome of a command on a damaged file."""
    if done.code not in (0, 1, 2, 3, 4):
        return f"exit {done.code}"
    if done.cpu > CPU_SECONDS:
        return f"{done.cpu:.0f} seconds"
    if done.peak > MEMORY:
        return f"{done.peak >> 20} MB"
    # what transformers says of a tokenizer that it cannot load is quoted in a note
    ours = re.sub("^note: .*AutoTokenizer cannot load it.*$", "", done.errors, flags=re.M)
    # and what tokenizers says of a number in JSON
    ours = re.sub(r"number out of range at line \d+", "", ours)
    if raw := RAW.search(ours):
        return f"raw: {raw[0]}"
    if done.code > 1 and len(re.findall("^error: ", done.errors, re.M)) != 1:
        return "not one error"
    return None


def silent(target: Target, path: Path, done: Outcome, expected: Outcome | None) -> str | None:
    """How a success differs from what another reader, or the checksum of the file, says."""
    if expected is not None and done.output != expected.output and not _is_decompressed(path):
        return "success in spite of the checksum"
    if target.rows is None:
        return None
    try:
        rows = target.rows(path)
    except Exception as error:
        return f"another reader: {error}"
    ours = json.loads(done.output)["splits"]["train"]["rows"]
    return None if rows == ours else f"{ours} rows, another reader {rows}"


def _is_decompressed(path: Path) -> bool:
    """Whether Python's own reader decompresses a file, as one with its content twice."""
    try:
        DECOMPRESS[path.suffix](path.read_bytes())
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
        return False
    return True


def attack(
    name: str, numbers: range, seeds: Path, server: CommandServer, folder: Path, quick: bool = False
) -> list[str]:
    """The faults of the mutations of a target with these numbers; ``quick``: by its first commands only."""
    target = TARGETS[name]
    faults = []
    for number in numbers:
        rng = random.Random(f"{SEED} {name} {number}")
        path = rng.choice(target.paths)
        content = mutate((seeds / path).read_bytes(), target.mutators, rng)
        command = rng.choice(target.commands[: QUICK if quick else None])
        # hard links: what is not mutated is not copied
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(seeds, folder, copy_function=os.link)
        (folder / path).unlink()
        (folder / path).write_bytes(content)
        done = run(command, path, folder, server)
        wrong = fault(done)
        if wrong is None and done.code == 0 and command.endswith("--json"):
            expected = run(command, path, seeds, server) if target.checked else None
            wrong = silent(target, folder / path, done, expected)
        if wrong is not None:
            faults.append(f"{name} {number}: {command}: {wrong}: {done.errors[-400:]}")
    return faults


@pytest.mark.parametrize("name", TARGETS)
def test_a_damaged_file_is_refused_or_read(name, seeds, command_server, tmp_path):
    assert attack(name, range(FEW), seeds, command_server, tmp_path / "run", quick=True) == []


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_many_damaged_files_are_refused_or_read(name, seeds, command_server, tmp_path):
    assert attack(name, range(FEW, FEW + MANY // len(TARGETS)), seeds, command_server, tmp_path / "run") == []
