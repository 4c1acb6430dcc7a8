"""KILL, EIO, ENOSPC and EINTR in calls that change files: the output is old or new, and the next run works.

The few cases of the default suite meet every call with one fault each; `-m long` meets every call of every
command that writes with all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.command_server import CommandServer
from tests.faults.sweep import FAULTS, Case, Sweep, compiled
from tokkit.cli.main import COMMANDS

WORDS = ("low", "lower", "newest", "갈색", "straße", "שלום", "🦊", "e\u0301te")
TOKENIZER = "train-wordpiece corpus.txt -o tokenizer --vocab-size 60"
MODEL = (
    "finetune rows.csv --tokenizer tokenizer -o model --epochs 1 --batch-size 30 --max-length 12 --device cpu"
)


def trained(command: str) -> Case:
    line = f"train-{command} corpus.txt -o out --vocab-size"
    return Case(f"{line} 300", f"{line} 310 --force", ["out"])


def of_file(line: str, out: str, *siblings: str, other: str, before: tuple[str, ...] = ()) -> Case:
    outputs = [f"{out}{end}" for end in ("", ".tokkit.json", *siblings)]
    return Case(f"{line} -o {out}", f"{line} -o {out} {other} --force", outputs, before)


CASES = {
    "train-wordpiece": trained("wordpiece"),
    "train-bpe": trained("bpe"),
    "train-unigram": trained("unigram"),
    "train-word": Case(
        "train-word corpus.txt -o out --vocab-size 12", "train-word corpus.txt -o out --force", ["out"]
    ),
    "train-char": Case(
        "train-char corpus.txt -o out --vocab-size 12", "train-char corpus.txt -o out --force", ["out"]
    ),
    "count": Case(
        "count corpus.txt -o counts", "count corpus.txt -o counts --recipe gpt2 --force", ["counts"]
    ),
    "merge-counts": Case(
        "merge-counts counts -o merged",
        "merge-counts counts counts-2 -o merged --force",
        ["merged"],
        ["count corpus.txt -o counts", "count rows.txt -o counts-2"],
    ),
    "wrap": Case(
        "wrap tokenizer -o out", "wrap tokenizer -o out --max-length 7 --force", ["out"], [TOKENIZER]
    ),
    "add-tokens": Case(
        "add-tokens tokenizer --token fox -o out",
        "add-tokens tokenizer --token fox --token low-cost --model model -o out --force",
        ["out"],
        [TOKENIZER, MODEL],
    ),
    "trim": Case(
        "trim tokenizer --to rows.txt -o out",
        "trim tokenizer --to rows.txt --model model -o out --force",
        ["out"],
        [TOKENIZER, MODEL],
    ),
    "suggest-tokens": of_file(
        "suggest-tokens tokenizer corpus.txt --min-count 1 --min-words 1", "words.txt", other="--top 2",
        before=(TOKENIZER,),
    ),
    "stats": Case("stats rows.csv --html page.html", "stats rows.csv --near --html page.html --force",
                  ["page.html"]),
    "explore": Case("explore rows.csv -o page.html", "explore rows.csv --near -o page.html --force",
                    ["page.html"]),
    "clean": of_file("clean rows.csv", "clean.csv", ".dropped.jsonl", other="--duplicates none"),
    "split": Case("split rows.csv -o parts", "split rows.csv -o parts --seed 9 --force", ["parts"]),
    "rebalance": of_file(
        "rebalance rows.parquet --strategy weights", "out.parquet", ".weights.json",
        other="--strategy undersample --seed 7",
    ),
    "encode": Case(
        "encode rows.csv --tokenizer tokenizer -o ids",
        "encode rows.csv --tokenizer tokenizer -o ids --pack 16 --force",
        ["ids"],
        [TOKENIZER],
    ),
    "finetune": Case(MODEL, f"{MODEL} --seed 7 --force", ["model"], [TOKENIZER]),
    "folds": Case(
        f"{MODEL} --folds 2".replace("-o model", "-o folds"),
        f"{MODEL} --folds 2 --seed 7 --force".replace("-o model", "-o folds"),
        ["folds"],
        [TOKENIZER],
    ),
    "evaluate": Case(
        "evaluate model rows.csv -o scores", "evaluate model rows.csv -o scores --seed 7 --force", ["scores"],
        [TOKENIZER, MODEL],
    ),
    "card": Case("card tokenizer", "card tokenizer --license mit", ["tokenizer/README.md"], [TOKENIZER]),
    "export": Case(
        "export model -o exported", "export model -o exported --int8 dynamic --force", ["exported"],
        [TOKENIZER, MODEL],
    ),
    "audit": of_file(
        "audit rows.csv --model folds", "review.jsonl", other="--rows 5",
        before=(TOKENIZER, f"{MODEL} --folds 2".replace("-o model", "-o folds")),
    ),
    "suggest-rows": of_file(
        "suggest-rows rows.txt --model model --budget 5", "to-label.jsonl", other="--budget 4",
        before=(TOKENIZER, MODEL),
    ),
    "features": of_file(
        "features model rows.csv", "features.parquet", other="--pooling max", before=(TOKENIZER, MODEL)
    ),
}  # fmt: skip
LIGHT = ("train-wordpiece", "clean", "rebalance")
OF_MODELS = (
    *("add-tokens", "trim", "finetune", "folds", "evaluate", "features", "export"),
    *("audit", "suggest-rows"),
)
WRITES_NOTHING = {
    *("blocks", "tokenize", "compare", "doctor", "predict"),
    *("find-datasets", "push", "reproduce", "compare-runs"),
}


def inputs(folder: Path) -> Path:
    (folder / "start").mkdir(parents=True)
    moods = ("joy", "anger", "fear", "joy", "joy", "anger", "joy")
    rows = [(f"the {WORDS[i % 8]} {WORDS[i * 3 % 7]} no {i}", moods[i % 7]) for i in range(60)]
    table = pl.DataFrame(rows, ["text", "label"], orient="row")
    table.write_csv(folder / "start" / "rows.csv")
    table.write_parquet(folder / "start" / "rows.parquet")
    for name, end in (("corpus", 60), ("rows", 20)):
        text = "".join(f"{text}\n" for text, _ in rows[:end])
        (folder / "start" / f"{name}.txt").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = compiled(tmp_path_factory.mktemp("faults"))
    if library is None:
        pytest.skip("no C compiler: faults cannot be injected")
    return library


@pytest.fixture(scope="module")
def server(library: Path) -> Iterator[CommandServer]:
    with CommandServer.running(library) as running:
        yield running


@pytest.fixture(scope="module")
def server_of_models(library: Path) -> Iterator[CommandServer]:
    modules = ("torch", "transformers", "sklearn.linear_model", "matplotlib.figure")
    with CommandServer.running(library, modules, HF_HUB_OFFLINE="1") as running:
        yield running


def problems(sweep: Sweep, faults: Iterator[tuple[int, str]]) -> list[str]:
    found = ((call, fault, sweep.meet(call, FAULTS[fault])) for call, fault in faults)
    return [f"{fault} at call {call}, {problem}" for call, fault, problem in found if problem is not None]


def test_every_command_that_writes_is_met():
    assert WRITES_NOTHING | {*CASES, "demo"} >= {*COMMANDS}
    assert not WRITES_NOTHING & {*CASES}


@pytest.mark.parametrize("name", LIGHT)
def test_an_output_survives_a_fault_in_any_call(server, tmp_path, name):
    sweep = Sweep(server, CASES[name], inputs(tmp_path))
    # every third call, and another fault at each; all of them where a file and its siblings are exchanged
    calls = range(len(name) % 3 + 1, sweep.calls + 1, 3)
    assert problems(sweep, zip(calls, itertools.cycle(FAULTS))) == []


def test_a_receipt_of_another_run_than_its_file_is_told(server, tmp_path):
    sweep = Sweep(server, CASES["rebalance"], inputs(tmp_path))
    killed = range(sweep.calls - 12, sweep.calls + 1)
    assert problems(sweep, ((call, "KILL") for call in killed)) == []


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CASES)
def test_an_output_survives_every_fault_in_every_call(request, tmp_path, name, fault):
    server = request.getfixturevalue("server_of_models" if name in OF_MODELS else "server")
    sweep = Sweep(server, CASES[name], inputs(tmp_path))
    assert problems(sweep, ((call, fault) for call in range(1, sweep.calls + 1))) == []
