"""Recipe and options resolved: special tokens, templates, and the decoders that undo what was chosen."""

from __future__ import annotations

import json

import pytest
from tokenizer_texts import cut, write
from tokenizers import Tokenizer

import tokkit
from tokkit.errors import UsageError
from tokkit.tokenizer.folder.load import load
from tokkit.tokenizer.training.blueprint import resolve
from tokkit.tokenizer.training.trainer_options import BpeOptions, WordPieceOptions

BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def test_blueprint_adds_special_tokens_without_repeats():
    blueprint = resolve(WordPieceOptions(special_token=("<a>", "[MASK]", "<b>", "<a>")))
    assert blueprint.special_tokens == (*BERT, "<a>", "<b>")


def test_blueprint_unk_token_replaces_the_recipes_own():
    blueprint = resolve(WordPieceOptions(unk_token="<unk>"))
    assert blueprint.special_tokens == ("[PAD]", "<unk>", "[CLS]", "[SEP]", "[MASK]")
    assert blueprint.unk_token == "<unk>"
    assert resolve(WordPieceOptions(unk_token="[MASK]")).special_tokens == (
        "[PAD]",
        "[MASK]",
        "[CLS]",
        "[SEP]",
    )


def test_blueprint_gives_wordpiece_an_unknown_token():
    assert resolve(WordPieceOptions(recipe="gpt2")).special_tokens == ("<|endoftext|>", "[UNK]")
    assert resolve(BpeOptions(recipe="gpt2")).unk_token is None
    assert resolve(WordPieceOptions(recipe="roberta")).unk_token == "<unk>"


@pytest.mark.parametrize(
    "settings",
    [
        {"special_token": ("",)},
        {"unk_token": ""},
        {"special_token": ("\udc80",)},
        {"post_processor": "template:single=[CLX] $A"},
        {"post_processor": "template:single=[CLS] $A,pair=$A [CLX] $B"},
        {"post_processor": "template:single=[CLS]"},
        {"post_processor": "template:single=$A $Z"},
        {"post_processor": "template:single=$A,pair=$A"},
        {"post_processor": "template"},
        {"post_processor": "breta"},
        {"post_processor": "bert:x=1"},
        {"post_processor": "none:1"},
        {"post_processor": "byte-level:trim=1"},
        {"recipe": "gpt2", "post_processor": "bert"},
        {"recipe": "llama", "post_processor": "roberta"},
        {"normalizer": ("nfcc",)},
        {"decoder": ("wordpeice",)},
    ],
    ids=str,
)
def test_blueprint_refuses_before_any_work(settings):
    with pytest.raises(UsageError):
        resolve(WordPieceOptions(**settings))


def test_blueprint_template_error_says_how_to_mend_it():
    with pytest.raises(UsageError, match=r'"\[CLX\]" is not a special token') as caught:
        resolve(WordPieceOptions(post_processor="template:single=[CLX] $A"))
    assert "--special-token '[CLX]'" in caught.value.hint


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write(tmp_path_factory.mktemp("blueprint") / "c.txt", cut("english", 20_000))


TEMPLATES = [
    ("template:single=[CLS] $A [SEP]", ["[CLS]", "a", "[SEP]", "a"], [0, 0, 0, 1]),
    (
        "template:single=[CLS] $A [SEP],pair=[CLS] $A [SEP] $B:1 [SEP]:1",
        ["[CLS]", "a", "[SEP]", "a", "[SEP]"],
        [0, 0, 0, 1, 1],
    ),
    ("template:single=<a> $0 [SEP]:2,pair=$A <a>:1 $B:3", ["a", "<a>", "a"], [0, 1, 3]),
    ("bert", ["[CLS]", "a", "[SEP]", "a", "[SEP]"], [0, 0, 0, 1, 1]),
    ("none", ["a", "a"], [0, 1]),
]


@pytest.mark.parametrize(("template", "tokens", "segments"), TEMPLATES)
def test_blueprint_template_frames_a_pair(corpus, tmp_path, template, tokens, segments):
    tokkit.train_wordpiece(corpus, tmp_path / "o", post_processor=template, special_token=["<a>"])
    encoding = load(tmp_path / "o").backend.encode("a", "a")
    assert encoding.tokens == tokens
    assert encoding.type_ids == segments


SENTENCE = "the old king smiled and lost 3 keys"
KEEP_SPACES = [("metaspace",), ("byte-level",), ("none",), ("split:pattern= ",), ("metaspace:replacement=_",)]


@pytest.mark.parametrize("marks", [{}, {"prefix": "##"}, {"suffix": "</w>"}, {"prefix": "@,@"}], ids=str)
@pytest.mark.parametrize("recipe", ["korean", "gpt2", "llama"])
@pytest.mark.parametrize("pre_tokenizer", [(), *KEEP_SPACES], ids=str)
def test_blueprint_bpe_decoders_undo_pre_tokenizer_and_marks(corpus, tmp_path, marks, recipe, pre_tokenizer):
    if recipe == "korean" and not pre_tokenizer and not marks:
        return  # nothing tells a word from a piece
    if pre_tokenizer == ("none",) and "suffix" in marks:
        return  # every line of the corpus ends in a newline: no other character was seen with a suffix
    settings = {"recipe": recipe, "pre_tokenizer": pre_tokenizer, "vocab_size": (600,), **marks}
    blueprint = resolve(BpeOptions(**settings))
    tokkit.train_bpe(corpus, tmp_path / "o", **settings)
    tokenizer = load(tmp_path / "o").backend
    text = tokenizer.normalizer.normalize_str(SENTENCE) if tokenizer.normalizer else SENTENCE
    assert tokenizer.decode(tokenizer.encode(SENTENCE).ids) == text, blueprint.recipe.decoders


@pytest.mark.parametrize("recipe", ["bert-uncased", "gpt2", "llama", "roberta"])
@pytest.mark.parametrize(
    "pre_tokenizer", [(), ("whitespace",), ("whitespace-split",), ("metaspace",)], ids=str
)
@pytest.mark.parametrize("prefix", ["##", "@@"])
def test_blueprint_wordpiece_decoders_undo_pre_tokenizer_and_prefix(
    corpus, tmp_path, recipe, pre_tokenizer, prefix
):
    settings = {"recipe": recipe, "pre_tokenizer": pre_tokenizer, "prefix": prefix, "vocab_size": 600}
    tokkit.train_wordpiece(corpus, tmp_path / "o", **settings)
    tokenizer = Tokenizer.from_file(str(tmp_path / "o" / "tokenizer.json"))
    assert tokenizer.decode(tokenizer.encode(SENTENCE).ids) == SENTENCE


def test_blueprint_max_length_and_extra_special_tokens_stand_in_the_configuration(corpus, tmp_path):
    from transformers import AutoTokenizer

    tokkit.train_wordpiece(corpus, tmp_path / "o", max_length=77, special_token=["<user>"])
    config = json.loads((tmp_path / "o" / "tokenizer_config.json").read_text("utf-8"))
    assert config["extra_special_tokens"] == ["<user>"]
    loaded = AutoTokenizer.from_pretrained(str(tmp_path / "o"))
    assert loaded.model_max_length == 77
    assert "<user>" in loaded.all_special_tokens
    assert loaded.tokenize("the <user>") == ["the", "<user>"]
