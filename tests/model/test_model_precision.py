"""The numbers a step is computed in: what is asked for, what is there, what a trial finds faster."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.model.test_loop import CPU, prepared, setup_of, steps_of
from tokkit.errors import UsageError
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.training.accelerator import accelerator_for, choose_precision
from tokkit.progress import SILENT

TINY = FinetuneOptions(size="tiny", epochs=1, dropout=0.0)


def setup_with(precision, tokenizer, epochs=400):
    """A training of three steps per epoch in the requested precision."""
    options = replace(TINY, precision=precision, epochs=epochs)
    return setup_of(*prepared(tokenizer, options), options)


def chosen(requested, tokenizer, epochs=400, progress=SILENT):
    return choose_precision(setup_with(requested, tokenizer, epochs), progress)


def test_bf16_trains_nearly_as_fp32_does_with_fp32_weights(tokenizer):
    losses = {}
    for precision in ("fp32", "bf16"):
        classifier, rows = prepared(tokenizer, TINY)
        [report] = steps_of(classifier, rows, TINY, precision=precision).run(SILENT)
        losses[precision] = report.loss
        assert {parameter.dtype for parameter in classifier.model.parameters()} == {torch.float32}
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.02)
    assert losses["bf16"] != losses["fp32"]


def test_fp16_needs_a_gpu(tokenizer):
    with pytest.raises(UsageError, match="--precision fp16: needs a GPU"):
        chosen("fp16", tokenizer)
    with pytest.raises(UsageError, match="--precision fp16: needs a GPU"):
        accelerator_for(CPU, "fp16")


def test_auto_tries_both_and_says_what_it_found(tokenizer, heard, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)  # whatever machine this is
    setup = setup_with("auto", tokenizer)
    model = setup.classifier.model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    precision = choose_precision(setup, heard)
    assert precision in ("fp32", "bf16")
    assert f"--precision {precision}: a piece of a step takes" in heard
    assert "ms in fp32" in heard
    assert "ms in bf16" in heard
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_auto_stays_at_fp32_on_a_cpu_without_matrix_units(tokenizer, heard, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert chosen("auto", tokenizer, progress=heard) == "fp32"
    assert heard.sentences == []


def test_a_short_training_is_not_worth_a_trial(tokenizer, heard, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert chosen("auto", tokenizer, epochs=16, progress=heard) == "fp32"
    assert heard.sentences == []


def test_a_process_may_train_in_one_precision_after_another():
    for precision, mixed in (("bf16", "bf16"), ("fp32", "no"), ("bf16", "bf16")):
        accelerator = accelerator_for(CPU, precision)
        assert (accelerator.mixed_precision, accelerator.device) == (mixed, CPU)
