"""A run repeated from its receipt writes the same bytes; what could change them is said."""

from __future__ import annotations

import json
import shutil

import pytest

import tokkit
from tests.model.conftest import sentences, write_csv
from tokkit.cli.main import run
from tokkit.errors import InputError, UsageError
from tokkit.files import read_receipt
from tokkit.model.folder.recorded_run import recorded_run
from tokkit.model.options.process_options import ProcessOptions

FAST = {"epochs": 1, "size": "tiny", "baseline": "none"}


def contents(folder):
    """Every file's bytes, receipts without their ``run``."""
    files = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: json.dumps(read_receipt(path.parent)["result"])
        if path.name == "tokkit.json"
        else path.read_bytes()
        for name, path in files.items()
    }


# longer than the name of a file may be
LONG = ",".join(f"{label}=1.{'0' * 90}" for label in ("joy", "anger", "sadness"))


@pytest.fixture
def data(tmp_path):
    return write_csv(tmp_path / "rows.csv", sentences(90, seed=4))


def test_a_run_is_repeated_with_all_its_settings(data, dataset, tokenizer, tmp_path, monkeypatch):
    weights = tmp_path / "weights.json"
    weights.write_text(json.dumps({"joy": 1.0, "sadness": 2.0, "anger": 3.0}), "utf-8")
    settings = {
        **{"head": "mean", "loss": "focal", "gamma": 1.5, "sampler": "sqrt", "seed": 5, "dropout": 0.2},
        **{"max_length": 20, "batch_size": 16, "where": "words(text) > 2", "class_weights": "weights.json"},
    }
    monkeypatch.chdir(tmp_path)  # the receipt must not depend on the folder of the command
    tokkit.finetune(
        *("rows.csv", tokenizer, None, "one"),
        **{"validation_data": dataset / "validation.csv", "threads": 1, **settings, **FAST},
    )
    monkeypatch.chdir(tmp_path.parent)
    for like in (tmp_path / "one", tmp_path / "one" / "tokkit.json"):
        tokkit.finetune(out=tmp_path / "two", like=like, force=True)
        assert contents(tmp_path / "two") == contents(tmp_path / "one")
    recorded = read_receipt(tmp_path / "two")["run"]
    assert (recorded["threads"], recorded["dataset"]) == (1, str(data))
    assert recorded["validation_data"] == str(dataset / "validation.csv")


@pytest.mark.long
def test_a_checkpoint_is_trained_again(data, model, tmp_path):
    """Chosen defaults are recorded: rate, length and precision."""
    tokkit.finetune(data, None, model, tmp_path / "one", epochs=1, class_weights=LONG)
    tokkit.finetune(out=tmp_path / "two", like=tmp_path / "one")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


@pytest.mark.long
def test_folds_are_repeated_and_one_of_them_is_not(data, tokenizer, tmp_path):
    tokkit.finetune(data, tokenizer, out=tmp_path / "one", folds=2, class_weights=LONG, **FAST)
    tokkit.finetune(out=tmp_path / "two", like=tmp_path / "one")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    with pytest.raises(InputError, match="is one fold of several") as caught:
        tokkit.finetune(out=tmp_path / "three", like=tmp_path / "one" / "fold-1")
    assert caught.value.hint.endswith(f'like="{tmp_path / "one"}")')


def test_what_is_named_replaces_what_is_recorded(data, tokenizer, tmp_path):
    tokkit.finetune(data, tokenizer, out=tmp_path / "one", lr=1e-3, validation_data=data, **FAST)
    other = write_csv(tmp_path / "other.csv", sentences(60, seed=9))
    tokkit.finetune(other, out=tmp_path / "two", like=tmp_path / "one", lr=2e-3, threads=1)
    receipt = read_receipt(tmp_path / "two")
    assert (receipt["result"]["settings"]["lr"], receipt["result"]["settings"]["epochs"]) == (2e-3, 1)
    assert (receipt["run"]["dataset"], receipt["run"]["validation_data"]) == (str(other), None)


def test_the_command_line_wins_and_tokkit_toml_does_not(data, tokenizer, tmp_path, monkeypatch):
    def command(*arguments):
        assert run(["finetune", "--json", "-q", *map(str, arguments)]) == 0

    monkeypatch.chdir(tmp_path)
    command("rows.csv", "--tokenizer", tokenizer, "--epochs", 1, "--seed", 3, "-o", "one", "--threads", 1)
    (tmp_path / "tokkit.toml").write_text(
        '[finetune]\nepochs = 2\nthreads = 2\ntokenizer = "none/"\n', "utf-8"
    )
    command("--like", "one", "-o", "two")
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    command("--like", "one/tokkit.json", "-o", "three", "--seed", 4)
    settings = read_receipt(tmp_path / "three")["result"]["settings"]
    assert (settings["seed"], settings["epochs"]) == (4, 1)


def test_what_may_change_the_result_is_said(data, tokenizer, tmp_path, heard):
    tokkit.finetune(data, tokenizer, out=tmp_path / "one", **FAST)
    write_csv(data, sentences(90, seed=8))
    receipt = json.loads((tmp_path / "one" / "tokkit.json").read_text("utf-8"))
    receipt["result"]["versions"]["torch"] = "2.0"
    (tmp_path / "one" / "tokkit.json").write_text(json.dumps(receipt), "utf-8")
    tokkit.finetune(out=tmp_path / "two", like=tmp_path / "one", progress=heard)
    assert f"{data} has changed, so the result may differ" in heard
    assert "torch was 2.0, is " in heard


DAMAGES = {
    "command": (lambda c: c.update(command="split"), "was written by tokkit split, not by finetune"),
    "setting": (lambda c: c["result"]["settings"].update(head="heads"), 'head: invalid value "heads"'),
    "threads": (lambda c: c["run"].update(threads="two"), "\"run.threads\" is 'two'"),
    "dataset": (lambda c: c["run"].update(dataset=None), "name a data set"),
    "compare": (lambda c: c["result"]["settings"].update(compare=[]), "compares settings"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_receipts_that_cannot_be_repeated_are_refused(damage, model, tmp_path):
    change, message = DAMAGES[damage]
    copied = shutil.copytree(model, tmp_path / "model")
    content = json.loads((copied / "tokkit.json").read_text("utf-8"))
    change(content)
    (copied / "tokkit.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises((InputError, UsageError), match=message):
        tokkit.finetune(out=tmp_path / "two", like=copied)


def test_a_path_without_a_receipt_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        tokkit.finetune(out=tmp_path / "two", like=tmp_path / "none")


@pytest.mark.parametrize(
    ("run", "repeated"),
    [
        ({"processes": 1}, ProcessOptions()),
        ({"processes": 4, "process_options": {"gpus": 4}}, ProcessOptions(gpus=4)),
        # started by torchrun, or by an earlier version
        ({"processes": 2, "device": "cpu"}, ProcessOptions(processes=2)),
        ({"processes": 2, "device": "cuda:0"}, ProcessOptions(gpus=2)),
    ],
)
def test_processes_are_repeated(run, repeated, model, tmp_path, heard):
    receipt = json.loads((model / "tokkit.json").read_text("utf-8"))
    receipt["run"] = {"dataset": "rows.csv", **run}
    (tmp_path / "tokkit.json").write_text(json.dumps(receipt), "utf-8")
    assert recorded_run(tmp_path, heard).process_options == repeated
    receipt["run"]["process_options"] = {"gpu": 4}
    (tmp_path / "tokkit.json").write_text(json.dumps(receipt), "utf-8")
    with pytest.raises(InputError, match='no parameter "gpu"'):
        recorded_run(tmp_path, heard)
