"""Two processes that add up their gradients take the steps of one, and write what one writes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

import tokkit
from tests.model.test_loop import prepared, steps_of
from tokkit.cli.main import run
from tokkit.errors import UsageError
from tokkit.model.network.losses import CrossEntropy
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.progress import SILENT
from tokkit.runtime.processes import is_helper, process_count

OPTIONS = FinetuneOptions(size="tiny", epochs=1, batch_size=19, dropout=0.0, label_smoothing=0.1)
"""Six steps of 19 rows and one of a single row, of which the second process has none."""
ROWS = 115


def train_here(tokenizer):
    """What one of the processes, or the only one, ends with."""
    torch.set_num_threads(1)
    classifier, rows = prepared(tokenizer, OPTIONS, ROWS)
    loss = CrossEntropy(torch.tensor([0.5, 1.0, 3.0]), OPTIONS.label_smoothing)
    steps = steps_of(classifier, rows, OPTIONS, budget=200, loss=loss)
    [report] = steps.run(SILENT)
    return steps.accelerator.num_processes, vars(report), classifier.model.state_dict()


def _worker(rank, tokenizer, port, folder):
    rendezvous = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    os.environ |= {**rendezvous, "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2"}
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.save(train_here(tokenizer), folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.long
def test_two_processes_end_where_one_does(tokenizer, tmp_path):
    torch.multiprocessing.spawn(_worker, (tokenizer, _free_port(), tmp_path), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=False) for rank in (0, 1))
    threads = torch.get_num_threads()
    number, alone, weights = train_here(tokenizer)
    torch.set_num_threads(threads)
    assert (number, first[0], second[0]) == (1, 2, 2)
    assert first[1] == second[1]
    assert first[1]["loss"] == pytest.approx(alone["loss"], abs=1e-5)
    assert first[1]["accuracy"] == alone["accuracy"]
    assert first[1]["tokens"] == alone["tokens"]
    for name, weight in weights.items():
        assert torch.equal(first[2][name], second[2][name]), name
        assert torch.allclose(first[2][name], weight, atol=1e-5), name


@pytest.mark.long
def test_torchrun_writes_the_model_that_one_process_writes(dataset, tokenizer, tmp_path):
    """One table, one folder, and rounding apart the same weights."""
    arguments = ["-m", "tokkit", "finetune", str(dataset), "--tokenizer", str(tokenizer), "--dropout", "0"]
    arguments += ["--epochs", "2", "--threads", "1", "--json", "-q", "-o"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port"]
    outputs = {}
    for name, start in (("one", [sys.executable]), ("two", [*torchrun, str(_free_port())])):
        done = subprocess.run(
            [*start, *arguments, str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        outputs[name] = json.loads(done.stdout)
        receipt = json.loads((tmp_path / name / "tokkit.json").read_text("utf-8"))
        assert receipt["run"]["processes"] == (2 if name == "two" else 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    assert outputs["two"]["metrics"]["loss"] == pytest.approx(outputs["one"]["metrics"]["loss"], abs=1e-5)
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, weight in one.items():
        assert torch.allclose(weight, two[name], atol=1e-4), name


def test_helpers_are_told_by_their_rank(monkeypatch):
    assert (process_count(), is_helper()) == (1, False)
    for rank, helps in (("0", False), ("1", True)):
        for name, value in {"LOCAL_RANK": rank, "RANK": rank, "WORLD_SIZE": "2"}.items():
            monkeypatch.setenv(name, value)
        assert (process_count(), is_helper()) == (2, helps)


def test_folds_are_not_for_several_processes(dataset, tokenizer, tmp_path, monkeypatch):
    for name, value in {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="2 processes train one model together, but folds are several"):
        tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", folds=2)


def as_process(monkeypatch, rank):
    for name, value in {"LOCAL_RANK": rank, "RANK": rank, "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("predict {model} glad --json", 0),
        ("evaluate {model} {data} --split test --json", 0),
        ("features {model} {data} -o {out}", 0),
        ("finetune {data} --model {model} --folds 2 -o {out}", 2),
        ("finetune {data}/none.csv --model {model} -o {out}", 3),
    ],
)
def test_of_two_processes_the_first_answers(command, code, model, dataset, tmp_path, monkeypatch, capfd):
    arguments = command.format(model=model, data=dataset, out=tmp_path / "out").split()
    waits = []
    monkeypatch.setattr("tokkit.cli.main.time.sleep", waits.append)
    as_process(monkeypatch, "1")
    assert run(arguments) == code
    output, errors = capfd.readouterr()
    assert output == ""
    assert not (tmp_path / "out").exists()
    if code == 0:
        assert (waits, errors) == ([], "")
    else:  # a launcher would have ended it meanwhile
        assert waits == [15]
        assert errors.startswith("error: rank 1: ")
    as_process(monkeypatch, "0")
    assert run(arguments) == code
    output, errors = capfd.readouterr()
    expected = {2: "hint:  start it without torchrun or accelerate launch", 3: "none.csv: no such file"}
    assert output if code == 0 else expected[code] in errors
    assert len(waits) == (code != 0)


@pytest.mark.long
@pytest.mark.parametrize("ends", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_fails_first_leaves_the_error_to_rank_zero(dataset, ends):
    command = [sys.executable, "-m", "tokkit", "finetune", str(dataset / "none.csv"), "--model", "none"]
    ranks = {"LOCAL_RANK": "1", "RANK": "1", "WORLD_SIZE": "2"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, **ranks}) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(8)
        process.send_signal(ends)  # as torchrun does once rank 0 has failed, or on Ctrl-C
        assert process.wait(5) == -ends
        assert process.stderr.read() == b""


# Without a GPU, --multi_gpu starts the processes too; --cpu alone starts one.
LAUNCHERS = {
    "torchrun": ["torch.distributed.run", "--nproc-per-node", "2", "--master-port"],
    "accelerate": [
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        "2",
        "--main_process_port",
    ],
}


@pytest.mark.long
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_commands_started_as_two_processes_print_once(launcher, model, dataset, tmp_path):
    def started(*arguments):
        start = [sys.executable, "-m", *LAUNCHERS[launcher], str(_free_port())]
        module = ["-m", "tokkit"]
        done = subprocess.run(
            [*start, *module, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300
        )
        return done.returncode, done.stdout, done.stderr

    for command in (("predict", model, "glad"), ("evaluate", model, dataset / "test.csv")):
        code, output, errors = started(*command, "--json", "-q")
        assert code == 0, errors
        assert json.loads(output)["command"] == command[0]
    code, output, errors = started(
        "features", model, dataset / "test.csv", "-o", tmp_path / "f.parquet", "--json"
    )
    assert (code, json.loads(output)["rows"]) == (0, 60), errors
    out = tmp_path / "folds"
    code, output, errors = started("finetune", dataset, "--model", model, "--folds", 2, "-o", out)
    assert (code != 0, output, out.exists()) == (True, "", False)
    assert errors.count("folds are several models") == 1
    arguments = ("--model", model, "--epochs", 1, "--threads", 1, "-o", tmp_path / "m", "--json", "-q")
    code, output, errors = started("finetune", dataset, *arguments)
    assert (code, json.loads(output)["model"]) == (0, str(tmp_path / "m")), errors
