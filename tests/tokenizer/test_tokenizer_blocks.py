"""Every block of the registry, one list of promises; and how blocks are written and put together."""

from __future__ import annotations

import re

import pytest
from tokenizer_texts import HARD_LINES, cut, write
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

import tokkit
from tokkit.errors import UsageError
from tokkit.tokenizer.blocks import build as blocks
from tokkit.tokenizer.blocks import charsmap
from tokkit.tokenizer.blocks.registry import REGISTRY, SpecialTokens
from tokkit.tokenizer.folder.load import load

ALL = [(kind, name) for kind, named in REGISTRY.items() for name in named]
NEEDY = [
    (kind, name, parameter.name)
    for kind, name in ALL
    for parameter in blocks.parameters_of(REGISTRY[kind][name])
    if parameter.required
]
TOKENS = SpecialTokens({"[CLS]": 2, "[SEP]": 3, "<a>": 4}, {"cls": "[CLS]", "sep": "[SEP]"})
BASES = {
    "normalizer": (normalizers, normalizers.Normalizer),
    "pre_tokenizer": (pre_tokenizers, pre_tokenizers.PreTokenizer),
    "post_processor": (processors, processors.PostProcessor),
    "decoder": (decoders, decoders.Decoder),
}
RENAMED = {"precompiled_charsmap": "file", "cls_token": "cls"}
"""Parameters of the library that are called otherwise here."""
PARAMETERS = [
    "normalizer bert:clean_text=false,handle_chinese_chars=false,strip_accents=true,lowercase=false",
    "normalizer bert:strip_accents=null",
    "normalizer prepend:prepend=▁",
    "normalizer strip:left=true,right=false",
    "normalizer replace:pattern=.,content=!,regex=false",
    "pre_tokenizer split:pattern=.,regex=false",
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
    "post_processor bert:sep=<a>,cls=[CLS]",
    "post_processor roberta:sep=<a>,cls=[CLS],trim_offsets=false,add_prefix_space=true",
    "post_processor byte-level:add_prefix_space=false,trim_offsets=false,use_regex=false",
    "post_processor template:single=<a> $A,pair=<a> $A <a>:2 $B:3",
]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """How the block of that kind and name is written in its example."""
    file = tmp_path_factory.mktemp("charsmap") / "ﬁ.charsmap"
    file.write_bytes(charsmap.pack_charsmap({"ﬁ": "fi"}))

    def written(kind, name):
        parameters = f"file={file}" if name == "precompiled" else REGISTRY[kind][name].example
        return f"{name}:{parameters}" if parameters else name

    return written


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    text = cut("english", 3_000) + cut("korean", 2_000) + HARD_LINES
    return write(tmp_path_factory.mktemp("blocks") / "c.txt", text)


@pytest.mark.parametrize(("kind", "name"), ALL)
class TestEveryBlock:
    def test_builds(self, kind, name, example):
        assert isinstance(blocks.sequence(kind, [example(kind, name)], TOKENS), BASES[kind][1])

    def test_runs_twice_in_a_sequence(self, kind, name, example):
        twice = blocks.sequence(kind, [example(kind, name)] * 2, TOKENS)
        assert isinstance(twice, BASES[kind][0].Sequence)

    def test_refuses_an_unknown_parameter(self, kind, name):
        with pytest.raises(UsageError, match=f'{name}: no parameter "nonsense"; it takes: '):
            blocks.sequence(kind, [f"{name}:nonsense=1"], TOKENS)

    def test_refuses_a_parameter_given_twice(self, kind, name):
        with pytest.raises(UsageError, match="x is given twice"):
            blocks.parse(kind, f"{name}:x=1,x=2")

    def test_refuses_a_flag_that_is_neither_true_nor_false(self, kind, name):
        for parameter in blocks.parameters_of(REGISTRY[kind][name]):
            if isinstance(parameter.default, bool):
                with pytest.raises(UsageError, match=f"{name}: {parameter.name}=maybe is not true or false"):
                    blocks.sequence(kind, [f"{example_of(name)}{parameter.name}=maybe"], TOKENS)

    def test_refuses_what_is_no_parameter(self, kind, name):
        with pytest.raises(UsageError, match="KEY=VALUE"):
            blocks.parse(kind, f"{name}:nonsense")

    def test_is_named_for_a_misspelling(self, kind, name):
        with pytest.raises(UsageError, match=f'did you mean "{name}"'):
            blocks.parse(kind, name + "x")

    def test_works_in_a_trained_tokenizer(self, kind, name, example, corpus, tmp_path):
        settings = {kind: [example(kind, name)]}
        if kind == "normalizer":
            settings["pre_tokenizer"] = ["whitespace"]
        tokkit.train_bpe(corpus, tmp_path / "out", recipe="korean", vocab_size=600, **settings)
        backend = load(tmp_path / "out").backend
        assert type(getattr(backend, kind)) is type(blocks.sequence(kind, settings[kind], TOKENS))
        assert backend.encode("the king smiled").ids


@pytest.mark.parametrize("kind", BASES)
class TestEveryKind:
    def test_has_every_class_of_the_library(self, kind, example):
        module, base = BASES[kind]
        public = {
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, base)
        }
        built = {
            type(blocks.sequence(kind, [example(kind, name)], TOKENS)).__name__ for name in REGISTRY[kind]
        }
        assert built == public - {"Sequence", base.__name__}

    def test_takes_every_parameter_of_every_class(self, kind, example):
        for name, entry in REGISTRY[kind].items():
            cls = type(blocks.sequence(kind, [example(kind, name)], TOKENS))
            theirs = {RENAMED.get(name, name) for name in _parameters_of(cls)}
            ours = {parameter.name for parameter in blocks.parameters_of(entry)}
            assert theirs - {"special_tokens"} <= ours, name  # of a template, the tokens it names

    def test_tells_what_there_is(self, kind):
        with pytest.raises(UsageError, match=r"no block .*choose from .*, none$"):
            blocks.sequence(kind, ["nonsense"])
        with pytest.raises(UsageError, match='no block "none:x=1"'):
            blocks.sequence(kind, ["none:x=1"])


def _parameters_of(cls):
    """The names in a signature of the library, `inspect` not being able to read all of them."""
    return re.findall(
        r"(\w+)(?:\s*[:=][^,]*)?(?:, |\))", cls.__text_signature__.removeprefix("(self").lstrip(", ")
    )


def example_of(name):
    """The block with what it needs, up to where one parameter more is written."""
    needs = {"replace": "pattern=a,content=b,", "split": "pattern=a,"}
    return f"{name}:{needs.get(name, '')}"


@pytest.mark.parametrize(("kind", "name", "parameter"), NEEDY)
def test_block_names_the_parameter_it_needs(kind, name, parameter):
    others = {"content": "pattern=a", "pair": "single=$A"}.get(parameter, "")
    with pytest.raises(UsageError, match=f"{name}: write {parameter}=...; it takes: "):
        blocks.sequence(kind, [f"{name}:{others}"], TOKENS)


@pytest.mark.parametrize("text", PARAMETERS)
def test_block_takes_every_parameter_of_the_library(text):
    kind, _, block = text.partition(" ")
    blocks.sequence(kind, [block], TOKENS)


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
        "decoder strip:left=1.5",
        "decoder strip:content=ab",
        "pre_tokenizer char-delimiter-split:delimiter=ab",
        "normalizer bert:strip_accents=1",
        "normalizer precompiled:file=no/such/file",
        "post_processor bert:sep=[PAD]",
        "post_processor template:single=[CLS]",
        "post_processor template:single=[CLX] $A",
        "post_processor template:single=$A,pair=$A",
        "post_processor roberta:trim_offsets=1",
    ],
)
def test_block_refuses_a_value_that_means_nothing(text):
    kind, _, block = text.partition(" ")
    with pytest.raises(UsageError, match=block.partition(":")[0]):
        blocks.sequence(kind, [block], TOKENS)


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


def test_block_value_holds_what_looks_like_another_parameter():
    pattern = r'"(?i:x),b=\\d{1,3}"'
    assert blocks.parse("pre_tokenizer", f"split:pattern={pattern},invert=true").parameters == {
        "pattern": r"(?i:x),b=\d{1,3}",
        "invert": True,
    }
    assert blocks.parse("pre_tokenizer", r"split:pattern=\d{1,3},(?=x)").parameters == {
        "pattern": r"\d{1,3},(?=x)"
    }


def test_blocks_plain_text_is_no_regular_expression():
    regex = blocks.sequence("pre_tokenizer", ["split:pattern=.,behavior=removed"])
    plain = blocks.sequence("pre_tokenizer", ["split:pattern=.,behavior=removed,regex=false"])
    assert [piece for piece, _ in plain.pre_tokenize_str("a.b")] == ["a", "b"]
    assert regex.pre_tokenize_str("a.b") == []


def test_blocks_post_processors_run_in_the_order_given():
    framed = blocks.sequence("post_processor", ["byte-level", "bert:sep=<a>"], TOKENS)
    assert isinstance(framed, processors.Sequence)
    tokenizer = Tokenizer(models.WordLevel({**TOKENS.ids, "a": 0, "Ġa": 1}, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = framed
    encoding = tokenizer.encode("a a", "a")
    assert encoding.tokens == ["[CLS]", "a", "Ġa", "<a>", "a", "<a>"]
    assert encoding.offsets == [(0, 0), (0, 1), (2, 3), (0, 0), (0, 1), (0, 0)]
    assert encoding.type_ids == [0, 0, 0, 0, 1, 1]


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
