"""Outputs that must not or cannot be written: one sentence, exit code 4, and every file is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import tokkit
from tests.command_server import CommandServer
from tests.faults.sweep import files_in

# The input itself, or a folder that contains it.
INPUTS = [
    "clean rows.csv -o rows.csv",
    "rebalance rows.csv -o rows.csv",
    "split rows.csv -o .",
    "suggest-tokens tokenizer corpus.txt -o corpus.txt",
    "train-wordpiece corpus.txt -o corpus.txt",
    "train-char corpus.txt -o .",
    "train-bpe --counts counts -o counts",
    "count corpus.txt -o .",
    "merge-counts counts -o counts",
    "wrap tokenizer -o tokenizer",
    "add-tokens tokenizer --token fox -o tokenizer",
    "trim tokenizer --to corpus.txt -o tokenizer",
    "encode corpus.txt --tokenizer tokenizer -o corpus.txt",
    "encode corpus.txt --tokenizer tokenizer -o .",
    "stats page.html --format text --html page.html",
    "compare tokenizer --on page.html --format text --html page.html",
]
# A place that no program can write to, also as root.
NOWHERE = [
    "clean rows.csv -o /proc/clean.csv",
    "split rows.csv -o rows.csv/parts",
    "train-unigram corpus.txt -o /proc/out",
    "count corpus.txt -o /dev/null/counts",
    "stats rows.csv --html /proc/page.html",
    "stats rows.csv --plot /dev/null/plot.png",
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("here")
    texts = [f"the fox number {i}" for i in range(30)]
    (here / "rows.csv").write_text("text,label\n" + "".join(f"{text},{len(text) % 2}\n" for text in texts))
    (here / "corpus.txt").write_text("\n".join(texts) + "\n")
    (here / "page.html").write_text("\n".join(texts) + "\n")
    tokkit.train_wordpiece(here / "corpus.txt", out=here / "tokenizer", vocab_size=40)
    tokkit.count(here / "corpus.txt", here / "counts")
    return here


@pytest.fixture(scope="module")
def server() -> Iterator[CommandServer]:
    with CommandServer.running() as running:
        yield running


@pytest.mark.parametrize("line", [*(f"{line} --force" for line in INPUTS), *NOWHERE])
def test_an_output_that_cannot_be_written_is_one_sentence(server, here, line):
    before = files_in(here)
    outcome = server.run(line.split(), current=here, warm=True)
    assert outcome.code == 4, outcome.errors
    told = [said for said in outcome.errors.splitlines() if not said.startswith("note:")]
    assert [said.partition(":")[0] for said in told] == ["error", "hint"]
    assert files_in(here) == before
