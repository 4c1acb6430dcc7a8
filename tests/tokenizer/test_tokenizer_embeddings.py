"""New rows of an embedding table: where they start from."""

from __future__ import annotations

import pytest
import torch
from extension_models import same

from tokkit.options import described_fields
from tokkit.tokenizer.editing.embeddings import INITS, extend_table
from tokkit.tokenizer.editing.options import AddTokensOptions, WrapOptions
from tokkit.tokenizer.folder.load import ROLES
from tokkit.tokenizer.sentencepiece.convert import FAIRSEQ, MODEL

TABLE = torch.randn((6, 4), generator=torch.Generator().manual_seed(3)) + 1
PIECES = [[0, 1, 1], [], [3]]


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("used", [6, 4])
def test_embeddings_keep_old_rows_bit_by_bit(init, dtype, used):
    table = TABLE.to(dtype)
    extended = extend_table(table, used, PIECES, 9, init, seed=1)
    assert extended.shape == (9, 4)
    assert same(extended[:used], table[:used])
    assert torch.isfinite(extended).all()
    assert same(extended, extend_table(table, used, PIECES, 9, init, seed=1))


def test_embeddings_of_the_mean():
    extended = extend_table(TABLE, 6, PIECES, 10, "mean", 0)
    assert torch.allclose(extended[6], (TABLE[0] + 2 * TABLE[1]) / 3)
    assert torch.allclose(extended[7], TABLE.mean(dim=0))
    assert torch.allclose(extended[8], TABLE[3])
    assert torch.allclose(extended[9], TABLE.mean(dim=0))


def test_embeddings_of_the_mean_with_the_tables_length():
    extended = extend_table(TABLE, 6, PIECES, 9, "norm-mean", 0)
    plain = extend_table(TABLE, 6, PIECES, 9, "mean", 0)
    length = TABLE.norm(dim=1).mean()
    for row in (6, 7, 8):
        assert extended[row].norm() == pytest.approx(length)
        assert torch.cosine_similarity(extended[row], plain[row], dim=0) == pytest.approx(1)
    zeros = extend_table(torch.zeros(3, 2), 3, [[0]], 4, "norm-mean", 0)
    assert torch.equal(zeros, torch.zeros(4, 2))


def test_embeddings_initialized_at_random_have_the_tables_mean_and_deviation():
    table = torch.randn(500, 3) * torch.tensor([0.1, 1.0, 5.0]) + torch.tensor([1.0, -2.0, 7.0])
    initialized = extend_table(table, 500, [[]] * 4000, 4500, "random", 5)[500:]
    assert torch.allclose(initialized.mean(dim=0), table.mean(dim=0), atol=0.3)
    assert torch.allclose(initialized.std(dim=0), table.std(dim=0), rtol=0.1)
    assert not torch.equal(initialized, extend_table(table, 500, [[]] * 4000, 4500, "random", 6)[500:])


@pytest.mark.parametrize("init", INITS)
def test_embeddings_depend_on_no_row_after_the_used_ones(init):
    """Rows 4 and 5 belong to no token, such as those of ``--pad-to-multiple-of``."""
    other = torch.cat([TABLE[:4], torch.full((2, 4), 1e6)])
    extended = [extend_table(table, 4, [[], [1, 2], []], 9, init, seed=1) for table in (TABLE, other)]
    assert same(*extended)
    if init == "mean":
        assert torch.allclose(extended[0][4], TABLE[:4].mean(dim=0))
        assert torch.allclose(extended[0][8], TABLE[:4].mean(dim=0))


def test_embeddings_initialized_at_random_deviate_in_each_dimension_as_the_used_rows():
    table = torch.tensor([[1.0, 0.0, 5.0], [3.0, 0.0, -5.0]])
    mean, deviation = table.mean(dim=0), torch.tensor([1.0, 0.0, 5.0])
    noise = torch.randn((2, 3), generator=torch.Generator().manual_seed(4))
    assert torch.allclose(extend_table(table, 2, [[], []], 4, "random", 4)[2:], mean + noise * deviation)


def test_embeddings_of_a_bias_and_of_rows_that_belong_to_no_token():
    bias = TABLE[:, 0]
    extended = extend_table(bias, 4, [[0, 2]], 6, "mean", 0)
    assert extended[4] == pytest.approx(float((bias[0] + bias[2]) / 2))
    assert same(extended[5:], bias[5:])
    assert same(extend_table(bias, 6, [], 8, "mean", 0)[:6], bias)


def test_options_offer_the_choices_there_are():
    """The options are literals, so that --help loads neither torch nor tokenizers."""
    choices = {name: option.choices for name, option in described_fields(AddTokensOptions)}
    assert tuple(choices["init"]) == INITS
    choices = {name: option.choices for name, option in described_fields(WrapOptions)}
    assert tuple(choices["layout"]) == (MODEL, FAIRSEQ)
    assert [name.removesuffix("_token") for name in choices if name.endswith("_token")][:-1] == list(ROLES)
    roles = {f"{role}_token": role.upper() for role in ROLES}
    assert dict(WrapOptions(**roles).roles()) == {role: role.upper() for role in ROLES}
