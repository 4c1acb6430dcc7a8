"""Which weights learn, at what rate, and how the rate moves: against transformers' schedules and models."""

from __future__ import annotations

import pytest
import torch
import transformers

from tokkit.errors import UsageError
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.training.schedule import SCHEDULES, adamw, depths_of, freeze, parameter_groups, rate

LAYERS = 3
_SMALL = {
    **{"num_hidden_layers": LAYERS, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64},
    **{"max_position_embeddings": 40, "vocab_size": 50, "num_labels": 3, "pad_token_id": 0},
}
CONFIGS = {
    "bert": transformers.BertConfig(**_SMALL),
    "roberta": transformers.RobertaConfig(**_SMALL),
    "xlm-roberta": transformers.XLMRobertaConfig(**_SMALL),
    "electra": transformers.ElectraConfig(**_SMALL, embedding_size=16),
    "deberta-v2": transformers.DebertaV2Config(**_SMALL, relative_attention=True, position_buckets=8),
    "modernbert": transformers.ModernBertConfig(**_SMALL),
    "distilbert": transformers.DistilBertConfig(
        **{"n_layers": LAYERS, "dim": 32, "n_heads": 2, "hidden_dim": 64, "vocab_size": 50, "num_labels": 3}
    ),
}


def model_of(kind):
    return transformers.AutoModelForSequenceClassification.from_config(CONFIGS[kind])


def learning(model):
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("steps", "warmup"), [(50, 5), (7, 0), (1, 0), (4, 4), (30, 29)])
def test_rates_are_those_of_transformers(schedule, steps, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    name = "constant_with_warmup" if schedule == "constant" else schedule
    theirs = transformers.get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    for step in range(steps):
        assert 0.5 * rate(schedule, step, steps, warmup) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("kind", CONFIGS)
class TestEveryEncoder:
    def test_has_its_embeddings_below_its_layers_and_its_head_above(self, kind):
        depths, layers = depths_of(model_of(kind))
        assert layers == LAYERS
        assert set(depths.values()) == set(range(LAYERS + 2))
        assert all(depths[name] == 0 for name in depths if "word_embeddings" in name or "tok_embed" in name)
        assert all(depths[name] == LAYERS + 1 for name in depths if name.startswith("classifier"))
        assert all(depths[name] == LAYERS + 1 for name in depths if "pooler" in name)

    def test_freezes_from_below(self, kind):
        model = model_of(kind)
        depths, _ = depths_of(model)
        freeze(model, "2")
        assert learning(model) == {name for name, depth in depths.items() if depth > 2}
        freeze(model, "body")
        assert learning(model) == {name for name, depth in depths.items() if depth > LAYERS}

    def test_learns_slower_further_down(self, kind):
        model = model_of(kind)
        depths, _ = depths_of(model)
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        for group in parameter_groups(model, 0.1, 0.01, layer_decay=0.5):
            for parameter in group["params"]:
                assert group["peak"] == 0.1 * 0.5 ** (LAYERS + 1 - depths[names[id(parameter)]])


def test_weight_decay_spares_biases_and_norms():
    model = model_of("bert")
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = parameter_groups(model, 1e-3, 0.01)
    assert [group["weight_decay"] for group in groups] == [0.01, 0.0]
    spared = {names[id(parameter)] for parameter in groups[1]["params"]}
    assert spared == {name for name in names.values() if name.endswith("bias") or "LayerNorm" in name}
    assert sum(len(group["params"]) for group in groups) == len(names)


def test_frozen_weights_stay_as_they_are():
    model = model_of("bert")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = adamw(model, FinetuneOptions(freeze="1"), 0.1, torch.device("cpu"))
    model(input_ids=torch.ones(2, 5, dtype=torch.long), labels=torch.tensor([0, 1])).loss.backward()
    optimizer.step()
    depths, _ = depths_of(model)
    changed = {name for name, value in model.named_parameters() if not torch.equal(before[name], value)}
    assert changed == {name for name, depth in depths.items() if depth > 1}


def test_more_layers_than_there_are_cannot_be_frozen():
    with pytest.raises(UsageError, match="--freeze 4: the model has 3 layers"):
        freeze(model_of("bert"), "4")


@pytest.mark.parametrize("which", ["-1", "head", "1.5"])
def test_what_cannot_be_frozen_is_refused_before_any_work(which):
    with pytest.raises(UsageError, match="choose none, body or a number of layers"):
        FinetuneOptions(freeze=which)
