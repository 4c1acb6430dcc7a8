"""What `tokkit blocks` shows is what the blocks do, and what it says of cutting is what counting does."""

from __future__ import annotations

import itertools
import json

import pytest
from rich.cells import cell_len
from tokenizers import Tokenizer, models

import tokkit
from tokkit.cli.main import run
from tokkit.corpus import cutting
from tokkit.tokenizer.blocks import build
from tokkit.tokenizer.blocks.catalogue import name_of
from tokkit.tokenizer.blocks.recipes import KINDS, RECIPES
from tokkit.tokenizer.blocks.registry import REGISTRY, SpecialTokens
from tokkit.views.reports import blocks as reports
from tokkit.views.tables import as_tsv
from tokkit.views.terminal import as_text

CATALOGUE = tokkit.blocks()
BY_KIND = {kind: [block for block in CATALOGUE.blocks if block.kind == kind] for kind in KINDS}
RESULTS = {
    ("normalizer", "bert"): "cafe  東  京 ",
    ("normalizer", "nfc"): "한",
    ("normalizer", "precompiled"): "fine",
    ("pre_tokenizer", "byte-level"): ["it", "'s", "Ġ2", "ĠÃ©"],
    ("pre_tokenizer", "metaspace"): ["▁two", "▁words"],
    ("post_processor", "byte-level"): ["one", "two"],
    ("post_processor", "roberta"): ["[CLS]", "one", "[SEP]", "[SEP]", "two", "[SEP]"],
    ("decoder", "byte-fallback"): "a한",
    ("decoder", "wordpiece"): "unknown words!",
}


def test_catalogue_has_every_block_and_recipe():
    assert [(block.kind, block.name) for block in CATALOGUE.blocks] == [
        (kind, name) for kind in KINDS for name in REGISTRY[kind]
    ]
    assert [recipe.name for recipe in CATALOGUE.recipes] == list(RECIPES)


@pytest.mark.parametrize("block", CATALOGUE.blocks, ids=lambda block: f"{block.kind} {block.name}")
class TestEveryBlockShown:
    def test_its_example_shows_an_effect(self, block):
        pieces = block.example.text
        assert block.example.result not in (pieces, [pieces], list(pieces), "")

    def test_its_parameters_with_their_defaults_are_the_block(self, block):
        if block.kind == "post_processor" or any(parameter.required for parameter in block.parameters):
            return  # those hold tokens, or cannot be written without a value
        written = ",".join(
            f"{parameter.name}={json.dumps(parameter.default)}" for parameter in block.parameters
        )
        bare, full = (build.sequence(block.kind, [text]) for text in (block.name, f"{block.name}:{written}"))
        assert bare.__getstate__() == full.__getstate__()


@pytest.mark.parametrize(("kind", "name"), RESULTS)
def test_catalogue_examples_are_what_the_library_gives(kind, name):
    assert next(b for b in BY_KIND[kind] if b.name == name).example.result == RESULTS[kind, name]


def test_catalogue_cutting_in_words_is_cutting_in_fact():
    """The rule of `tokkit blocks --help`, read off the words alone, against `cutting.Pipeline`."""
    normalizers = [block for block in BY_KIND["normalizer"] if block.name != "precompiled"]
    for normalizer, first, second in itertools.product(
        normalizers, BY_KIND["pre_tokenizer"], BY_KIND["pre_tokenizer"]
    ):
        tokenizer = Tokenizer(models.WordLevel())
        tokenizer.normalizer = build.sequence("normalizer", [normalizer.example.block])
        names = [first.example.block, second.example.block]
        tokenizer.pre_tokenizer = build.sequence("pre_tokenizer", names)
        may = cutting.Pipeline.of(tokenizer.to_str()).cuts() is not None
        assert may is _may_be_cut(normalizer.cut, (first.cut, second.cut)), (normalizer.name, *names)


def _may_be_cut(normalizer, pre_tokenizers):
    splitting = next((cut for cut in pre_tokenizers if cut != "carries nothing across"), "")
    if not splitting.startswith("splits") or normalizer == "looks across":
        return False
    return splitting == "splits at white space" or normalizer == "carries nothing across"


def test_catalogue_precompiled_is_never_cut():
    assert next(b.cut for b in CATALOGUE.blocks if b.name == "precompiled") == "looks across"


def test_catalogue_tells_where_counting_may_cut_recipes():
    cuts = {recipe.name: recipe.cut for recipe in CATALOGUE.recipes}
    assert cuts["korean"] == cuts["gpt2"] == "before white space"
    assert cuts["llama"] == "before a space"


@pytest.mark.parametrize("recipe", CATALOGUE.recipes, ids=lambda recipe: recipe.name)
def test_catalogue_recipe_blocks_are_known_by_name(recipe):
    recipe_dict = recipe.as_dict()
    tokens = SpecialTokens({t: i for i, t in enumerate(recipe_dict["special_tokens"])}, recipe_dict["roles"])
    for kind in KINDS:
        for text in recipe_dict[f"{kind}s"]:
            block = build.sequence(kind, [text], tokens)
            assert name_of(kind, json.loads(block.__getstate__())) == text.partition(":")[0]


def test_catalogue_picks_by_name_and_kind():
    assert {block.kind for block in tokkit.blocks("byte-level").blocks} == set(KINDS)
    assert [block.name for block in tokkit.blocks(["nfc", "korean"]).blocks] == ["nfc"]
    assert [recipe.name for recipe in tokkit.blocks(["nfc", "korean"]).recipes] == ["korean"]
    decoders = tokkit.blocks(kind="decoder")
    assert {block.kind for block in decoders.blocks} == {"decoder"}
    assert not decoders.recipes
    assert not tokkit.blocks(kind="recipe").blocks


@pytest.mark.parametrize(
    ("names", "kind", "error"),
    [
        (["metaspce"], None, r'no block or recipe is named "metaspce" \(did you mean "metaspace"\?\)'),
        (["nfc"], "decoder", 'no decoder is named "nfc"'),
        ([], "decoders", r'invalid value "decoders": choose from .* \(did you mean "decoder"\?\)'),
    ],
)
def test_catalogue_refuses_what_there_is_not(names, kind, error):
    with pytest.raises(tokkit.UsageError, match=error):
        tokkit.blocks(names, kind=kind)


def test_catalogue_command_gives_json(capsys):
    assert run(["blocks", "digits", "gpt2", "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["command"] == "blocks"
    assert output["blocks"] == [
        {
            "kind": "pre_tokenizer",
            "name": "digits",
            "summary": "isolates numbers",
            "parameters": [{"name": "individual_digits", "default": False, "required": False}],
            "example": {"block": "digits", "text": "in1989 x", "result": ["in", "1989", " x"]},
            "cut": "carries nothing across",
        }
    ]
    assert output["recipes"][0]["pre_tokenizers"] == ["byte-level"]
    assert output["recipes"][0]["special_tokens"] == ["<|endoftext|>"]


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("view", [reports.overview, reports.detailed])
def test_catalogue_tables_fit(view, width):
    tables = view(CATALOGUE.as_dict())
    table = as_text(tables, width, False)
    assert max(map(cell_len, table.splitlines())) <= width
    for name in {80: ("char-delimiter-split", "bert-multilingual"), 40: ("nfkc", "gpt2")}[width]:
        assert name in table
    assert "metaspace" in as_tsv(tables)


def test_catalogue_shows_apart_what_looks_alike():
    table = as_tsv(reports.overview(tokkit.blocks(["nfd", "nfc"]).as_dict()))
    assert "\u1112 \u1161 \u11ab -> 한" in table
    assert "é 각 -> e \u0301 \u1100 \u1161 \u11a8" in table
