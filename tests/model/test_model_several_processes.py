"""`finetune --processes`: folds at the same time give the same bytes, shared steps the same model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest
from safetensors.torch import load_file

import tokkit
from tests.conftest import Heard
from tests.model.conftest import sentences, write_csv
from tests.model.test_model_recorded_run import contents
from tokkit.cli.main import run
from tokkit.errors import InputError, Interrupted, TokkitError
from tokkit.files import read_receipt
from tokkit.model.folds.compare_settings import compare_settings
from tokkit.model.options.process_options import ProcessOptions

FAST = {"epochs": 1, "size": "tiny", "lr": 2e-3, "baseline": "none"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("data") / "rows.csv", sentences(90, seed=4))


REFUSED = {
    "--gpus 2 --processes 2": "--gpus 2: excludes --processes, which is for the CPU",
    "--gpus 0": "--gpus: 0 is below 1",
    "--processes 0": "--processes: 0 is below 1",
    "--processes two": "--processes: 'two' is not a valid integer",
    "--nodes 2 --processes 2": "--nodes 2: the machines need an address to meet",
    "--nodes 2 --rdzv-endpoint host": "--nodes 2: says nothing of how much each machine does",
    "--rdzv-endpoint host:1": "--rdzv-endpoint host:1: is for several machines",
    "--nodes 1 --rdzv-endpoint host:1": "--rdzv-endpoint host:1: is for several machines",
    "--nodes 2 --processes 2 --rdzv-endpoint host:port": '"host:port" is no HOST or HOST:PORT',
    "--nodes 2 --processes 1 --rdzv-endpoint host --folds 3": "but folds are several models",
    "--nodes 2 --gpus 2 --rdzv-endpoint host --compare lr=1e-3,1e-4": "but folds are several models",
    "--processes 2 --dry-run": "--processes 2: --dry-run measures one process",
    "--processes 2 --device cuda:1": "--processes 2: are processes on the CPU, but --device is cuda:1",
    "--gpus 2 --device cpu": "--gpus 2: contradicts --device cpu",
    "--gpus 2 --device cuda:0": "--gpus 2: contradicts --device cuda:0",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_options_that_do_not_fit_are_refused_at_once(arguments, data, capsys):
    assert run(["finetune", str(data), "--tokenizer", "none", *arguments.split()]) == 2
    assert REFUSED[arguments] in capsys.readouterr().err


def test_they_are_refused_before_torch_is_loaded(data):
    script = f"""
import sys
from tokkit.cli.main import run
code = run(["finetune", {str(data)!r}, "--tokenizer", "x", "--processes", "2", "--device", "cuda"])
print(code, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "2 False\n", done.stderr


def test_under_torchrun_they_are_refused(data, tmp_path, monkeypatch, capsys):
    for name, value in {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert run(["finetune", str(data), "--tokenizer", "none", "--processes", "2"]) == 2
    assert "--processes 2: torchrun or accelerate launch has started" in capsys.readouterr().err


def test_without_gpus_processes_are_offered(data, tokenizer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    arguments = [str(data), "--tokenizer", str(tokenizer), "-o", str(tmp_path / "m")]
    assert run(["finetune", *arguments, "--gpus", "2"]) == 3
    repeated = f"tokkit finetune {' '.join(arguments)} --processes 2"
    expected = f"error: --gpus 2: no GPU here that torch can use\nhint:  on the CPU:\n       {repeated}\n"
    assert capsys.readouterr().err == expected
    with pytest.raises(InputError) as caught:
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", gpus=2)
    assert caught.value.hint.endswith(f'out="{tmp_path / "m"}", processes=2)')
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(InputError, match="gpus=2: 1 GPU is here"):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", gpus=2)


def test_each_gpu_is_the_only_one_of_its_process(monkeypatch):
    from tokkit.model.training.data_parallel import environments

    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert environments(ProcessOptions(gpus=2)) == [
        {"CUDA_VISIBLE_DEVICES": "0"},
        {"CUDA_VISIBLE_DEVICES": "1"},
    ]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-8f,1")
    assert [e["CUDA_VISIBLE_DEVICES"] for e in environments(ProcessOptions(gpus=2))] == ["3", "GPU-8f"]
    assert environments(ProcessOptions(processes=2)) == [{}, {}]


@pytest.mark.long
def test_folds_in_processes_are_the_same_bytes(data, tokenizer, tmp_path):
    settings = {"threads": 1, "folds": 2, **FAST}
    one, several = Heard(), Heard()
    tokkit.finetune(data, tokenizer, out=tmp_path / "one", progress=one, **settings)
    result = tokkit.finetune(data, tokenizer, out=tmp_path / "two", processes=2, progress=several, **settings)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    assert several.sentences == one.sentences
    assert [fold["model"] for fold in result.folds] == [str(tmp_path / "two" / f"fold-{n}") for n in (1, 2)]
    recorded = read_receipt(tmp_path / "two")["run"]
    assert (recorded["processes"], recorded["threads"]) == (2, 1)
    assert recorded["process_options"] == {"processes": 2}
    # The command line of the user, not of the worker.
    assert read_receipt(tmp_path / "two" / "fold-1")["run"]["command_line"] == recorded["command_line"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.long
def test_a_failing_fold_is_one_sentence(data, tokenizer, tmp_path):
    with pytest.raises(InputError, match=r"fold [12] of 2: loss is NaN or infinite at step") as caught:
        tokkit.finetune(
            data, tokenizer, out=tmp_path / "m", processes=2, threads=1, folds=2, **{**FAST, "lr": 1e30}
        )
    assert "lr=0.001" in caught.value.hint
    assert not (tmp_path / "m").exists()


@pytest.mark.long
def test_finished_folds_are_not_trained_again(data, tokenizer, tmp_path):
    """Stopped in the first fold that ends; the next run, with another number of processes, ends the same."""

    class Stops(Heard):
        def cancelled(self):
            return "fold 2 of 3" in self

    settings = {"threads": 1, "folds": 3, **FAST}
    tokkit.finetune(data, tokenizer, out=tmp_path / "one", **settings)
    with pytest.raises(Interrupted, match=r"interrupted; [12] of 3 folds are finished, and the same command"):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", processes=2, progress=Stops(), **settings)
    heard = Heard()
    tokkit.finetune(data, tokenizer, out=tmp_path / "m", processes=3, progress=heard, **settings)
    assert "fold 1 of 3: finished by an earlier run, not trained again" in heard
    assert contents(tmp_path / "m") == contents(tmp_path / "one")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "one"]


@pytest.mark.long
@pytest.mark.parametrize("processes", [2, 3])
def test_combinations_in_processes_are_the_same_bytes(processes, data, tokenizer, tmp_path):
    """Two combinations in two processes; with three processes, the three folds of each."""
    keys, settings = {"head": ["cls", "mean"]}, {"threads": 1, "folds": 3, "keep_models": True, **FAST}
    one, several = Heard(), Heard()
    compare_settings(data, keys, tokenizer, out=tmp_path / "one", progress=one, **settings)
    compare_settings(
        data, keys, tokenizer, out=tmp_path / "two", processes=processes, progress=several, **settings
    )

    def without_seconds(folder):
        comparison = json.loads((folder / "comparison.json").read_text("utf-8"))
        for combination in comparison["combinations"]:
            del combination["seconds"]
        return {**contents(folder), (folder / "comparison.json").relative_to(folder): comparison}

    written, expected = without_seconds(tmp_path / "two"), without_seconds(tmp_path / "one")
    assert {str(name) for name in written if written[name] != expected[name]} <= {"tokkit.json"}
    assert several.sentences == one.sentences


@pytest.mark.long
@pytest.mark.parametrize("processes", [2, 3])
def test_shared_steps_have_the_loss_curve_of_one_process(processes, dataset, tokenizer, tmp_path):
    settings = {"threads": 1, "epochs": 3, "size": "tiny", "dropout": 0.0, "eval_every": "3"}
    one, several = Heard(), Heard()
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "one", progress=one, **settings)
    tokkit.finetune(
        dataset, tokenizer, out=tmp_path / "many", processes=processes, progress=several, **settings
    )
    history, expected = (pl.read_csv(tmp_path / name / "history.csv") for name in ("many", "one"))
    assert np.abs(history.to_numpy() - expected.to_numpy()).max() <= 1e-4
    # Every validation row, once and in its order, whichever process predicted it.
    rows, known = (pl.read_parquet(tmp_path / name / "predictions.parquet") for name in ("many", "one"))
    assert rows["text"].to_list() == known["text"].to_list()
    assert np.abs(rows["loss"].to_numpy() - known["loss"].to_numpy()).max() <= 1e-4
    for name, weight in load_file(tmp_path / "one" / "model.safetensors").items():
        assert np.allclose(load_file(tmp_path / "many" / "model.safetensors")[name], weight, atol=1e-3), name
    assert len(several.sentences) == len(one.sentences)
    recorded = read_receipt(tmp_path / "many")["run"]
    assert (recorded["processes"], recorded["threads"]) == (processes, 1)
    # Repeated from its receipt, with as many processes, it is the same bytes.
    tokkit.finetune(out=tmp_path / "again", like=tmp_path / "many")
    assert contents(tmp_path / "again") == contents(tmp_path / "many")
    assert read_receipt(tmp_path / "again")["run"]["processes"] == processes


@pytest.mark.long
def test_tags_are_predicted_complete_and_in_order(tokenizer, tmp_path):
    rows = [
        {"tokens": text.split(), "tags": ["B-X" if word == "feel" else "O" for word in text.split()]}
        for text, _ in sentences(61, seed=8)
    ]
    path = tmp_path / "tags.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    settings = {"threads": 1, "dropout": 0.0, "task": "tags", **FAST}
    for name, more in (("one", {}), ("two", {"processes": 2})):
        tokkit.finetune(path, tokenizer, out=tmp_path / name, **settings, **more)
    one, two = (pl.read_parquet(tmp_path / name / "predictions.parquet") for name in ("one", "two"))
    assert one["predicted"].to_list() == two["predicted"].to_list()
    assert np.abs(one["loss"].to_numpy() - two["loss"].to_numpy()).max() <= 1e-4


@pytest.mark.long
def test_errors_of_shared_steps_are_said_once(dataset, tokenizer, tmp_path):
    with pytest.raises(InputError, match=r"loss is NaN or infinite at step \d of 8"):
        tokkit.finetune(
            dataset, tokenizer, out=tmp_path / "m", processes=2, threads=1, **{**FAST, "lr": 1e30}
        )
    assert list(tmp_path.iterdir()) == []


def started(*arguments, cwd):
    return subprocess.Popen(
        [sys.executable, "-m", "tokkit", "finetune", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def children(process):
    """The processes below one, as /proc lists them."""
    found, left = [], [process]
    while left:
        parent = left.pop()
        try:
            below = open(f"/proc/{parent}/task/{parent}/children", encoding="ascii").read().split()
        except OSError:
            continue
        found += below
        left += below
    return [int(child) for child in found]


def wait_for_end(processes):
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{process}") for process in processes):  # noqa: PTH110
        assert time.monotonic() < deadline, "processes are left"
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", ["folds", "steps"])
@pytest.mark.parametrize("how", ["Ctrl-C", "kill", "kill a process"])
def test_nothing_is_left_of_a_run_that_ends_early(kind, how, data, dataset, tokenizer, tmp_path):
    source, more = (data, ("--folds", "2")) if kind == "folds" else (dataset, ())
    arguments = (
        source,
        "--tokenizer",
        tokenizer,
        "-o",
        "m",
        "--epochs",
        "200",
        "--threads",
        "1",
        "--lr",
        "1e-4",
    )
    process = started(*arguments, "--processes", "2", *more, cwd=tmp_path)
    lines = []
    # The checkpoint of an epoch is saved as the next one is reported.
    while not (lines and "epoch 2/200" in lines[-1]):
        lines.append(process.stderr.readline())
        assert lines[-1], lines
    below = children(process.pid)
    assert len(below) == (2 if kind == "folds" else 3)
    if how == "kill a process":
        os.kill(below[-1], signal.SIGKILL)
    else:
        process.send_signal(signal.SIGINT if how == "Ctrl-C" else signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    wait_for_end(below)
    assert "Traceback" not in errors
    if how == "kill":
        return
    last = [line for line in errors.splitlines() if line.startswith("error:")]
    assert len(last) == 1, errors
    assert not (tmp_path / "m").exists()
    assert {path.name for path in tmp_path.iterdir()} <= {".m.tokkit-folds", ".m.tokkit-training"}
    if how == "Ctrl-C":
        assert process.returncode == 130
        kept = "0 of 2 folds are finished" if kind == "folds" else "is kept: the same command continues"
        assert kept in last[0]
    else:
        assert process.returncode == TokkitError.exit_code
        assert "killed by signal 9: out of memory?" in last[0]
