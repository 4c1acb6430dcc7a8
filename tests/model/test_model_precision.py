"""The numbers a step is computed in: what is asked for, what is there, what a trial finds faster."""

from __future__ import annotations

import pytest
import torch

from tests.model.test_loop import CPU, prepared
from tokkit.errors import UsageError
from tokkit.model.network.losses import CrossEntropy
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks.task import RowTargets
from tokkit.model.training.gradients import TrainingRows
from tokkit.model.training.loop import Training
from tokkit.model.training.precision import accelerator_for, choose_precision
from tokkit.progress import SILENT

TINY = FinetuneOptions(size="tiny", epochs=1, dropout=0.0)


def rows_of(tokenizer):
    classifier, encoded, targets = prepared(tokenizer, TINY)
    return classifier, TrainingRows(encoded, RowTargets(targets), CrossEntropy())


def test_bf16_trains_nearly_as_fp32_does_with_fp32_weights(tokenizer):
    losses = {}
    for precision in ("fp32", "bf16"):
        classifier, rows = rows_of(tokenizer)
        training = Training(classifier, rows, TINY, 1e-3, CPU, 512, precision)
        [reached] = training.run(SILENT)
        losses[precision] = reached.loss
        assert {parameter.dtype for parameter in classifier.model.parameters()} == {torch.float32}
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02)
    assert losses["bf16"] != losses["fp32"]


def test_fp16_needs_a_gpu(tokenizer):
    with pytest.raises(UsageError, match="--precision fp16: needs a GPU"):
        choose_precision("fp16", *rows_of(tokenizer), CPU, 512, 1000, SILENT)
    with pytest.raises(UsageError, match="--precision fp16: needs a GPU"):
        accelerator_for(CPU, "fp16")


def test_auto_tries_both_and_says_what_it_found(tokenizer, heard, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)  # whatever machine this is
    classifier, rows = rows_of(tokenizer)
    before = {name: value.clone() for name, value in classifier.model.state_dict().items()}
    chosen = choose_precision("auto", classifier, rows, CPU, 512, 1000, heard)
    assert chosen in ("fp32", "bf16")
    assert f"--precision {chosen}: a piece of a step takes" in heard
    assert "ms in fp32" in heard
    assert "ms in bf16" in heard
    assert all(torch.equal(before[name], value) for name, value in classifier.model.state_dict().items())
    assert all(parameter.grad is None for parameter in classifier.model.parameters())


def test_auto_stays_at_fp32_on_a_cpu_without_matrix_units(tokenizer, heard, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert choose_precision("auto", *rows_of(tokenizer), CPU, 512, 1000, heard) == "fp32"
    assert heard.sentences == []


def test_a_short_training_is_not_worth_a_trial(tokenizer, heard, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert choose_precision("auto", *rows_of(tokenizer), CPU, 512, 50, heard) == "fp32"
    assert heard.sentences == []


def test_a_process_may_train_in_one_precision_after_another():
    for precision, mixed in (("bf16", "bf16"), ("fp32", "no"), ("bf16", "bf16")):
        accelerator = accelerator_for(CPU, precision)
        assert (accelerator.mixed_precision, accelerator.device) == (mixed, CPU)
