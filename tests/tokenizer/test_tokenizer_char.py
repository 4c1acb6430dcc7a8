"""`train_char`: exactly one token a character (or byte), and back to the text."""

from __future__ import annotations

from collections import Counter

import pytest
from tokenizer_texts import HARD, HARD_LINES, cut, finished, model_of, published, write

import tokkit
from tokkit.tokenizer.folder.load import load

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    text = (cut("english", 10_000) + cut("korean", 10_000) + HARD_LINES) * 2
    return write(tmp_path_factory.mktemp("char") / "c.txt", text)


def test_char_gives_one_token_a_character_and_back(corpus, tmp_path):
    tokkit.train_char(corpus, tmp_path / "o")
    tokenizer = load(tmp_path / "o").backend
    for line in corpus.read_bytes().decode().splitlines(keepends=True)[:200]:
        encoding = tokenizer.encode(line, add_special_tokens=False)
        assert len(encoding.ids) == len(line)
        assert tokenizer.decode(encoding.ids) == line


def test_char_keeps_the_most_frequent_and_the_rest_is_unknown(tmp_path):
    corpus = write(tmp_path / "c.txt", "ccc bb a\nccc bb z\n" * 2 + "once\n")
    result = tokkit.train_char(corpus, tmp_path / "o", vocab_size=[7, 9])
    counts = Counter(corpus.read_text().replace(" ", "▁"))
    ordered = sorted(counts, key=lambda character: (-counts[character], character))
    assert list(model_of(tmp_path / "o" / "9")["vocab"]) == [*SPECIAL, *ordered[:4]]
    assert list(model_of(tmp_path / "o" / "7")["vocab"]) == [*SPECIAL, *ordered[:2]]
    assert [entry["vocab_size"] for entry in result.sizes] == [7, 9]
    tokens = load(tmp_path / "o" / "7").backend.encode("cazc", add_special_tokens=False).tokens
    assert tokens == ["c", "[UNK]", "[UNK]", "c"]


@pytest.mark.parametrize("recipe", ["gpt2", "roberta"])
def test_char_of_a_byte_level_recipe_is_every_byte(corpus, tmp_path, recipe):
    result = tokkit.train_char(corpus, tmp_path / "o", recipe=recipe, vocab_size=10)
    tokenizer = load(tmp_path / "o").backend
    assert result.vocab_size == 256 + {"gpt2": 1, "roberta": 5}[recipe]
    for text in HARD:
        if not text.startswith("[UNK]"):
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            assert len(ids) == len(text.encode())
            assert tokenizer.decode(ids) == text


def test_char_of_llama_falls_back_to_bytes(corpus, tmp_path):
    tokkit.train_char(corpus, tmp_path / "o", recipe="llama")
    tokenizer = load(tmp_path / "o").backend
    tokens = tokenizer.encode("a 🜁", add_special_tokens=False).tokens
    assert tokens == ["▁", "a", "▁", "<0xF0>", "<0x9F>", "<0x9C>", "<0x81>"]
    assert tokenizer.decode(tokenizer.encode("a 🜁").ids) == "a 🜁"


def test_char_takes_a_normalizer(corpus, tmp_path):
    tokkit.train_char(corpus, tmp_path / "o", normalizer="lowercase")
    assert not [token for token in model_of(tmp_path / "o")["vocab"] if token.isupper() and len(token) == 1]


@pytest.mark.parametrize("recipe", ["bert-uncased", "korean"])
def test_char_refuses_a_pre_tokenizer_that_drops_spaces(corpus, tmp_path, recipe):
    with pytest.raises(tokkit.UsageError, match="bert drops spaces") as caught:
        tokkit.train_char(corpus, tmp_path / "o", recipe=recipe)
    assert "metaspace:prepend_scheme=never" in caught.value.hint
    tokkit.train_char(corpus, tmp_path / "o", recipe=recipe, pre_tokenizer="metaspace:prepend_scheme=never")
    tokenizer = load(tmp_path / "o").backend
    assert tokenizer.decode(tokenizer.encode("the old king").ids) == "the old king"


def test_char_command_gives_the_same_bytes_twice(corpus, tmp_path):
    for out in ("a", "b"):
        code, _, err = finished("train-char", corpus, "-o", tmp_path / out, "--vocab-size", "60")
        assert code == 0, err
    assert published(tmp_path / "a") == published(tmp_path / "b")
