"""Choices of options are literals, so that `--help` stays light; here they are held to the registries."""

from __future__ import annotations

import pytest

from tokkit.errors import UsageError
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


REFUSED = {
    **{"label_smoothing": (-0.01, 1.0), "layer_decay": (-0.01, 1.01), "dropout": (-0.01, 1.0)},
    **{"warmup_ratio": (-0.01, 1.01), "weight_decay": (-0.01,), "max_grad_norm": (-0.01,), "gamma": (-0.01,)},
    **{"epochs": (0,), "batch_size": (0,), "max_length": (2,), "folds": (1,), "seed": (-1, 2**32)},
}
ALLOWED = {
    **{"label_smoothing": (0.0, 0.99), "layer_decay": (0.0, 1.0), "dropout": (0.0, 0.99)},
    **{"warmup_ratio": (0.0, 1.0), "weight_decay": (0.0,), "max_grad_norm": (0.0,), "gamma": (0.0,)},
    **{"epochs": (1,), "batch_size": (1,), "max_length": (3,), "folds": (2,), "seed": (0, 2**32 - 1)},
}


@pytest.mark.parametrize("name", REFUSED)
def test_bounds_of_finetune(name):
    for value in ALLOWED[name]:
        assert getattr(FinetuneOptions(**{name: value}), name) == value
    for value in REFUSED[name]:
        with pytest.raises(UsageError, match=f"--{name.replace('_', '-')}: .* is (above|below)"):
            FinetuneOptions(**{name: value})


def test_poolings_of_features_are_those_there_are():
    assert choices(FeaturesOptions, "pooling") == CHOICES
