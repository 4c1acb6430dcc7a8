"""``-q`` prints the path of what was written, and nothing else; a command that writes nothing, its result."""

from __future__ import annotations

import io
import shlex
from contextlib import redirect_stderr, redirect_stdout

import click
import pytest

from tokkit.cli import demo, main

TRAIN = "--epochs 1 --size tiny --max-length 16 --baseline none --threads 1"
WRITING = {
    "train-wordpiece rows.csv -o a": "a",
    "train-bpe rows.csv": "out/",
    "train-unigram rows.csv -o u --vocab-size 60": "u",
    "train-word rows.csv -o w": "w",
    "train-char rows.csv -o c": "c",
    "count rows.csv -o n": "n",
    "merge-counts counts -o m": "m",
    "wrap wp -o w": "w",
    "add-tokens wp --token zebra -o t --sample rows.csv": "t",
    "trim wp --to rows.csv -o t": "t",
    "suggest-tokens wp rows.csv -o s.txt": "s.txt",
    "clean rows.csv -o c.csv": "c.csv",
    "split rows.csv -o s": "s",
    "rebalance rows.csv -o r.csv": "r.csv",
    "encode rows.csv --tokenizer wp -o i": "i",
    "stats rows.csv --html s.html --plot s.svg": "s.svg\ns.html",
    "compare wp second --on rows.csv --html c.html": "c.html",
    "explore rows.csv -o e.html": "e.html",
}
TRAINED = {
    f"finetune rows.csv --tokenizer wp -o f {TRAIN}": "f",
    "evaluate model rows.csv -o e": "e",
    "predict model rows.csv -o p.csv": "p.csv",
    "features model rows.csv": "features.parquet",
    "export model -o x": "x",
    "audit rows.csv --model folds -o r.jsonl": "r.jsonl",
    "suggest-rows pool.txt --model model --budget 3 -o l.jsonl": "l.jsonl",
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["good", "bad", "day", "night", "river", "house"]
    rows = [f"a {words[i % 6]} {words[i * 5 % 6]} number {i},{'ab'[i % 2]}\n" for i in range(24)]
    (tmp_path / "rows.csv").write_text("text,label\n" + "".join(rows), "utf-8")
    for line in ("train-wordpiece rows.csv -o wp --vocab-size 100", "count rows.csv -o counts"):
        assert run(line)[0] == 0
    return tmp_path


def run(line):
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())) as output, redirect_stderr(io.StringIO()) as errors:
        code = main.run(shlex.split(line))
    output.flush()
    return code, output.buffer.getvalue().decode(), errors.getvalue()


@pytest.mark.parametrize("line", WRITING)
def test_quiet_prints_the_path_of_what_was_written(line, here):
    if "second" in line:
        assert run("train-wordpiece rows.csv -o second --vocab-size 90")[0] == 0
    assert run(f"{line} -q") == (0, f"{WRITING[line]}\n", "")


@pytest.mark.long
@pytest.mark.parametrize("line", TRAINED)
def test_quiet_prints_the_path_of_what_a_model_wrote(line, here):
    (here / "pool.txt").write_text("a good river\na bad house\n", "utf-8")
    if "folds" in line:
        assert run(f"finetune rows.csv --tokenizer wp -o folds --folds 2 {TRAIN}")[0] == 0
    elif "model" in line:
        assert run(f"finetune rows.csv --tokenizer wp -o model {TRAIN}")[0] == 0
    assert run(f"{line} -q") == (0, f"{TRAINED[line]}\n", "")


def test_quiet_every_command_that_writes_is_here():
    context = click.Context(main.tokkit)
    writing = {
        name
        for name in main.COMMANDS
        for option in main.tokkit.get_command(context, name).params
        if option.name in ("out", "page", "plot")
    }
    assert {line.split()[0] for line in (*WRITING, *TRAINED)} == writing - {"demo"}


def test_quiet_prints_the_result_where_nothing_is_written(here):
    assert "rows\t24" in run("stats rows.csv -q")[1]
    assert "nothing was written" in run("clean rows.csv --dry-run -o c.csv -q")[1]
    assert run("split rows.csv -o s -q --json")[1].startswith("{")


def test_a_quiet_demo_prints_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [
        "tokkit split emotions.txt -o split/",
        "tokkit stats split/ --plot a.svg",
        "tokkit tokenize none x",
    ]
    monkeypatch.setattr(demo, "STEPS", dict(enumerate(lines[:2])))
    assert run("demo -o here -q") == (0, "here\n", "")
    assert (tmp_path / "here" / "a.svg").exists()
    monkeypatch.setattr(demo, "STEPS", dict(enumerate(lines[2:])))
    code, printed, errors = run("demo -o there -q")
    assert (code, printed) == (3, "")
    assert errors.startswith("error: none: ")
