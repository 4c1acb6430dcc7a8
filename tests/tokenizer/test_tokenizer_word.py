"""`train_word` against the reference's `WordLevelTrainer`, to the last id."""

from __future__ import annotations

import json

import pytest
from tokenizer_texts import HARD_LINES, cut, finished, model_of, published, write
from tokenizers import Tokenizer, models, trainers

import tokkit
from tokkit.tokenizer.folder.load import load
from tokkit.tokenizer.training.blueprint import resolve
from tokkit.tokenizer.training.trainer_options import WordOptions

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def reference(corpus, recipe, special, **settings):
    skeleton = resolve(WordOptions(recipe=recipe)).skeleton()
    tokenizer = Tokenizer(models.WordLevel(unk_token=special[1]))
    tokenizer.pre_tokenizer = skeleton.pre_tokenizer
    if skeleton.normalizer is not None:
        tokenizer.normalizer = skeleton.normalizer
    trainer = trainers.WordLevelTrainer(special_tokens=special, show_progress=False, **settings)
    tokenizer.train([str(corpus)], trainer)
    return tokenizer.get_vocab(with_added_tokens=False)


@pytest.mark.parametrize(
    ("recipe", "text", "special"),
    [
        ("bert-uncased", cut("english", 30_000), SPECIAL),
        ("korean", cut("korean", 20_000) + HARD_LINES, SPECIAL),
        ("gpt2", cut("korean", 10_000) + HARD_LINES, ["<|endoftext|>", "[UNK]"]),
        ("sentencepiece", cut("english", 10_000), ["<unk>", "<s>", "</s>"]),
    ],
)
@pytest.mark.parametrize("lowest", [0, 3])
def test_word_equals_the_reference_where_sizes_cut_between_equals(tmp_path, recipe, text, special, lowest):
    corpus = write(tmp_path / "c.txt", text)
    whole = reference(corpus, recipe, special, vocab_size=10**6, min_frequency=lowest)
    sizes = sorted({6, 37, 100, 101, 102, 103, len(whole) - 1, len(whole), len(whole) + 5})
    result = tokkit.train_word(corpus, tmp_path / "o", recipe=recipe, vocab_size=sizes, min_frequency=lowest)
    assert [entry["requested_vocab_size"] for entry in result.sizes] == sizes
    unknown = special if special[0] != "<unk>" else ["", "<unk>"]
    for size in sizes:
        expected = reference(corpus, recipe, special, vocab_size=size, min_frequency=lowest)
        assert model_of(tmp_path / "o" / str(size))["vocab"] == expected
        backend = load(tmp_path / "o" / str(size)).backend
        assert backend.model.unk_token == unknown[1]


def test_word_gives_a_token_a_word_and_unknown_for_the_rest(tmp_path):
    corpus = write(tmp_path / "c.txt", "The cat sat. The cat ran.\n" * 3 + "once\n")
    result = tokkit.train_word(corpus, tmp_path / "o", vocab_size=100)
    assert (result.vocab_size, result.words, result.distinct_words) == (10, 25, 6)
    tokens = load(tmp_path / "o").backend.encode("the CAT ran once").tokens
    assert tokens == ["[CLS]", "the", "cat", "ran", "[UNK]", "[SEP]"]


def test_word_that_spells_a_special_token_leaves_no_hole(tmp_path):
    corpus = write(tmp_path / "c.txt", "[MASK] a b [MASK] a b [MASK]\n")
    tokkit.train_word(corpus, tmp_path / "o", normalizer="none", pre_tokenizer="whitespace-split")
    assert model_of(tmp_path / "o")["vocab"] == {t: i for i, t in enumerate([*SPECIAL, "a", "b"])}


def test_word_loads_in_transformers_and_trains_from_counts(tmp_path):
    from transformers import AutoTokenizer

    corpus = write(tmp_path / "c.txt", cut("english", 10_000))
    trained = tokkit.train_word(corpus, tmp_path / "o", vocab_size=300)
    tokkit.count(corpus, tmp_path / "counts")
    counted = tokkit.train_word((), tmp_path / "again", counts=tmp_path / "counts", vocab_size=300)
    assert counted.sha256 == trained.sha256
    loaded = AutoTokenizer.from_pretrained(str(tmp_path / "o"))
    assert loaded("the king")["input_ids"] == load(tmp_path / "o").backend.encode("the king").ids


def test_word_command_gives_the_same_bytes_twice(tmp_path):
    corpus = write(tmp_path / "c.txt", cut("korean", 10_000))
    for out in ("a", "b"):
        code, stdout, err = finished(
            *(
                "train-word",
                corpus,
                "-o",
                tmp_path / out,
                "--vocab-size",
                "200",
                "--recipe",
                "korean",
                "--json",
            )
        )
        assert code == 0, err
        assert json.loads(stdout)["vocab_size"] == 200
    assert published(tmp_path / "a") == published(tmp_path / "b")
    receipt = json.loads((tmp_path / "a" / "tokkit.json").read_text("utf-8"))
    assert receipt["command"] == "train-word"
