"""`train_bpe` against the reference trainer, to the last id and merge."""

from __future__ import annotations

import json

import pytest
from tokenizer_texts import HARD_LINES, cut, finished, model_of, published, write
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

import tokkit


def reference(files, tokenizer, trainer):
    tokenizer.train([str(file) for file in files], trainer)
    content = json.loads(tokenizer.to_str())["model"]
    return {"vocab": content["vocab"], "merges": [tuple(merge) for merge in content["merges"]]}


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def plain(**marks):
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]", **marks))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("english", cut("english")),
        ("korean", cut("korean")),
        ("hard", HARD_LINES),
        ("all", cut("korean", 20_000) + HARD_LINES + "\n" + cut("english", 20_000).replace("\n", "\r\n")),
    ],
)
def test_bpe_byte_level_equals_the_reference(tmp_path, name, text):
    corpus = write(tmp_path / f"{name}.txt", text)
    tokkit.train_bpe(corpus, tmp_path / "out", vocab_size=3000)
    trainer = trainers.BpeTrainer(
        vocab_size=3000,
        min_frequency=2,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    assert model_of(tmp_path / "out") == reference([corpus], byte_level(), trainer)


@pytest.mark.parametrize("min_frequency", [0, 1, 5])
def test_bpe_min_frequency_equals_the_reference(tmp_path, min_frequency):
    corpus = write(tmp_path / "c.txt", cut("korean", 8_000))
    settings = {"vocab_size": 4000, "min_frequency": min_frequency}
    tokkit.train_bpe(corpus, tmp_path / "out", **settings)
    trainer = trainers.BpeTrainer(
        **settings,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    assert model_of(tmp_path / "out") == reference([corpus], byte_level(), trainer)


def test_bpe_without_marks_equals_the_reference(tmp_path):
    corpus = write(tmp_path / "c.txt", cut("english", 30_000) + "[MASK] and [UNK] in the text\n" * 5)
    settings = {"vocab_size": 1500, "initial_alphabet": ["ß", "가", "a"]}
    tokkit.train_bpe(
        *(corpus, tmp_path / "out"),
        recipe="korean",
        normalizer=["none"],
        vocab_size=1500,
        initial_alphabet="ß가a",
        special_token=["<new>", "[MASK]"],
    )
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<new>"]
    trainer = trainers.BpeTrainer(**settings, min_frequency=2, special_tokens=special, show_progress=False)
    assert model_of(tmp_path / "out") == reference([corpus], plain(), trainer)


MARKS = [{"prefix": "##"}, {"suffix": "</w>"}, {"prefix": "@@", "suffix": "</w>"}]


@pytest.mark.parametrize("marks", MARKS, ids=str)
@pytest.mark.parametrize("limit", [None, 20])
def test_bpe_with_marks_is_the_same_in_two_processes(tmp_path, marks, limit):
    corpus = write(tmp_path / "c.txt", cut("english", 30_000))
    flags = [piece for name, mark in marks.items() for piece in (f"--{name}", mark)]
    flags += ["--limit-alphabet", str(limit)] if limit else []
    for out in ("a", "b"):
        code, _, err = finished(
            *("train-bpe", corpus, "-o", tmp_path / out, "--recipe", "korean", "--vocab-size", "900", *flags)
        )
        assert code == 0, err
    assert published(tmp_path / "a") == published(tmp_path / "b")


@pytest.mark.parametrize("marks", MARKS, ids=str)
def test_bpe_with_marks_encodes_what_it_learned(tmp_path, marks):
    corpus = write(tmp_path / "c.txt", "lower lowest newer newest wider widest low new wide yellow\n" * 20)
    tokkit.train_bpe(corpus, tmp_path / "out", recipe="korean", vocab_size=90, **marks)
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    tokens = tokenizer.encode("lowest wide", add_special_tokens=False).tokens
    suffix = marks.get("suffix", "")
    assert tokens == ["lowest" + suffix, "wide" + suffix]
    assert tokenizer.decode(tokenizer.encode("lowest newlow wide").ids) == "lowest newlow wide"


def test_bpe_limit_alphabet_keeps_the_most_frequent_characters(tmp_path):
    corpus = write(tmp_path / "c.txt", "aaa aab aabbb abz abq\n" * 3)
    tokkit.train_bpe(corpus, tmp_path / "out", recipe="korean", vocab_size=100, limit_alphabet=2)
    characters = {token for token in model_of(tmp_path / "out")["vocab"] if len(token) == 1}
    assert characters == {"a", "b"}


def test_bpe_limit_alphabet_keeps_the_initial_alphabet(tmp_path):
    corpus = write(tmp_path / "c.txt", "aaa bbb ccc cc c\n" * 3)
    settings = {"recipe": "korean", "vocab_size": 100, "limit_alphabet": 2, "initial_alphabet": "z"}
    tokkit.train_bpe(corpus, tmp_path / "out", **settings)
    characters = {token for token in model_of(tmp_path / "out")["vocab"] if len(token) == 1}
    assert characters == {"z", "c"}


@pytest.mark.parametrize("longest", [2, 3, 5])
@pytest.mark.parametrize("marks", [{}, {"suffix": "</w>"}], ids=str)
def test_bpe_max_token_length_is_reached_and_kept(tmp_path, longest, marks):
    corpus = write(tmp_path / "c.txt", cut("english", 20_000))
    tokkit.train_bpe(
        corpus, tmp_path / "out", recipe="korean", vocab_size=2000, max_token_length=longest, **marks
    )
    learned = [t for t in model_of(tmp_path / "out")["vocab"] if not t.startswith("[")]
    assert max(len(token.removesuffix("</w>")) for token in learned) == longest


def test_bpe_vocabulary_below_the_alphabet_is_said(tmp_path):
    said = []

    class Listening(tokkit.progress.Silent):
        def say(self, message):
            said.append(message)

    corpus = write(tmp_path / "c.txt", "hello\n")
    result = tokkit.train_bpe(corpus, tmp_path / "out", vocab_size=100, progress=Listening())
    assert (result.vocab_size, result.requested_vocab_size) == (257, 100)
    assert any("257 tokens, not 100" in message for message in said)
