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


def chosen(requested, tokenizer, progress=SILENT, width=128, device=CPU):
    """The choice for a training of a model of this width."""
    options = replace(TINY, precision=requested)
    setup = setup_of(*prepared(tokenizer, options), options)
    setup.classifier.model.config.hidden_size = width
    return choose_precision(replace(setup, device=torch.device(device)), progress)


@pytest.fixture
def cpu_flags(monkeypatch):
    """A function that gives this machine the flags of another."""

    def set_flags(*, bf16=False, amx=False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)

    return set_flags


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


@pytest.mark.parametrize(
    ("flags", "width", "precision"),
    [
        ({}, 768, "fp32"),
        ({"bf16": True}, 768, "bf16"),
        ({"bf16": True}, 384, "bf16"),
        ({"bf16": True}, 256, "fp32"),
        ({"bf16": True, "amx": True}, 384, "fp32"),
    ],
)
def test_auto_decides_by_the_flags_of_the_cpu_and_the_width(
    flags, width, precision, tokenizer, heard, cpu_flags
):
    cpu_flags(**flags)
    assert chosen("auto", tokenizer, heard, width) == precision
    reasons = [f"chose precision bf16 (--precision): the CPU has AVX512_BF16, and the model is {width} wide"]
    assert heard.sentences == (reasons if precision == "bf16" else [])


@pytest.mark.parametrize(("has_bf16", "precision"), [(True, "bf16"), (False, "fp16")])
def test_auto_on_a_gpu_is_what_its_matrix_units_compute(has_bf16, precision, tokenizer, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bf16)
    assert chosen("auto", tokenizer, width=768, device="cuda") == precision
    assert chosen("auto", tokenizer, width=128, device="cuda") == "fp32"


def test_auto_on_mps_is_fp32(tokenizer, cpu_flags):
    cpu_flags(bf16=True)
    assert chosen("auto", tokenizer, width=768, device="mps") == "fp32"


def test_a_process_may_train_in_one_precision_after_another():
    for precision, mixed in (("bf16", "bf16"), ("fp32", "no"), ("bf16", "bf16")):
        accelerator = accelerator_for(CPU, precision)
        assert (accelerator.mixed_precision, accelerator.device) == (mixed, CPU)
