"""Small corpora are counted and merged without kernels: the same bytes as with them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tokenizer_texts import HARD_LINES, cut, published, write

import tokkit
from tokkit.corpus import reference_words
from tokkit.tokenizer.training import learning

OPTIONS = [
    ("train_wordpiece", {}),
    ("train_wordpiece", {"recipe": "korean", "limit_alphabet": 300, "max_token_length": 4}),
    ("train_bpe", {}),
    ("train_bpe", {"recipe": "korean", "suffix": "</w>", "min_frequency": 3}),
    ("train_bpe", {"recipe": "llama"}),
    ("train_word", {"min_frequency": 1}),
    ("train_char", {"recipe": "gpt2"}),
    ("train_char", {}),
]


@pytest.mark.parametrize("name", ["english", "korean"])
@pytest.mark.parametrize(("command", "options"), OPTIONS, ids=str)
def test_small_corpus_gives_the_bytes_of_the_kernels(tmp_path, monkeypatch, name, command, options):
    corpus = [
        write(tmp_path / "a.txt", cut(name, 40_000)),
        write(tmp_path / "b.txt", HARD_LINES + "\ufeff x"),
    ]
    train = getattr(tokkit, command)
    plain = train(corpus, tmp_path / "plain", vocab_size=1500, **options)
    for small in ("SMALL", "SMALL_UNCOMPILED"):
        monkeypatch.setattr(reference_words, small, -1)
    kernels = train(corpus, tmp_path / "kernels", vocab_size=1500, **options)
    assert published(tmp_path / "plain") == published(tmp_path / "kernels")
    assert (plain.words, plain.distinct_words, plain.bytes) == (
        kernels.words,
        kernels.distinct_words,
        kernels.bytes,
    )


def test_small_corpus_of_many_words_is_merged_by_compiled_kernels(tmp_path, monkeypatch):
    corpus = write(tmp_path / "c.txt", cut("english", 40_000))
    tokkit.train_wordpiece(corpus, tmp_path / "plain", vocab_size=1500)
    monkeypatch.setattr(learning, "_PLAIN_WORDS", 10)
    monkeypatch.setattr(learning, "is_compiled", lambda module: True)
    tokkit.train_wordpiece(corpus, tmp_path / "kernels", vocab_size=1500)
    assert published(tmp_path / "plain") == published(tmp_path / "kernels")


def test_small_corpus_is_trained_on_without_numba(tmp_path):
    corpus = write(tmp_path / "c.txt", cut("english", 10_000))
    script = (
        f"import sys, tokkit; tokkit.train_wordpiece({str(corpus)!r}, 'out'); print('numba' in sys.modules)"
    )
    printed = subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, text=True)
    assert printed.strip() == "False"
