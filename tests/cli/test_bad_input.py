"""Bad input through the real command: one sentence, what mends it, the exit code, nothing written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import tokkit
from tests.cli.conftest import tree

ROWS = "text,label\n" + "".join(f"word {n} here,{'ab'[n % 2]}\n" for n in range(60))


@dataclass(frozen=True)
class Case:
    """files     name -> content, made before the command runs
    error     pattern of the error sentence
    hint      pattern of the hint, what to type
    """

    command: str
    code: int
    error: str
    hint: str
    files: dict[str, str] = field(default_factory=dict)


CASES = {
    "missing file": Case(
        "stats revews.csv",
        3,
        r"revews.csv: no such file or folder \(did you mean \"reviews.csv\"\?\)",
        r"ls \.",
        {"reviews.csv": ROWS},
    ),
    "missing corpus": Case("train-wordpiece corpus.txt", 3, r"corpus.txt: no such file or folder", r"ls \."),
    "glob without a match": Case("train-bpe '*.txt'", 3, r"\*.txt: no file matches", "ls"),
    "empty file": Case("stats empty.csv", 3, "empty.csv: the file is empty", "", {"empty.csv": ""}),
    "empty corpus": Case(
        "train-wordpiece empty.txt", 3, "empty.txt: the file is empty", "", {"empty.txt": "\n\n"}
    ),
    "header only": Case(
        "split head.csv -o s", 3, "head.csv: has no rows, only a header", "", {"head.csv": "text,label\n"}
    ),
    "wrong separator": Case(
        "stats data.txt --sep ,",
        3,
        'read as one column, "text;label": a wrong separator',
        "--sep ';'",
        {"data.txt": "text;label\ngood day;joy\nbad day;anger\n"},
    ),
    "unknown column": Case(
        "rebalance r.csv -o o.csv --label-column sentimant",
        3,
        r'no column "sentimant" \(did you mean "sentiment"\?\); it has: text, sentiment',
        "--label-column",
        {"r.csv": "text,sentiment\na b,x\nc d,y\n"},
    ),
    "one class only to rebalance": Case(
        "rebalance one.csv -o o.csv",
        3,
        r'one class only \("a"\)',
        "look at the labels",
        {"one.csv": "text,label\nx y,a\nz w,a\n"},
    ),
    "a validation split to rebalance": Case(
        "rebalance valid.csv -o o.csv",
        3,
        "is a validation split; resampling it would falsify",
        "training split only",
        {"valid.csv": ROWS},
    ),
    "one row is ragged": Case(
        "stats r.csv",
        3,
        r"r.csv:3: 3 fields where 2 are named",
        "--sep",
        {"r.csv": "text,label\na,b\na,b,c\n"},
    ),
    "a condition that means nothing": Case(
        "stats r.csv --where lable==1",
        2,
        r'--where: "lable" at character 1: no such column \(did you mean "label"\?\)',
        "here: +>>> lable==1",
        {"r.csv": ROWS},
    ),
    "markup and escapes in data": Case(
        "stats r.csv --label-column mood",
        3,
        r'no column "mood"; it has: \[b\]text\[/b\], \\x1b\[31mlabel$',
        "--label-column",
        {"r.csv": "[b]text[/b],\x1b[31mlabel\na b,x\nc d,y\n"},
    ),
    "no header line": Case(
        "stats r.csv",
        3,
        "r.csv:1: the first line looks like data",
        "--names text,label",
        {"r.csv": "what a wonderful day,joy\nhow sad,sadness\nso glad,joy\n"},
    ),
    "output exists": Case(
        "split r.csv -o there",
        4,
        "there: already exists",
        "--force",
        {"r.csv": ROWS, "there/tokkit.json": "{}"},
    ),
    "output is a folder of one's own": Case(
        "train-bpe r.txt -o there --force",
        4,
        "there: ",
        "-o",
        {"r.txt": "some text\n", "there/thesis.tex": "x"},
    ),
    "output is the input": Case(
        "rebalance r.csv -o r.csv --force", 4, "r.csv: is an input", "-o", {"r.csv": ROWS}
    ),
    "unknown block": Case(
        "train-bpe r.txt --normalizer nfcc",
        2,
        r'no block "nfcc" \(did you mean "nfc"\?\)',
        "",
        {"r.txt": "text\n"},
    ),
    "unknown recipe": Case(
        "train-bpe r.txt --recipe berd", 2, 'invalid value "berd": choose from', "--help", {"r.txt": "text\n"}
    ),
    "unknown command": Case(
        "trian-bpe r.txt", 2, r'unknown command "trian-bpe" \(did you mean "train-bpe"\?\)', "--help"
    ),
    "number out of range": Case(
        "train-bpe r.txt --vocab-size 0", 2, "--vocab-size: 0 is below 1", "", {"r.txt": "t\n"}
    ),
    "a tokenizer folder that is none": Case(
        "stats r.csv --tokenizer out",
        3,
        "out: not a tokenizer folder: it has no tokenizer.json",
        "train-wordpiece",
        {"r.csv": ROWS, "out/readme.md": "x"},
    ),
    "a tokenizer file that is none": Case(
        "stats r.csv --tokenizer tokenizer.json",
        3,
        "tokenizer.json: not a tokenizer that this version",
        "train-wordpiece",
        {"r.csv": ROWS, "tokenizer.json": '{"version": "1.0"}'},
    ),
    "a picture of another format": Case(
        "stats r.csv --plot p.bmp", 2, "a plot is .png or .svg", "--plot p.png", {"r.csv": ROWS}
    ),
    "an unknown rule": Case(
        "stats r.csv --fail-on leak", 2, 'invalid value "leak": .*mean "leaks"', "", {"r.csv": ROWS}
    ),
    "broken settings": Case(
        "stats r.csv",
        3,
        r'tokkit.toml: \[stats\] has no option "tokeniser" \(did you mean "tokenizer"',
        "",
        {"r.csv": ROWS, "tokkit.toml": '[stats]\ntokeniser = "out"\n'},
    ),
    "bytes that are no text": Case(
        "train-bpe r.txt",
        3,
        r"r.txt:2: byte 4 \(0xe9\) is not UTF-8",
        "--encoding cp1252",
        {"r.txt": "one\nabc\udce9d\n"},
    ),
    "fine-tuning without a tokenizer": Case(
        "finetune r.csv",
        2,
        "name a tokenizer to build an encoder for",
        "--tokenizer, --model",
        {"r.csv": ROWS},
    ),
    "fine-tuning one class only": Case(
        "finetune one.csv --tokenizer T",
        3,
        "one.csv: one class only",
        "tokkit stats",
        {"one.csv": "text,label\n" + "x y,a\n" * 30},
    ),
    "fine-tuning with a label missing in a split": Case(
        "finetune d --tokenizer T",
        3,
        '"b" .30 training rows. is missing in validation',
        "command split",
        {"d/train.csv": ROWS, "d/validation.csv": "text,label\n" + "x y,a\n" * 10},
    ),
    "fine-tuning without labels": Case(
        "finetune r.txt --tokenizer T",
        3,
        "r.txt: no column of labels found",
        "--names text,label",
        {"r.txt": "a\nb\n"},
    ),
    "fine-tuning with a tokenizer that is none": Case(
        "finetune r.csv --tokenizer d",
        3,
        "d: not a tokenizer folder",
        "train-wordpiece",
        {"r.csv": ROWS, "d/x": "x"},
    ),
    "predicting with a folder that is no model": Case(
        "predict T 'a text'", 3, "not a model folder: it has no config.json", "finetune wrote"
    ),
    "evaluating without a data set": Case(
        "evaluate model/", 2, "only one path named", "tokkit evaluate --help"
    ),
    "no such model, here or on the hub": Case("predict no-such-model 'a text'", 3, "no-such-model: ", "", {}),
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "corpus.txt").write_text("word here and there\n" * 50, encoding="utf-8")
    tokkit.train_wordpiece(folder / "corpus.txt", folder / "out", vocab_size=100)
    return folder / "out"


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name, command_server, here, tokenizer):
    case = CASES[name]
    for path, content in case.files.items():
        (here / path).parent.mkdir(exist_ok=True)
        (here / path).write_bytes(content.encode("utf-8", "surrogateescape"))
    before = tree(here)
    arguments = [
        str(tokenizer) if word == "T" else word.strip("'")
        for word in re.findall(r"'[^']*'|\S+", case.command)
    ]
    done = command_server.run(arguments, current=here)
    errors = [line for line in done.errors.splitlines() if line.startswith("error: ")]
    assert done.code == case.code, done.errors
    assert len(errors) == 1, done.errors
    assert re.search(case.error, errors[0]), errors[0]
    _, _, hint = done.errors.partition("\nhint:")
    assert re.search(case.hint, hint), done.errors
    assert "Traceback" not in done.errors
    assert done.output == ""
    assert tree(here) == before, "nothing is written"


def test_a_vocabulary_that_does_not_fit_the_model(command_server, here, tokenizer):
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=10, hidden_size=16, num_hidden_layers=1, num_attention_heads=1, intermediate_size=16
    )
    BertModel(config).save_pretrained(here / "checkpoint")
    (here / "r.csv").write_text(ROWS, encoding="utf-8")
    before = tree(here)
    command = ["finetune", "r.csv", "--tokenizer", tokenizer, "--model", "checkpoint"]
    done = command_server.run(command, current=here)
    assert done.code == 3, done.errors
    assert re.search(r"error: .*its ids go up to \d+, but checkpoint has 10 embedding rows", done.errors)
    assert "hint:  leave --tokenizer out" in done.errors
    assert tree(here) == before


def test_an_internal_error_is_reported_with_its_traceback_when_verbose(here, monkeypatch, capfd):
    from tokkit.cli import main

    monkeypatch.setattr(main, "COMMANDS", [*main.COMMANDS, "broken"])
    assert main.run(["broken"]) == 70
    assert "internal error: " in capfd.readouterr().err
    assert main.run(["broken", "-v"]) == 70
    assert "Traceback" in capfd.readouterr().err


def test_a_lack_of_memory_is_no_bug(monkeypatch, capfd):
    from tokkit.cli import main

    def allocate(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(main.tokkit, "main", allocate)
    assert main.run(["blocks"]) == 4
    assert "error: out of memory: " in capfd.readouterr().err


def test_an_input_of_a_name_too_long_for_a_file_is_no_fault_of_the_output(capfd):
    from tokkit.cli import main

    assert main.run(["doctor", "x" * 300]) == 3
    assert "File name too long" in capfd.readouterr().err


def test_json_errors_leave_standard_output_empty(command_server, here):
    done = command_server.run(["stats", "nowhere.csv", "--json"], current=here)
    assert (done.code, done.output) == (3, "")


def test_settings_in_a_file_and_the_environment(command_server, here):
    (here / "corpus.txt").write_text("word here and there\n" * 50, encoding="utf-8")
    (here / "tokkit.toml").write_text(
        "[train-wordpiece]\nvocab-size = 40\nmin_frequency = 1\n", encoding="utf-8"
    )

    def vocab_size(*flags: str, **environment: str) -> int:
        command = ["train-wordpiece", "corpus.txt", "--force", "--json", *flags]
        done = command_server.run(command, current=here, environment=environment)
        return json.loads(done.output)["requested_vocab_size"]

    assert vocab_size() == 40
    assert vocab_size(TOKKIT_TRAIN_WORDPIECE_VOCAB_SIZE="50") == 50
    assert vocab_size("--vocab-size", "60", TOKKIT_TRAIN_WORDPIECE_VOCAB_SIZE="50") == 60
