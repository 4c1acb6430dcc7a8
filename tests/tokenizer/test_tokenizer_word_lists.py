"""Rows of words as ids and first tokens, against what transformers gives for ``is_split_into_words``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokkit
from tests.tokenizer.tokenizer_texts import HARD
from tokkit.errors import InputError
from tokkit.tokenizer.encoding.word_lists import encode_words
from tokkit.tokenizer.folder.load import load

ROWS = [
    ["EU", "rejects", "German", "call", "."],
    ["@paulwalk", "It", "'s", "서울에서", "👩‍👩‍👧", "don't", "New York"],
    [],
    ["\u200b", "\x00", "", " ", "a"],
    ["unbelievableness"] * 30,
    ["مرحبا", "e\u0301", "東京都"],
]


@pytest.fixture(scope="module", params=["bert-uncased", "korean", "gpt2", "roberta"])
def pair(request, tmp_path_factory):
    """A tokenizer as we load it, and as transformers does."""
    from transformers import AutoTokenizer

    where = tmp_path_factory.mktemp(request.param)
    corpus = where / "corpus.txt"
    corpus.write_text(
        "\n".join(" ".join(row) for row in ROWS).replace("\0", "") + "\nit 's\n", encoding="utf-8"
    )
    train = tokkit.train_bpe if request.param in ("gpt2", "roberta") else tokkit.train_wordpiece
    train(corpus, where / "out", vocab_size=400, recipe=request.param, min_frequency=1)
    return load(where / "out"), AutoTokenizer.from_pretrained(where / "out")


def first_tokens(word_ids):
    """At the first token of each word its number, else -1, as the documentation of transformers does it."""
    first, before = [], None
    for word in word_ids:
        first.append(-1 if word is None or word == before else word)
        before = word
    return first


def check(pair, rows, max_length=None):
    ours, theirs = pair
    encoded = encode_words(rows, ours, max_length)
    truncation = {} if max_length is None else {"truncation": True, "max_length": max_length}
    for row, words in enumerate(rows):
        start, end = encoded.offsets[row : row + 2]
        reference = theirs(words, is_split_into_words=True, **truncation)
        assert encoded.ids[start:end].tolist() == reference["input_ids"]
        assert encoded.words[start:end].tolist() == first_tokens(reference.word_ids())
    return encoded


def test_ids_and_first_tokens_are_those_of_transformers(pair):
    check(pair, ROWS[:2] + ROWS[3:])


def test_rows_are_cut_as_by_transformers(pair):
    encoded = check(pair, ROWS[:2] + ROWS[3:], max_length=12)
    assert encoded.lengths.max() == 12
    whole = encode_words(ROWS[:2] + ROWS[3:], pair[0])
    assert encoded.truncated == (whole.lengths > 12).sum() > 0


@given(st.lists(st.text(max_size=12) | st.sampled_from(HARD), min_size=1, max_size=6))
def test_so_they_are_on_random_words(pair, words):
    check(pair, [words])


def test_a_row_without_words_is_its_special_tokens(pair):
    encoded = encode_words([[], ["a"]], pair[0])
    assert (encoded.words[: encoded.offsets[1]] == -1).all()
    assert len(encoded) == 2


def test_truncation_is_not_left_switched_on(pair):
    encode_words(ROWS, pair[0], max_length=4)
    assert pair[0].backend.truncation is None


def test_a_word_that_the_tokenizer_cannot_cut_is_an_input_error(tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    Tokenizer(WordLevel({"a": 0}, unk_token="?")).save(str(tmp_path / "tokenizer.json"))

    from tokkit.tokenizer.folder.load import load_unchecked

    with pytest.raises(InputError, match="fails on one of these words"):
        encode_words([["b"]], load_unchecked(tmp_path))
