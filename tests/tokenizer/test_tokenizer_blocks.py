"""Every block of the registry, one list of promises; and how blocks are written and put together."""

from __future__ import annotations

import pytest
from tokenizer_texts import HARD_LINES, cut, write
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers

import tokkit
from tokkit.errors import UsageError
from tokkit.tokenizer.blocks import registry as blocks
from tokkit.tokenizer.load import load

EXAMPLES = {
    ("normalizer", "replace"): "replace:pattern=[0-9]+,content=0",
    ("pre_tokenizer", "char-delimiter-split"): "char-delimiter-split:delimiter=-",
    ("pre_tokenizer", "split"): r"split:pattern=\s+,behavior=removed",
    ("decoder", "replace"): "replace:pattern=_,content= ",
}
ALL = [(kind, name) for kind, named in blocks.REGISTRY.items() for name in named]
PARAMETERS = [
    "normalizer bert:clean_text=false,handle_chinese_chars=false,strip_accents=true,lowercase=false",
    "normalizer bert:strip_accents=null",
    "normalizer prepend:prepend=▁",
    "normalizer strip:left=true,right=false",
    "pre_tokenizer byte-level:add_prefix_space=true,use_regex=false,trim_offsets=false",
    "pre_tokenizer digits:individual_digits=true",
    "pre_tokenizer fixed-length:length=3",
    "pre_tokenizer metaspace:replacement=_,prepend_scheme=never,split=false",
    "pre_tokenizer punctuation:behavior=contiguous",
    "pre_tokenizer split:pattern=a,b,behavior=merged_with_next,invert=true",
    "decoder bpe:suffix=</w>",
    "decoder ctc:pad_token=<p>,word_delimiter_token=/,cleanup=false",
    "decoder metaspace:replacement=_,prepend_scheme=first",
    "decoder strip:content=_,left=1,right=2",
    "decoder wordpiece:prefix=@@,cleanup=false",
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    text = cut("english", 3_000) + cut("korean", 2_000) + HARD_LINES
    return write(tmp_path_factory.mktemp("blocks") / "c.txt", text)


@pytest.mark.parametrize(("kind", "name"), ALL)
class TestEveryBlock:
    def test_builds(self, kind, name):
        assert blocks.sequence(kind, [EXAMPLES.get((kind, name), name)]) is not None

    def test_refuses_an_unknown_parameter(self, kind, name):
        with pytest.raises(UsageError, match=f'{name}: no parameter "nonsense"; it takes: '):
            blocks.sequence(kind, [f"{name}:nonsense=1"])

    def test_refuses_what_is_no_parameter(self, kind, name):
        with pytest.raises(UsageError, match="KEY=VALUE"):
            blocks.parse(kind, f"{name}:nonsense")

    def test_is_named_for_a_misspelling(self, kind, name):
        with pytest.raises(UsageError, match=f'did you mean "{name}"'):
            blocks.parse(kind, name + "x")

    def test_works_in_a_trained_tokenizer(self, kind, name, corpus, tmp_path):
        settings = {kind: [EXAMPLES.get((kind, name), name)]}
        if kind == "normalizer":
            settings["pre_tokenizer"] = ["whitespace"]
        tokkit.train_bpe(corpus, tmp_path / "out", recipe="korean", vocab_size=600, **settings)
        backend = load(tmp_path / "out").backend
        assert type(getattr(backend, kind)) is type(blocks.sequence(kind, settings[kind]))
        assert backend.encode("the king smiled").ids


@pytest.mark.parametrize(("kind", "name"), list(EXAMPLES))
def test_block_names_the_parameter_it_needs(kind, name):
    first = EXAMPLES[kind, name].partition(":")[2].partition("=")[0]
    with pytest.raises(UsageError, match=f"{name}: write {first}=...; it takes: "):
        blocks.sequence(kind, [name])


@pytest.mark.parametrize("text", PARAMETERS)
def test_block_takes_every_parameter_of_the_library(text):
    kind, _, block = text.partition(" ")
    blocks.sequence(kind, [block])


@pytest.mark.parametrize(
    "text",
    [
        "pre_tokenizer fixed-length:length=0",
        "pre_tokenizer fixed-length:length=-1",
        "pre_tokenizer split:pattern=(",
        "pre_tokenizer split:pattern=a,behavior=torn",
        "pre_tokenizer metaspace:replacement=ab",
        "normalizer bert:lowercase=maybe",
        "normalizer replace:pattern=[,content=x",
        "decoder strip:left=-1",
    ],
)
def test_block_refuses_a_value_that_means_nothing(text):
    kind, _, block = text.partition(" ")
    with pytest.raises(UsageError, match=block.partition(":")[0]):
        blocks.sequence(kind, [block])


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("12", 12),
        ("null", None),
        ("007", "007"),
        ("1e3", "1e3"),
        ("[1]", "[1]"),
        ("a,b", "a,b"),
        ('"a, b"', "a, b"),
        ('"\\n"', "\n"),
        ("", ""),
        (" ", " "),
        ("a=b", "a=b"),
    ],
)
def test_block_value_is_json_only_where_it_is_written_so(written, value):
    assert blocks.parse("decoder", f"replace:pattern={written}").parameters == {"pattern": value}


@pytest.mark.parametrize("pattern", ["1", "007", "[0-9]", "true", "[1]"])
def test_block_pattern_is_text_in_any_case(pattern):
    normalizer = blocks.sequence("normalizer", [f"replace:pattern={pattern},content=2"])
    expected = {"1": "2x00740true", "007": "1x240true", "true": "1x007402"}
    ours = normalizer.normalize_str("1x00740true")
    assert ours == expected.get(pattern, "2x22222true" if pattern == "[0-9]" else "2x00740true")


def test_blocks_run_in_the_order_given():
    forward = blocks.sequence("normalizer", ["lowercase", "replace:pattern=a,content=B"])
    backward = blocks.sequence("normalizer", ["replace:pattern=a,content=B", "lowercase"])
    assert isinstance(forward, normalizers.Sequence)
    assert (forward.normalize_str("Aa"), backward.normalize_str("Aa")) == ("BB", "ab")


def test_blocks_pre_tokenizers_and_decoders_are_put_together():
    split = blocks.sequence("pre_tokenizer", ["whitespace-split", "digits:individual_digits=true"])
    assert isinstance(split, pre_tokenizers.Sequence)
    assert [piece for piece, _ in split.pre_tokenize_str("ab12 c")] == ["ab", "1", "2", "c"]
    joined = blocks.sequence("decoder", ["replace:pattern=▁,content= ", "fuse", "strip:left=1"])
    assert isinstance(joined, decoders.Sequence)
    assert joined.decode(["▁a", "b", "▁c"]) == "ab c"


def test_blocks_none_takes_the_recipes_away(tmp_path, corpus):
    settings = {"normalizer": ["none"], "pre_tokenizer": ["whitespace"], "decoder": ["none"]}
    tokkit.train_wordpiece(corpus, tmp_path / "out", **settings, post_processor="none")
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert tokenizer.normalizer is None
    assert tokenizer.post_processor is None
    assert tokenizer.decoder is None
    assert blocks.sequence("normalizer", ["none"]) is None


def test_blocks_given_replace_those_of_the_recipe(tmp_path, corpus):
    tokkit.train_wordpiece(corpus, tmp_path / "out", normalizer=["nfc", "lowercase"])
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert tokenizer.normalizer.normalize_str("ÉA  ") == "éa  "
