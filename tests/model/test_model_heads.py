"""One list of demands for every head on every family of encoders, and each head against its formula."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from tests.model.encoders import FAMILIES, WITH_POOLER, body_of
from tokkit.errors import InputError
from tokkit.model.network.heads import HEADS, HeadedModel

OUTPUTS = 4
LENGTHS = (9, 1, 17, 4)
PAIRS = [(head, family) for head in HEADS for family in FAMILIES if head != "pooler" or family in WITH_POOLER]


@functools.cache
def body(family):
    return body_of(family)


def model_of(head, family):
    torch.manual_seed(2)
    model = HeadedModel(body(family), head, OUTPUTS, dropout=0.5).eval()
    for parameter in model.layers.parameters():  # one that starts as zeros would hide a mistake
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def batch(width=17):
    """(rows, width) ids and mask; what stands on padding is no padding token, so that it would show."""
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(5, 299, (len(LENGTHS), width), generator=generator)
    mask = (torch.arange(width) < torch.tensor(LENGTHS)[:, None]).long()
    return ids, mask


@pytest.mark.parametrize(("head", "family"), PAIRS)
def test_padding_never_changes_an_answer(head, family):
    model = model_of(head, family)
    ids, mask = batch(width=max(LENGTHS) + 5)
    ids = ids.where(mask.bool(), 0)
    with torch.inference_mode():
        batched = model(ids, mask).logits
        for row, length in enumerate(LENGTHS):
            alone = model(ids[row : row + 1, :length], mask[row : row + 1, :length]).logits
            assert torch.allclose(alone[0], batched[row], atol=1e-5), (row, length)
    assert batched.shape == (len(LENGTHS), OUTPUTS)
    assert batched.dtype == torch.float32
    assert (batched[0] - batched[2]).abs().max() > 1e-3, "texts that differ are answered alike"


@pytest.mark.parametrize(("head", "family"), PAIRS)
def test_every_head_computes_in_bf16(head, family):
    model = model_of(head, family)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(*batch()).logits
    logits.float().sum().backward()
    assert torch.isfinite(logits).all()
    assert torch.allclose(logits.float(), model(*batch()).logits, atol=0.5)


@pytest.mark.parametrize("head", HEADS)
class TestEveryHead:
    def test_ignores_what_stands_on_padding(self, head):
        states = torch.randn(2, 5, 32, requires_grad=True)
        mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]).bool()
        layers = HEADS[head](32)
        pooled = layers(Output(states), mask)
        assert pooled.shape == (2, layers.pooled_width)
        pooled[0].square().sum().backward()
        assert states.grad is not None
        assert states.grad[0, 0].abs().sum() > 0
        assert (states.grad[0, 3:] == 0).all()
        assert (states.grad[1] == 0).all(), "no row sees another"

    def test_learns_with_every_weight_that_is_to_be_trained(self, head):
        """Each but the body's unused pooler gets a gradient, so that no process waits for one."""
        model = HeadedModel(body_of("bert"), head, OUTPUTS, dropout=0.0)
        ids, mask = batch()
        model(ids, mask).logits.square().sum().backward()
        without = {
            name
            for name, parameter in model.named_parameters()
            if parameter.requires_grad and parameter.grad is None
        }
        assert without == set()
        assert {name for name, p in model.named_parameters() if not p.requires_grad} == (
            set() if head == "pooler" else {"body.pooler.dense.weight", "body.pooler.dense.bias"}
        )

    def test_answers_in_bf16_as_in_fp32_but_for_rounding(self, head):
        model = model_of(head, "bert")
        ids, mask = batch()
        with torch.inference_mode():
            exact = model(ids, mask).logits
            with torch.autocast("cpu", dtype=torch.bfloat16):
                rounded = model(ids, mask).logits
        assert (rounded.float() - exact).abs().max() < 0.05 * exact.abs().max()

    def test_drops_out_in_training_alone(self, head):
        model = model_of(head, "bert")
        ids, mask = batch()
        model.train()
        model.body.eval()
        with torch.no_grad():
            assert not torch.equal(model(ids, mask).logits, model(ids, mask).logits)
            model.eval()
            assert torch.equal(model(ids, mask).logits, model(ids, mask).logits)


class Output:
    """What a body answers; its pooler is one of the first token."""

    def __init__(self, states):
        self.last_hidden_state, self.pooler_output = states, states[:, 0].tanh()


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in WITH_POOLER])
def test_a_body_without_a_pooler_is_refused_and_cls_is_named(family):
    with pytest.raises(InputError, match="has no pooler") as caught:
        HeadedModel(body(family), "pooler", OUTPUTS, dropout=0.1)
    assert "--head cls" in caught.value.hint


def plain(head, layers, states):
    """The formula in each head's docstring, for the tokens of one row, in NumPy."""
    weights = {name: value.double().numpy() for name, value in layers.state_dict().items()}

    def averaged(scores):
        shares = np.exp(scores - scores.max())
        return (shares / shares.sum()) @ states

    if head == "cls":
        return states[0]
    if head == "mean":
        return states.mean(axis=0)
    if head == "max":
        return states.max(axis=0)
    if head == "weighted":
        return averaged(states @ weights["score.weight"][0])
    if head == "attention":
        keys = np.tanh(states @ weights["key.weight"].T + weights["key.bias"])
        return averaged(keys @ weights["query.weight"][0])
    return np.concatenate([_lstm(weights, states, ""), _lstm(weights, states[::-1], "_reverse")])


def _lstm(weights, states, direction):
    """The last state of an LSTM (Hochreiter and Schmidhuber 1997, with forget gates), written out."""
    into, back, bias_in, bias_back = (
        weights[f"lstm.{kind}_l0{direction}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    hidden = cell = np.zeros(back.shape[1])
    for state in states:
        gates = into @ state + bias_in + back @ hidden + bias_back
        write, decay, candidate, read = np.split(gates, 4)
        cell = _sigmoid(decay) * cell + _sigmoid(write) * np.tanh(candidate)
        hidden = _sigmoid(read) * np.tanh(cell)
    return hidden


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("head", [head for head in HEADS if head != "pooler"])
def test_every_head_is_its_formula(head):
    generator = torch.Generator().manual_seed(5)
    states = torch.randn(len(LENGTHS), max(LENGTHS), 6, generator=generator)
    _, mask = batch()
    layers = HEADS[head](6)
    for parameter in layers.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    with torch.no_grad():
        pooled = layers(Output(states), mask.bool()).numpy()
    for row, length in enumerate(LENGTHS):
        expected = plain(head, layers, states[row, :length].double().numpy())
        assert pooled[row] == pytest.approx(expected, abs=1e-5)


def test_the_learned_average_starts_as_the_plain_one():
    states, mask = torch.randn(2, 5, 8), torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]).bool()
    both = [HEADS[head](8)(Output(states), mask) for head in ("weighted", "mean")]
    assert torch.allclose(*both, atol=1e-6)
