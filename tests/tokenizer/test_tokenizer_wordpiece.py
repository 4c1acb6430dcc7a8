"""`train_wordpiece`: reproducible, and one of the results the reference may give."""

from __future__ import annotations

import pytest
from bpe_corpora import table_of
from tokenizer_texts import cut, finished, model_of, published, write
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

import tokkit
from tokkit.corpus import feed
from tokkit.corpus.words import count_words
from tokkit.progress import SILENT, Stages
from tokkit.tokenizer.training.blueprint import resolve
from tokkit.tokenizer.training.learning import PlainLexicon, learn
from tokkit.tokenizer.training.lexicon import MergeOptions
from tokkit.tokenizer.training.merging import KernelLexicon
from tokkit.tokenizer.training.train import merge_options
from tokkit.tokenizer.training.trainer_options import WordPieceOptions

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def reference(corpus, prefix="##", **settings):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        special_tokens=SPECIAL, continuing_subword_prefix=prefix, show_progress=False, **settings
    )
    tokenizer.train([str(corpus)], trainer)
    return tokenizer.get_vocab(with_added_tokens=False)


@pytest.mark.parametrize("name", ["english", "korean"])
def test_wordpiece_is_the_same_in_two_processes(tmp_path, name):
    corpus = write(tmp_path / "c.txt", cut(name))
    for out in ("a", "b"):
        code, _, err = finished(
            "train-wordpiece", corpus, "-o", tmp_path / out, "--vocab-size", "2000", "--limit-alphabet", "300"
        )
        assert code == 0, err
    assert published(tmp_path / "a") == published(tmp_path / "b")


@pytest.mark.parametrize("name", ["english", "korean"])
def test_wordpiece_is_a_legal_reference_result(tmp_path, name):
    """From the order of the ``##c`` that one reference run happened to take, the same vocabulary."""
    corpus = write(tmp_path / "c.txt", cut(name))
    vocabulary = reference(corpus, vocab_size=3000, min_frequency=2)
    in_order = sorted(vocabulary, key=vocabulary.__getitem__)
    initial = [t for t in in_order if t in SPECIAL or len(t) == 1 or (t[:2] == "##" and len(t) == 3)]
    assert initial == in_order[: len(initial)]
    train_options = WordPieceOptions(vocab_size=(3000,))
    blueprint = resolve(train_options)
    planned = feed.plan([corpus], feed.CorpusOptions())
    words = count_words(planned, blueprint.skeleton().to_str(), SILENT)
    learned = learn(merge_options(train_options, blueprint), words, Stages(SILENT), initial)
    assert learned.vocabulary(3000) == vocabulary


@pytest.mark.parametrize("name", ["english", "korean"])
def test_wordpiece_starts_from_the_tokens_the_reference_starts_from(tmp_path, name):
    corpus = write(tmp_path / "c.txt", cut(name))
    tokkit.train_wordpiece(corpus, tmp_path / "out", vocab_size=1)
    assert set(model_of(tmp_path / "out")["vocab"]) == set(reference(corpus, vocab_size=1))


def test_wordpiece_without_prefix_equals_the_reference(tmp_path):
    corpus = write(tmp_path / "c.txt", cut("english", 30_000))
    tokkit.train_wordpiece(corpus, tmp_path / "out", vocab_size=1500, prefix="")
    expected = reference(corpus, prefix="", vocab_size=1500, min_frequency=2)
    assert model_of(tmp_path / "out")["vocab"] == expected


def test_wordpiece_prefix_marks_every_continuing_piece(tmp_path):
    corpus = write(tmp_path / "c.txt", "unhappiness happiness unhappy happy happily\n" * 9)
    tokkit.train_wordpiece(corpus, tmp_path / "out", vocab_size=70, prefix="@@")
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    first, *rest = tokenizer.encode("unhappinessly", add_special_tokens=False).tokens
    assert not first.startswith("@@")
    assert rest
    assert all(token.startswith("@@") for token in rest)
    assert tokenizer.decode(tokenizer.encode("happy unhappinessly").ids) == "happy unhappinessly"


@pytest.mark.parametrize("longest", [2, 4])
def test_wordpiece_max_token_length_is_reached_and_kept(tmp_path, longest):
    corpus = write(tmp_path / "c.txt", cut("english", 20_000))
    tokkit.train_wordpiece(corpus, tmp_path / "out", vocab_size=2000, max_token_length=longest)
    learned = [t.removeprefix("##") for t in model_of(tmp_path / "out")["vocab"] if t not in SPECIAL]
    assert max(map(len, learned)) == longest


def test_wordpiece_max_word_characters_makes_longer_words_unknown(tmp_path):
    corpus = write(tmp_path / "c.txt", "abcdef abcde\n" * 5)
    tokkit.train_wordpiece(corpus, tmp_path / "out", max_word_characters=5)
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert tokenizer.encode("abcdef abcde", add_special_tokens=False).tokens == ["[UNK]", "abcde"]


def test_wordpiece_special_tokens_come_first_and_are_learned_from_no_text(tmp_path):
    corpus = write(tmp_path / "c.txt", "[MASK] <user> met <user> and [MASK]\n" * 20)
    tokkit.train_wordpiece(corpus, tmp_path / "out", vocab_size=100, special_token=["<user>", "[MASK]"])
    vocabulary = model_of(tmp_path / "out")["vocab"]
    assert sorted(vocabulary, key=vocabulary.__getitem__)[:6] == [*SPECIAL, "<user>"]
    tokenizer = Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    assert tokenizer.encode("met <user>", add_special_tokens=False).tokens == ["met", "<user>"]


def test_wordpiece_suffix_is_refused(tmp_path):
    with pytest.raises(tokkit.UsageError, match=r"^suffix: "):
        tokkit.train_wordpiece(write(tmp_path / "c.txt", "a\n"), tmp_path / "out", suffix="</w>")


def initial_tokens(words, reserved=(), alphabet=(), limit=None, prefix="", suffix=""):
    options = MergeOptions(reserved, alphabet, 0, 0, limit, prefix, suffix)
    tokens = PlainLexicon(words).initial_tokens(options)
    assert tokens == KernelLexicon(table_of(words)).initial_tokens(options)
    return tokens


def test_wordpiece_alphabet_is_walked_in_sorted_order():
    words = {"ba": 5, "ab": 1, "cab": 2}
    tokens = initial_tokens(words, ["[UNK]", "b"], ["z"], prefix="##")
    assert tokens == ["[UNK]", "b", "a", "c", "z", "##b", "##a"]


def test_wordpiece_limited_alphabet_drops_the_higher_code_point_among_equals():
    assert initial_tokens({"ab": 1, "cd": 1}, limit=3) == ["a", "b", "c"]
