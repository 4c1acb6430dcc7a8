"""The whole road through real commands: the user's three lines, the demo, pipes and terminals."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tokkit
from tests.cli.conftest import tree
from tests.terminal import on_a_terminal, without_escapes
from tokkit.sources.corpora import corpora_path


@pytest.fixture
def corpus_and_dataset(here: Path) -> Path:
    """A folder that holds a ``corpus.txt`` and a folder ``dataset``, and nothing else."""
    corpora = corpora_path()
    prose = [(corpora / name).read_text("utf-8").splitlines()[:300] for name in ("english.txt", "korean.txt")]
    (here / "corpus.txt").write_text("\n".join([*prose[0], *prose[1]]) + "\n", encoding="utf-8")
    header, *rows = (corpora / "emotions.txt").read_text("utf-8").splitlines()
    (here / "dataset").mkdir()
    for name, part in (("train", rows[:3000]), ("validation", rows[3000:3400]), ("test", rows[3400:3800])):
        (here / "dataset" / f"{name}.txt").write_text("\n".join([header, *part]) + "\n", encoding="utf-8")
    return here


@pytest.mark.long
def test_the_three_lines_word_for_word(tokkit_process, corpus_and_dataset):
    lines = [
        "tokkit train-wordpiece corpus.txt",
        "tokkit stats dataset",
        "tokkit finetune --tokenizer out/",
    ]
    for line in lines:
        _, *arguments = shlex.split(line)
        done = tokkit_process(*arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    assert "using dataset in the current folder" in done.stderr
    here = corpus_and_dataset
    assert sorted(path.name for path in here.iterdir()) == ["corpus.txt", "dataset", "model", "out"]
    metrics = json.loads((here / "model" / "metrics.json").read_text("utf-8"))
    assert metrics["accuracy"] > metrics["majority"]["accuracy"] + 0.05
    predicted = tokkit_process("predict", "model", "--json", given="내 마음에는 절망이 가득했다.\nso glad\n")
    predictions = json.loads(predicted.stdout)["predictions"]
    assert [row["text"] for row in predictions] == ["내 마음에는 절망이 가득했다.", "so glad"]


def test_json_is_what_is_shown(command_server, corpus_and_dataset):
    output = command_server.run(["stats", "dataset", "-v"], current=corpus_and_dataset).output
    result = json.loads(command_server.run(["stats", "dataset", "--json"], current=corpus_and_dataset).output)
    assert list(result)[:2] == ["schema", "command"]
    classes = output.split("# Classes\n")[1].split("\n\n")[0].splitlines()
    header, *rows = (line.split("\t") for line in classes)
    assert header[:3] == ["label", "train", "train %"]
    assert {row[0]: int(row[1]) for row in rows} == result["splits"]["train"]["classes"]
    assert f"train/test\t{result['across']['leaks']['train/test']}" in output


def test_fail_on_is_a_gate(command_server, here):
    def code(*options):
        return command_server.run(["stats", "r.csv", *options], current=here).code

    (here / "r.csv").write_text("text,label\na b,x\na b,y\nc d,x\n", encoding="utf-8")
    assert code() == 0
    assert code("--fail-on", "leaks,conflicts") == 1
    assert code("--fail-on", "leaks") == 0


@pytest.mark.parametrize("arguments", [["blocks", "--json"], ["blocks"], ["blocks", "--help"], ["--help"]])
def test_a_reader_that_has_enough_is_no_error(arguments):
    command = [sys.executable, "-m", "tokkit", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


@pytest.mark.parametrize("width", [40, 80])
def test_tables_fit_the_terminal(here, width):
    (here / "r.csv").write_text("text,label\na [b] c,[/x]\n한국어 문장,기쁨\nc d,y\n", encoding="utf-8")
    command = [sys.executable, "-m", "tokkit", "stats", "r.csv"]
    code, output = on_a_terminal(command, here, width, {"NO_COLOR": "1"})
    assert code == 0
    assert "[/x]" in output
    assert "기쁨" in output
    assert "\x1b[1m" not in output
    lines = without_escapes(output).splitlines()
    assert max(len(line.rstrip()) for line in lines if not line.startswith("note:")) <= width


def test_ctrl_c_ends_fine_tuning_within_a_second_and_leaves_nothing(here):
    data = corpora_path() / "emotions.txt"
    tokkit.train_wordpiece(data, here / "out", vocab_size=500)
    before = tree(here)
    child = subprocess.Popen(
        [sys.executable, "-m", "tokkit", "finetune", str(data), "--tokenizer", "out/"],
        cwd=here,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "weights, on" in line:
            break
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    sent = time.monotonic()
    message = child.stderr.read()
    assert child.wait() == 130
    assert time.monotonic() - sent < 2.5
    assert "error: interrupted; nothing was written" in message
    assert tree(here) == before


SHORT_DEMO = """
import sys
from pathlib import Path
from tokkit.cli import demo
from tokkit.cli.start import main

demo.corpora_path = lambda: Path("corpora").absolute()
shorter = {"--epochs 6": "--epochs 1", "-class 1500": "-class 100", "-class 600": "-class 40"}
for what, command in demo.STEPS.items():
    for long, short in shorter.items():
        command = command.replace(long, short)
    demo.STEPS[what] = command
main()
"""


def test_the_demo_takes_the_whole_road_and_prints_what_to_type(here):
    """On a tenth of the corpora; that the model learns is a test of its own."""
    (here / "corpora").mkdir()
    for path in corpora_path().glob("*.txt"):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        (here / "corpora" / path.name).write_text("".join(lines[: len(lines) // 10]), encoding="utf-8")
    command = [sys.executable, "-c", SHORT_DEMO, "demo"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    shutil.rmtree(here / "corpora")
    check_demo(done, here)


@pytest.mark.long
def test_the_model_of_the_demo_learns(tokkit_process, here):
    check_demo(tokkit_process("demo"), here)
    scores = json.loads((here / "tokkit-demo" / "evaluation" / "metrics.json").read_text("utf-8"))
    assert scores["accuracy"] > 0.8 > scores["majority"]["accuracy"]


def check_demo(done, here):
    assert done.returncode == 0, done.stderr
    out = here / "tokkit-demo"
    for name in ("out/tokenizer.json", "emotions.png", "split/test.txt", "balanced/weights.json"):
        assert (out / name).exists(), name
    assert (out / "evaluation" / "metrics.json").exists()
    printed = [line[2:] for line in done.stdout.splitlines() if line.startswith("$ ")]
    receipt = json.loads((out / "tokkit.json").read_text("utf-8"))
    assert printed[2:] == receipt["result"]["commands"]
    assert receipt["run"]["command_line"][-1] == "demo"
    step = json.loads((out / "out" / "tokkit.json").read_text("utf-8"))
    assert " ".join(step["run"]["command_line"]) == printed[2]
    assert len(printed) == 9
    assert sorted(path.name for path in here.iterdir()) == ["tokkit-demo"]
