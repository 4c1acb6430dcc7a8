"""`finetune --report-to`: what a tracker gets are numbers and settings, and a failing one stops nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import tokkit
from tests.conftest import Heard
from tests.model.conftest import sentences
from tokkit.cli.main import run
from tokkit.errors import Interrupted, UsageError

SETTINGS = {"size": "tiny", "epochs": 2, "batch_size": 16, "threads": 1, "seed": 1, "baseline": "none"}


class Stopping(Heard):
    """A `Progress` that is cancelled after the first epoch."""

    def cancelled(self):
        return "epoch 1/" in self


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def points(folder):
    """Name -> (step, value) of every scalar in the event files of a folder."""
    events = EventAccumulator(str(folder)).Reload()
    return {name: [(e.step, e.value) for e in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_tensorboard_has_every_step_and_score_also_of_a_resumed_training(dataset, tokenizer, heard):
    arguments, settings = (dataset, tokenizer), {**SETTINGS, "out": "reported", "metric": "classes.anger.f1"}
    with pytest.raises(Interrupted):
        tokkit.finetune(*arguments, report_to="tensorboard", progress=Stopping(), **settings)
    result = tokkit.finetune(*arguments, report_to="tensorboard", progress=heard, **settings)
    assert "curves of reported: tensorboard --logdir runs" in heard
    written = points("runs/reported")
    history = pl.read_csv("reported/history.csv")
    assert [step for step, _ in written["step/loss"]] == list(range(1, 31))
    losses = [value for _, value in written["step/loss"]]
    assert sum(losses[:15]) / 15 == pytest.approx(history["train_loss"][0], abs=1e-3)
    assert max(value for _, value in written["step/lr"]) == pytest.approx(1e-3)
    for name in ("train_loss", "validation_loss", "validation_macro_f1"):
        of_history = list(zip(history["step"], history[name], strict=True))
        assert written[name.replace("_", "/", 1)] == [(s, pytest.approx(v, abs=1e-5)) for s, v in of_history]
    assert not sent_words()
    assert written["best/accuracy"] == [(30, pytest.approx(result.metrics["accuracy"]))]


@pytest.mark.long
def test_a_tracker_changes_no_weight(model, dataset, tokenizer, tmp_path):
    settings = {"size": "tiny", "epochs": 10, "lr": 2e-3, "batch_size": 16, "seed": 1, "threads": 1}
    tokkit.finetune(dataset, tokenizer, out="again", report_to="tensorboard", **settings)
    for name in ("model.safetensors", "history.csv", "metrics.json", "predictions.parquet"):
        assert (tmp_path / "again" / name).read_bytes() == (model / name).read_bytes(), name


def sent_words():
    """Words of the training rows, and labels, that are in what was reported."""
    sent = b"".join(path.read_bytes() for path in Path("runs").rglob("*") if path.is_file())
    words = {word.encode() for text, label in sentences(240, seed=1) for word in (*text.split(), label)}
    return [word for word in words if len(word) > 4 and word in sent]


@pytest.mark.long
def test_folds_are_a_run_each(dataset, tokenizer, tmp_path):
    settings = {**SETTINGS, "epochs": 1, "folds": 2}
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "cv", report_to="tensorboard", **settings)
    assert all("validation/loss" in points(f"runs/cv/fold-{number}") for number in (1, 2))


def test_a_tracker_that_fails_is_given_up(dataset, tokenizer, tmp_path, heard):
    (tmp_path / "runs").write_text("a file, where the folder has to be")
    settings = {**SETTINGS, "epochs": 1}
    tokkit.finetune(dataset, tokenizer, out="m", report_to="tensorboard", progress=heard, **settings)
    assert sum("--report-to tensorboard: " in sentence for sentence in heard.sentences) == 1
    assert "the training goes on without it" in heard


def test_a_tracker_that_is_not_installed_or_unknown_is_refused(dataset, tokenizer, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match='report_to="wandb": needs the package wandb') as error:
        tokkit.finetune(dataset, tokenizer, out="m", report_to="wandb")
    assert error.value.hint == "pip install wandb"
    assert run(["finetune", str(dataset), "--tokenizer", str(tokenizer), "--report-to", "tensorbord"]) == 2
    assert 'did you mean "tensorboard"' in capsys.readouterr().err
