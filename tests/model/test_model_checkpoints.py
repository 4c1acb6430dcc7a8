"""A training that was killed, interrupted or out of space goes on to the same bytes, and no other does."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import tokkit
from tests.conftest import Heard
from tests.files.files_faults import failing, fault_at, in_child, kill_self, recorded_changes
from tests.model.test_finetune import file_hashes
from tests.model.test_loop import LABELS, prepared, setup_of
from tokkit.errors import InputError, Interrupted, OutputError, UsageError
from tokkit.model.network.classifier import Classifier
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training import checkpoints
from tokkit.model.training.checkpoints import Checkpoints, identity_of
from tokkit.model.training.session import TrainingSession
from tokkit.progress import SILENT

OPTIONS = FinetuneOptions(
    **{"size": "tiny", "epochs": 2, "batch_size": 16, "dropout": 0.1, "metric": "loss"},
    **{"eval_every": "2", "save_every": "1", "sampler": "sqrt"},
)
STEPS = 6
"""Of two epochs of 48 rows."""


@pytest.fixture(autouse=True)
def _one_thread():
    """The order of sums, and so the bytes, depend on the threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(tokenizer, folder, options=OPTIONS, lr=1e-3, progress=SILENT):
    """What a training leaves: every file of the model, its history, and all else of its result."""
    shutil.rmtree(folder / "staging", ignore_errors=True)
    (folder / "staging").mkdir(parents=True)
    classifier, rows = prepared(tokenizer, options, rows=48)
    session = TrainingSession(
        setup_of(classifier, rows, options, lr),
        staging=folder / "staging",
        checkpoints=Checkpoints(folder / ".model.tokkit-training", folder / "model", options.keep),
        progress=progress,
    )
    result = session.run()
    model = {path.name: path.read_bytes() for path in (folder / "staging").iterdir() if path.is_file()}
    return model, result.history, result.best.scores, result.best.logits.tobytes(), result.padding_share


def saved(folder):
    return sorted(path.name for path in (folder / ".model.tokkit-training").iterdir())


class Stopping(Heard):
    """Asks to stop after so many steps."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def advance(self, amount, **figures):
        self.left -= "loss" in figures

    def cancelled(self):
        return self.left <= 0


@pytest.fixture(scope="module")
def whole(tokenizer, tmp_path_factory):
    """A training that nothing disturbed."""
    torch.set_num_threads(1)
    return trained(tokenizer, tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize(("steps", "saved_step"), [(1, 1), (2, 1), (5, 5)])
def test_resume_after_ctrl_c_ends_in_the_same_bytes(tokenizer, whole, tmp_path, steps, saved_step):
    """After the second step it comes while the model is validated."""
    stopping = Stopping(steps)
    said = (
        f"interrupted; the checkpoint after step {saved_step} is kept: the same command continues from there"
    )
    with pytest.raises(Interrupted, match=said):
        trained(tokenizer, tmp_path, progress=stopping)
    heard = Heard()
    assert trained(tokenizer, tmp_path, progress=heard) == whole
    assert f"continuing after step {saved_step}" in heard


def test_resume_of_a_training_that_was_done_only_publishes(tokenizer, whole, tmp_path):
    trained(tokenizer, tmp_path)
    heard = Heard()
    assert trained(tokenizer, tmp_path, progress=heard) == whole
    assert f"continuing after step {STEPS}" in heard
    assert "epoch" not in heard


def test_checkpoints_to_keep_are_the_newest(tokenizer, tmp_path):
    trained(tokenizer, tmp_path, replace(OPTIONS, keep=3))
    assert saved(tmp_path) == [f"checkpoint-{step:08}" for step in (4, 5, 6)]


def killed_at(call, tokenizer, folder):
    """Whether a training in a child of ours got to that system call, where it was killed."""

    def work():
        with fault_at(call, kill_self):
            trained(tokenizer, folder)

    return in_child(work) == -signal.SIGKILL


CALLS = 240
"""More than there are in such a training; a checkpoint takes about thirty."""


@pytest.mark.parametrize(
    "call", [20, 58, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, CALLS, 2))]
)
def test_resume_after_kill_at_a_system_call_ends_in_the_same_bytes(tokenizer, whole, tmp_path, call):
    if killed_at(call, tokenizer, tmp_path):
        heard = Heard()
        assert trained(tokenizer, tmp_path, progress=heard) == whole
        part = [sentence for sentence in heard.sentences if "incomplete checkpoint" in sentence]
        assert len(part) <= 1
    else:
        assert call > 58


@pytest.mark.parametrize(
    ("cut", "how"),
    [
        ("model.safetensors", "cut short"),
        ("optimizer.safetensors", "changed"),
        ("state.json", "cut short"),
        ("best.safetensors", "gone"),
    ],
)
def test_a_checkpoint_cut_short_is_passed_over_and_said(tokenizer, whole, tmp_path, cut, how):
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path, progress=Stopping(5))
    file = tmp_path / ".model.tokkit-training" / "checkpoint-00000005" / cut
    content = file.read_bytes()
    file.unlink()
    if how != "gone":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + (b"" if how == "cut short" else b"#" + content[middle + 1 :]))
    heard = Heard()
    assert trained(tokenizer, tmp_path, progress=heard) == whole
    assert "checkpoint-00000005: skipped a truncated or changed checkpoint" in heard
    assert "continuing after step 4" in heard


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_at_a_checkpoint_is_one_sentence_and_loses_nothing(
    tokenizer, whole, tmp_path, number, monkeypatch
):
    """The second checkpoint cannot be brought to the disk."""
    synced = os.fsync

    def fsync(descriptor):
        if "checkpoint-00000001" in saved(tmp_path):
            failing(number)()
        synced(descriptor)

    heard = Heard()
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputError) as caught:
        trained(tokenizer, tmp_path, progress=heard)
    monkeypatch.undo()
    assert ("no space left" in caught.value.message) == (number == errno.ENOSPC)
    assert str(tmp_path / "model") in caught.value.message
    assert "the checkpoint after step 1 is kept: the same command continues from there" in heard
    assert saved(tmp_path) == ["checkpoint-00000001"]
    assert trained(tokenizer, tmp_path) == whole


@pytest.mark.parametrize(
    ("changed", "lr", "difference"),
    [
        ({"epochs": 3}, 1e-3, "--epochs 2 instead of 3"),
        ({}, 2e-3, "--lr 0.001 instead of 0.002"),
        ({"seed": 1}, 1e-3, "--seed 42 instead of 1"),
        ({"batch_size": 8}, 1e-3, "--batch-size 16 instead of 8"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused(tokenizer, tmp_path, changed, lr, difference):
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path, progress=Stopping(3))
    before = saved(tmp_path)
    with pytest.raises(InputError, match=f"has an unfinished training with {difference}") as caught:
        trained(tokenizer, tmp_path, replace(OPTIONS, **changed), lr)
    assert "\n--resume none\n" in caught.value.hint
    assert saved(tmp_path) == before


def test_a_checkpoint_of_other_rows_or_another_start_is_refused(tokenizer, tmp_path):
    classifier, rows = prepared(tokenizer, OPTIONS, rows=48)
    setup = setup_of(classifier, rows, OPTIONS)
    identity = identity_of(setup)
    other = replace(rows, targets=RowTargets(2 - rows.targets.values))
    elsewhere = identity_of(replace(setup, training=other))
    assert {name for name in elsewhere if elsewhere[name] != identity[name]} == {"data"}
    with torch.no_grad():
        classifier.model.classifier.bias += 1
    moved = identity_of(setup)
    assert {name for name in moved if moved[name] != identity[name]} == {"start"}
    assert list(identity["labels"]) == list(LABELS)


def test_resume_none_discards_what_stands_there(tokenizer, whole, tmp_path):
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path, replace(OPTIONS, seed=7), progress=Stopping(3))
    heard = Heard()
    again = trained(tokenizer, tmp_path, replace(OPTIONS, resume="none"), progress=heard)
    assert again == whole
    assert "the checkpoints of an unfinished training are discarded" in heard
    assert "continuing" not in heard


def test_a_named_checkpoint_may_be_gone_on_from_at_another_rate(tokenizer, whole, tmp_path):
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path, progress=Stopping(3))
    named = tmp_path / ".model.tokkit-training" / "checkpoint-00000002"
    heard = Heard()
    model, history, *_ = trained(tokenizer, tmp_path, replace(OPTIONS, resume=str(named)), 1e-4, heard)
    assert "was trained with --lr 0.001 instead of 0.0001; continuing anyway" in heard
    assert history[0] == whole[1][0]
    assert history[1]["lr"] < whole[1][1]["lr"] / 5
    assert model != whole[0]


def test_a_named_checkpoint_stays_until_there_is_a_newer_one(tokenizer, tmp_path, monkeypatch):
    """Named as people do, from where they are; and a mistake in another option removes nothing."""
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path, progress=Stopping(3))
    monkeypatch.chdir(tmp_path)
    before = saved(tmp_path)
    with pytest.raises(UsageError, match="needs a GPU"):
        trained(tokenizer, tmp_path, replace(OPTIONS, resume="none", precision="fp16"))
    assert saved(tmp_path) == before
    named = replace(OPTIONS, resume=".model.tokkit-training/checkpoint-00000002")
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path, named, 1e-4, Stopping(0))
    assert saved(tmp_path) == ["checkpoint-00000002"]


def test_a_named_checkpoint_of_other_rows_is_refused(tokenizer, tmp_path):
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path, progress=Stopping(3))
    work = tmp_path / ".model.tokkit-training"
    with pytest.raises(
        InputError, match="a checkpoint of another training, with --batch-size 16 instead of 8"
    ):
        trained(tokenizer, tmp_path, replace(OPTIONS, resume=str(work), batch_size=8))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no complete checkpoint"):
        trained(tokenizer, tmp_path, replace(OPTIONS, resume=str(empty)))


def test_a_named_checkpoint_of_other_settings_that_decide_weights_is_refused(tokenizer, tmp_path):
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path, progress=Stopping(1))
    work = tmp_path / ".model.tokkit-training"
    changes = {
        **{"max_length": 32, "sampler": "plain", "seed": 1, "freeze": "1", "label_smoothing": 0.1},
        **{"class_weights": "balanced", "loss": "focal", "head": "mean", "size": "mini", "batch_size": 8},
    }
    for name, value in changes.items():
        with pytest.raises(InputError, match=f"of another training, with --{name.replace('_', '-')} "):
            trained(tokenizer, tmp_path, replace(OPTIONS, resume=str(work), **{name: value}))


def test_validation_batches_have_the_requested_rows(tokenizer, tmp_path, monkeypatch):
    sizes = []
    logits = Classifier.logits

    def counted(classifier, batch, device):
        if not classifier.model.training:
            sizes.append(len(batch.rows))
        return logits(classifier, batch, device)

    monkeypatch.setattr(Classifier, "logits", counted)
    trained(
        tokenizer, tmp_path, replace(OPTIONS, epochs=1, eval_every="3", save_every="3", eval_batch_size=13)
    )
    assert sizes == [13, 13, 13, 9]


def test_a_checkpoint_is_on_the_disk_before_it_gets_its_name(tokenizer, tmp_path):
    with recorded_changes() as changes:
        trained(tokenizer, tmp_path, replace(OPTIONS, epochs=1))
    renames = [Path(path).name for call, path in changes if call == "rename"]
    names = [name for name in renames if name.startswith("checkpoint-")]
    assert names == [f"checkpoint-{step:08}" for step in (1, 2, 3)]
    written = {"model.safetensors", "optimizer.safetensors", "state.json"}
    for name in names:
        renamed = next(
            at for at, (call, path) in enumerate(changes) if call == "rename" and path.endswith(name)
        )
        synced = {
            Path(path) for call, path in changes[:renamed] if call == "fsync" and f"{name}.part" in path
        }
        assert written <= {path.name for path in synced if path.parent.name == f"{name}.part"}
        assert changes[renamed + 1][0] == "fsync"
        assert Path(changes[renamed + 1][1]).name == ".model.tokkit-training"


def test_a_loss_that_is_no_number_leaves_the_checkpoint_and_says_how_to_go_on(tokenizer, tmp_path):
    options = replace(OPTIONS, max_grad_norm=0.0, warmup_ratio=1.0, schedule="constant")
    with pytest.raises(InputError, match="NaN or infinite at step") as caught:
        trained(tokenizer, tmp_path, options, lr=1e39)
    [checkpoint] = saved(tmp_path)
    step = int(checkpoint[-8:])
    assert f"the checkpoint after step {step} is kept" in caught.value.message
    assert f"--lr 0.001 --resume {tmp_path / '.model.tokkit-training'}" in caught.value.hint
    weights = load_file(tmp_path / ".model.tokkit-training" / checkpoint / "model.safetensors")
    assert all(torch.isfinite(value).all() for value in weights.values())
    resumed = replace(options, resume=str(tmp_path / ".model.tokkit-training"))
    _, history, *_ = trained(tokenizer, tmp_path, resumed, lr=1e-4)
    assert history[-1]["step"] == STEPS


@pytest.mark.parametrize("evaluated", ["2", "never"])
def test_finite_weights_that_give_no_answers_are_not_kept(tokenizer, tmp_path, evaluated):
    """The second step leaves weights of 1e25: none is infinite, their products are."""
    options = replace(OPTIONS, save_every="2", eval_every=evaluated, warmup_ratio=1.0, schedule="constant")
    with pytest.raises(InputError, match="logits are NaN or infinite by step 2 of 6") as caught:
        trained(tokenizer, tmp_path, options, lr=6e25)
    assert caught.value.hint == "a lower rate:\n--lr 0.001"
    assert not (tmp_path / ".model.tokkit-training").exists()


def test_without_checkpoints_an_error_leaves_nothing(tokenizer, tmp_path):
    with pytest.raises(InputError, match="NaN or infinite"):
        trained(tokenizer, tmp_path, replace(OPTIONS, save_every="never", max_grad_norm=0.0), lr=1e39)
    assert not (tmp_path / ".model.tokkit-training").exists()


def test_patience_holds_across_a_kill(tokenizer, tmp_path):
    options = replace(OPTIONS, epochs=5, patience=1, eval_every="1", metric="loss", schedule="constant")
    _, history, *_ = expected = trained(tokenizer, tmp_path / "whole", options, lr=0.0)
    assert len(history) == 2
    with pytest.raises(Interrupted):
        trained(tokenizer, tmp_path / "cut", options, lr=0.0, progress=Stopping(1))
    assert trained(tokenizer, tmp_path / "cut", options, lr=0.0) == expected
    heard = Heard()
    assert trained(tokenizer, tmp_path / "cut", options, lr=0.0, progress=heard) == expected
    assert "continuing after step 2" in heard


def test_keep_optimizer_leaves_what_a_longer_training_goes_on_from(tokenizer, tmp_path):
    trained(tokenizer, tmp_path, replace(OPTIONS, keep_optimizer=True))
    optimizer_folder = tmp_path / "kept"
    shutil.copytree(tmp_path / "staging" / "checkpoint", optimizer_folder)
    assert {path.name for path in optimizer_folder.iterdir()} == {
        "model.safetensors",
        "optimizer.safetensors",
        "state.json",
    }
    heard = Heard()
    longer = replace(OPTIONS, epochs=3, resume=str(optimizer_folder))
    _, history, *_ = trained(tokenizer, tmp_path / "longer", longer, progress=heard)
    assert f"continuing after step {STEPS}" in heard
    assert [row["step"] for row in history] == [2, 4, 6, 8, 9]


def _finetune(folder, dataset, tokenizer):
    command = [sys.executable, "-m", "tokkit", "finetune", str(dataset), "--tokenizer", str(tokenizer)]
    command += ["-o", "model", "--size", "tiny", "--epochs", "4", "--threads", "1", "--save-every", "3"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


@pytest.mark.long
def test_finetune_killed_and_run_again_publishes_the_same_model(dataset, tokenizer, tmp_path):
    (tmp_path / "killed").mkdir()
    process = _finetune(tmp_path / "killed", dataset, tokenizer)
    work = tmp_path / "killed" / ".model.tokkit-training"
    ends = time.monotonic() + 120
    while not list(work.glob("checkpoint-*[0-9]")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "killed" / "model").exists()
    settings = {"size": "tiny", "epochs": 4, "threads": 1, "save_every": "3"}
    heard = Heard()
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "killed" / "model", progress=heard, **settings)
    assert "continuing after step" in heard
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["model"]
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "whole" / "model", **settings)
    hashes = [file_hashes(tmp_path / name / "model") for name in ("killed", "whole")]
    assert hashes[0] == hashes[1]


def test_a_state_is_plain_json(tokenizer, tmp_path):
    """No pickle stands in a checkpoint."""
    trained(tokenizer, tmp_path)
    newest = checkpoints.newest(tmp_path / ".model.tokkit-training", SILENT)
    assert newest is not None
    names = {
        path.relative_to(newest.path).parts[0] for path in Path(newest.path).rglob("*") if path.is_file()
    }
    assert names == {"best", "best.safetensors", "model.safetensors", "optimizer.safetensors", "state.json"}
    assert json.loads((newest.path / "state.json").read_text("utf-8"))["step"] == STEPS
