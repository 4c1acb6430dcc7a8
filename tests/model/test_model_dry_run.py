"""`finetune --dry-run`: writes nothing, and forecasts what the training then takes."""

from __future__ import annotations

import json
import time

import pytest

import tokkit
from tokkit.cli.main import run
from tokkit.errors import OutputError, UsageError

TINY = {"size": "tiny", "lr": 2e-3, "batch_size": 16, "seed": 1, "threads": 1, "baseline": "none"}


def bytes_in(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_dry_run_forecasts_the_folder_and_writes_nothing(
    model, dataset, tokenizer, tmp_path, monkeypatch, capsys
):
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    command = ["finetune", str(dataset), "--tokenizer", str(tokenizer), "-o", "out", "--dry-run", "--json"]
    assert run([*command, "--epochs", "10", "--batch-size", "16", "--threads", "1", "-q"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [path.name for path in tmp_path.rglob("*")] == ["cache"]
    assert printed["dry_run"]
    assert printed["work"] == {"rows": 240, "steps": 150, "evaluations": 10}
    assert printed["disk"]["output"] == pytest.approx(bytes_in(model), rel=0.05)
    assert set(printed["seconds"]) == {"preparation", "baseline", "training", "validation"}
    assert printed["total_seconds"] == pytest.approx(sum(printed["seconds"].values()), abs=0.1)
    assert 1 <= printed["measured"]["training"]["steps"] <= 20
    assert printed["memory"]["process"] > 100 << 20


def test_a_dry_run_of_folds_is_a_model_a_fold(dataset, tokenizer, tmp_path):
    dry = tokkit.finetune(
        *(dataset, tokenizer), out=tmp_path / "out", dry_run=True, folds=3, **TINY
    ).as_dict()
    one = tokkit.finetune(*(dataset, tokenizer), out=tmp_path / "out", dry_run=True, **TINY)
    assert dry["work"]["rows"] == 200
    assert dry["work"]["steps"] == 3 * 3 * 13
    assert dry["disk"]["output"] == pytest.approx(3 * one.disk["output"], rel=0.02)
    assert not list(tmp_path.iterdir())


def test_a_dry_run_refuses_what_the_training_would(dataset, tokenizer, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError):
        tokkit.finetune(dataset, tokenizer, out=tmp_path / "out", dry_run=True)
    for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE"):
        monkeypatch.setenv(name, "2")
    with pytest.raises(UsageError, match="dry_run: measures one process"):
        tokkit.finetune(dataset, tokenizer, out=tmp_path / "other", dry_run=True)


@pytest.mark.long
def test_a_dry_run_forecasts_time_and_checkpoints(dataset, tokenizer, tmp_path):
    settings = {**TINY, "epochs": 20, "keep_optimizer": True}
    dry = tokkit.finetune(dataset, tokenizer, out=tmp_path / "out", dry_run=True, **settings)
    started = time.process_time()
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "out", **settings)
    assert 0.3 < dry.total_seconds / (time.process_time() - started) < 3
    assert dry.disk["output"] == pytest.approx(bytes_in(tmp_path / "out"), rel=0.05)
