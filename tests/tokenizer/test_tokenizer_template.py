"""Cls and sep tokens that no template adds are said by every command, with what adds them."""

from __future__ import annotations

import shlex

import pytest
from tokenizer_texts import write
from tokenizers import Tokenizer

import tokkit
from tests.conftest import Heard
from tokkit.cli.main import run

NO_TEMPLATE = "it has [CLS] and [SEP] in its vocabulary, but no template that adds them to a text"
JOINED = "its template joins the two texts of a pair without [CLS] and [SEP] between them"
CASES = {
    "none": ("none", NO_TEMPLATE),
    "joined": ("template:single=[CLS] $A [SEP],pair=[CLS] $A $B:1 [SEP]:1", JOINED),
}


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    text = write(tmp_path / "c.txt", "low lower lowest newest widest\n" * 50)
    return (text, *CASES[request.param])


def test_a_template_that_adds_nothing_is_said_and_the_option_mends_it(case, tmp_path):
    text, post_processor, expected = case
    out = tmp_path / "t"
    heard = Heard()
    tokkit.train_wordpiece(text, out, vocab_size=60, post_processor=(post_processor,), progress=heard)
    assert f"{expected}; --post-processor bert does" in heard
    heard = Heard()
    tokkit.wrap(out, tmp_path / "wrapped", progress=heard)
    assert f"{expected}; --post-processor bert does" in heard
    heard = Heard()
    tokkit.train_wordpiece(text, tmp_path / "new", vocab_size=60, like=out, progress=heard)
    assert f"{expected}; the command wrap with --post-processor bert does" in heard
    (finding,) = [finding for finding in tokkit.doctor(out).findings if finding.rule == "template"]
    assert (finding.severity, finding.message) == ("warning", expected)
    _, command = finding.fix.replace("fixed/", str(tmp_path / "mended")).split("\n")
    assert run([*shlex.split(command)[1:], "-q"]) == 0
    pair = Tokenizer.from_file(str(tmp_path / "mended" / "tokenizer.json")).encode("low", "new").tokens
    assert (pair[0], pair.count("[SEP]"), pair[-1]) == ("[CLS]", 2, "[SEP]")
    assert "template" not in {found.rule for found in tokkit.doctor(tmp_path / "mended").findings}


def test_finetune_says_it(case, tmp_path):
    text, post_processor, expected = case
    tokkit.train_wordpiece(text, tmp_path / "t", vocab_size=60, post_processor=(post_processor,))
    rows = write(tmp_path / "r.csv", "text,label\n" + "".join(f"low {n},{n % 2}\n" for n in range(30)))
    heard = Heard()
    tokkit.finetune(
        rows, tokenizer=tmp_path / "t", out=tmp_path / "m", epochs=1, baseline="none", progress=heard
    )
    assert f"{expected}; the command wrap does, with --post-processor bert" in heard


@pytest.mark.parametrize("recipe", ["bert-cased", "roberta", "gpt2"])
def test_templates_of_recipes_lack_nothing(recipe, tmp_path):
    text = write(tmp_path / "c.txt", "low lower lowest newest widest\n" * 50)
    train = tokkit.train_wordpiece if recipe.startswith("bert") else tokkit.train_bpe
    heard = Heard()
    train(text, tmp_path / "t", vocab_size=300, recipe=recipe, progress=heard)
    assert "--post-processor" not in heard
    assert "template" not in {finding.rule for finding in tokkit.doctor(tmp_path / "t").findings}


def test_bpe_whose_decoding_parts_words_is_said(tmp_path, heard):
    text = write(tmp_path / "c.txt", "정말 좋았어요!! 정말 좋다\n" * 20)
    tokkit.train_bpe(text, tmp_path / "a", vocab_size=40, recipe="korean", progress=heard)
    assert "decoding puts a space before every token" in heard
    for name, settings in {"b": {"prefix": "##", "recipe": "korean"}, "c": {"recipe": "gpt2"}}.items():
        heard = Heard()
        size = 300 if name == "c" else 40
        tokkit.train_bpe(text, tmp_path / name, vocab_size=size, progress=heard, **settings)
        assert "decoding puts" not in heard
        backend = Tokenizer.from_file(str(tmp_path / name / "tokenizer.json"))
        assert backend.decode(backend.encode("정말 좋았어요").ids) == "정말 좋았어요"
