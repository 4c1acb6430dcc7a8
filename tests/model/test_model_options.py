"""Choices of options are literals, so that `--help` stays light; here they are held to the registries."""

from __future__ import annotations

from tokkit.model.network.heads import HEADS, STOCK
from tokkit.model.network.hidden_states import CHOICES
from tokkit.model.network.losses import LOSSES, REDUCTIONS
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.options.inference_options import FeaturesOptions
from tokkit.model.tasks import TASKS
from tokkit.model.training.schedule import SAMPLERS, SCHEDULES
from tokkit.options import described_fields


def choices(options, name):
    return next(described.choices for field, described in described_fields(options) if field == name)


def test_choices_of_finetune_are_those_of_the_registries():
    assert choices(FinetuneOptions, "head") == (STOCK, *HEADS)
    assert choices(FinetuneOptions, "loss") == tuple(LOSSES["ce"])
    assert choices(FinetuneOptions, "reduction") == REDUCTIONS
    assert set(choices(FinetuneOptions, "sampler")) == set(SAMPLERS)
    assert choices(FinetuneOptions, "schedule") == tuple(SCHEDULES)
    assert choices(FinetuneOptions, "task") == ("auto", *TASKS)


def test_poolings_of_features_are_those_there_are():
    assert choices(FeaturesOptions, "pooling") == CHOICES
