"""Encoding by distinct chunks, row by row against `tokenizers`."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from corpus_texts import TORTURE
from encoding_tokenizers import (
    FAST,
    KERNEL,
    TRAINED_ON,
    as_lists,
    both,
    by_kernels,
    loaded,
    repeats_the_text,
    rows,
    tokenizer,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizer_texts import HARD
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from tokkit.errors import InputError, Interrupted
from tokkit.progress import SILENT, Silent
from tokkit.tokenizer.encoding import bare_rows, encode, fast, reference, row_kernels, word_models
from tokkit.tokenizer.encoding.chunk_encoder import ChunkEncoder
from tokkit.tokenizer.encoding.reference import EncodeRequest

LONG = (
    "漢字かな交じり文、" * 60,
    "x" * 500,
    "ab " * 3000,
    "é" * 5000,
    "y" * 300 + " " + "zz" * 4000,
    "가" * 130,
)
ROWS = (*HARD, *TORTURE, *LONG, "nul \0 inside\0", "\0", " ", "", *TRAINED_ON[:300])


@pytest.mark.parametrize("name", FAST)
def test_encoding_is_that_of_the_reference(name):
    result, wanted = both(tokenizer(name), ROWS)
    assert result == wanted


def test_encoding_packs_few_small_ids_and_lists_the_others():
    chosen = random.Random(0)
    largest = (9, 2**20 - 1, 2**20, 2**31 - 1)
    chunks = [[chosen.choice(largest) for _ in range(chosen.randrange(7))] for _ in range(300)]
    numbers = [chosen.randrange(300) for _ in range(5000)]
    row_ends = [*sorted(chosen.choices(range(5001), k=99)), 5000]
    lengths, ids = (
        np.array(list(map(len, chunks)), np.int32),
        np.array([i for chunk in chunks for i in chunk], np.int32),
    )
    sizes = np.stack((lengths, np.zeros_like(lengths)), axis=1)
    sizes[7, 0] = row_kernels.WHOLE
    packed, lists = np.empty(300, np.uint64), np.empty(len(ids) + 300, np.int32)
    row_kernels.pack_chunks(sizes, np.cumsum(lengths, dtype=np.int64) - lengths, ids, packed, lists, 0)
    written, counts, row = [], np.empty(100, np.int64), 0
    while row < 100:
        room = np.empty(chosen.randrange(2000), np.int32)
        row, end = row_kernels.write_rows(
            np.array(numbers, np.int32), np.array(row_ends, np.int64), packed, lists, row, 0, room, counts
        )
        written += room[:end].tolist()
    rows = [numbers[start:end] for start, end in zip([0, *row_ends], row_ends, strict=False)]
    wanted = [None if 7 in row else [number for chunk in row for number in chunks[chunk]] for row in rows]
    assert counts.tolist() == [row_kernels.WHOLE if row is None else len(row) for row in wanted]
    assert written == [number for row in wanted for number in row or ()]


@pytest.mark.parametrize("name", KERNEL)
def test_encoding_asks_the_reference_for_little(name):
    encoder = ChunkEncoder.of(tokenizer(name))
    assert encoder.model is not None
    assert encoder.characters is not None


@pytest.mark.parametrize("name", FAST)
def test_encoding_of_random_rows(name):
    # Building the encoder takes most of the time of an example: few of them, with many rows each.
    @settings(max_examples=12, deadline=None)
    @given(st.lists(rows, min_size=1, max_size=12), st.booleans(), st.none() | st.integers(0, 12))
    def holds(texts, special, max_length):
        result, wanted = both(tokenizer(name), texts, None, max_length, special)
        assert result == wanted

    holds()


@pytest.mark.parametrize("name", FAST)
def test_encoding_of_random_pairs(name):
    @settings(max_examples=8, deadline=None)
    @given(
        st.lists(st.tuples(rows, rows), min_size=1, max_size=8), st.booleans(), st.none() | st.integers(0, 12)
    )
    def holds(texts, special, max_length):
        first, second = zip(*texts, strict=True)
        result, wanted = both(tokenizer(name), first, second, max_length, special)
        assert result == wanted

    holds()


@pytest.mark.long
@pytest.mark.parametrize("name", FAST)
def test_encoding_of_very_many_random_rows(name):
    @settings(max_examples=3000, deadline=None)
    @given(st.lists(rows, min_size=1, max_size=8), st.booleans(), st.none() | st.integers(0, 20))
    def holds(texts, special, max_length):
        result, wanted = both(tokenizer(name), texts, texts[::-1] if special else None, max_length, special)
        assert result == wanted

    holds()


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("name", ["bert-cased", "gpt2", "roberta", "llama", "unigram"])
def test_encoding_truncates_as_the_reference_at_every_length(name, special):
    texts = ["", "one", "one two three four", "하나 둘 셋 넷 다섯", "a b c d e f g h"]
    first, second = zip(*((a, b) for a in texts for b in texts), strict=True)
    for max_length in range(26):
        for rows_and_pairs in ((texts, None), (first, second)):
            request = EncodeRequest(*rows_and_pairs, tokenizer(name), max_length, special, 1)
            result, wanted = fast.encode(request, SILENT), reference.encode(request, SILENT)
            assert as_lists(result) == as_lists(wanted)


ADDED = {
    "special": [AddedToken("<tok>", special=True), AddedToken("[MASK]", special=True, lstrip=True)],
    "with spaces": [
        AddedToken("new york", normalized=False),
        AddedToken("x y", normalized=False, rstrip=True),
    ],
    "white space": [AddedToken("  ", normalized=False), AddedToken("\n\n", normalized=False)],
    "normalized": [AddedToken("Ünı"), AddedToken("York", single_word=True), AddedToken("ab", lstrip=True)],
    "normalized with spaces": [AddedToken("neW york"), AddedToken("가나", rstrip=True)],
    "normalized to white space": [AddedToken("\u3000"), AddedToken("ab")],
    "odd": [
        AddedToken("\u200b", normalized=False),
        AddedToken("é", normalized=False),
        AddedToken("ﬁ"),
        AddedToken("\x0b a"),
    ],
}


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("name", ["bert-uncased", "korean", "gpt2", "llama", "unigram", "characters"])
def test_encoding_with_added_tokens(name, added):
    backend = Tokenizer.from_str(tokenizer(name).backend.to_str())
    backend.add_tokens(ADDED[added])
    extended = loaded(backend)
    texts = [
        *(
            "a <tok>b",
            "in New  York",
            "in new york!",
            "new\nyork",
            "yorker York",
            "a  b\n\nc",
            "x   ",
            "xab ab",
        ),
        *(
            "UNI\u0308\u0131 üni",
            "e\u0301 é",
            "ﬁn fin",
            "a\u200bb \u200b b",
            "가나 가\u1102나",
            "a\u3000 b",
            "x\x0b a",
        ),
        *("[MASK] [mask]", "x y", "x \ty", "", " ", "[CLS] a [SEP]"),
    ]
    result, wanted = both(extended, texts)
    assert result == wanted if result else added == "normalized to white space"

    @settings(max_examples=8, deadline=None)
    @given(st.lists(rows, min_size=1, max_size=12))
    def holds(texts):
        result, wanted = both(extended, texts)
        assert result in (None, wanted)

    holds()


def test_encoding_with_merges_that_come_twice():
    """The last rank of ``a b`` counts: ``b c`` is merged before it."""
    vocabulary = {token: i for i, token in enumerate(["a", "b", "c", "ab", "bc", "abc"])}
    merges = [("a", "b"), ("b", "c"), ("a", "b"), ("ab", "c")]
    backend = Tokenizer(models.BPE(vocabulary, merges))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert backend.encode("abc").tokens == ["a", "bc"]
    result, wanted = both(loaded(backend), ["abc ab", "abcabc bc", ""])
    assert result == wanted
    # the library writes each pair once; files of others may not
    content = json.loads(backend.to_str())["model"]
    pairs = word_models.word_model({**content, "merges": merges}, False).arguments["pairs"]
    rank_of = {int(key) - 1: int(value) >> 32 for key, value in pairs if key}
    assert rank_of == {0 << 32 | 1: 2, 1 << 32 | 2: 1, 3 << 32 | 2: 3}


@pytest.mark.parametrize("name", ["bert-uncased", "korean", "llama", "characters"])
def test_encoding_finds_added_tokens_next_to_characters_of_no_known_form(name):
    """Marks may be moved or composed by their neighbors; ``new`` and ``york`` are in two chunks."""
    backend = Tokenizer.from_str(tokenizer(name).backend.to_str())
    backend.add_tokens([AddedToken("new york")])
    for mark in ("\u0301", "\u0323\u0302", "\u05bc", "\u0e38", "\u11a8"):
        result, wanted = both(loaded(backend), [f"in new york{mark} and", f"new{mark} york", "new york"])
        assert result == wanted, hex(ord(mark[0]))


def test_encoding_leaves_what_may_not_be_cut_to_the_reference():
    backend = Tokenizer(models.BPE(dropout=0.5))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    stripped = Tokenizer.from_str(tokenizer("gpt2").backend.to_str())
    stripped.normalizer = normalizers.Strip()
    for uncut in (backend, stripped, repeats_the_text()):
        assert fast.encode(EncodeRequest(["a b"], None, loaded(uncut), None, True, 1), SILENT) is None


@pytest.mark.parametrize("name", ["bert-uncased", "gpt2", "unigram"])
def test_encoding_is_the_same_for_any_threads_and_when_it_forgets(name, monkeypatch):
    chosen = random.Random(3)
    texts = [" ".join(chosen.choices(ROWS[:40], k=3)) for _ in range(100)]
    monkeypatch.setattr(bare_rows, "CHARACTERS", 700)
    first, wanted = both(tokenizer(name), texts, max_length=50)
    assert first == wanted
    for threads, distinct in ((2, 1_000_000), (8, 1_000_000), (1, 100), (3, 0)):
        monkeypatch.setattr(bare_rows, "DISTINCT", distinct)
        assert by_kernels(tokenizer(name), texts, max_length=50, threads=threads) == wanted


def test_encoding_of_no_rows_and_of_rows_without_tokens():
    for name in ("bert-uncased", "gpt2"):
        for texts in ([], [""], ["", "", ""], ["\u200b \u200b"], ["\0"]):
            result, wanted = both(tokenizer(name), texts)
            assert result == wanted


@pytest.mark.parametrize("broken", [["fine"] * 9 + ["half \ud800 a pair"], ["fine", None]])
def test_encoding_names_what_is_no_text_as_the_reference_does(broken, monkeypatch):
    monkeypatch.setattr(encode, "SMALL", 0)
    with pytest.raises((InputError, TypeError)):
        encode.encode(broken, tokenizer("gpt2"))
    if None not in broken:
        with pytest.raises(InputError, match="the tokenizer fails on one of these texts"):
            encode.token_counts(broken, tokenizer("gpt2"))


def test_encoding_fails_where_the_reference_does(monkeypatch):
    backend = Tokenizer(models.WordLevel({"a": 0}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    for small in (0, 1_000_000):
        monkeypatch.setattr(encode, "SMALL", small)
        with pytest.raises(InputError, match="the tokenizer fails on one of these texts"):
            encode.encode(["a a", "a b"], loaded(backend))


@pytest.mark.parametrize("name", ["bert-uncased", "gpt2"])
def test_encoding_that_goes_wrong_is_noticed_and_done_by_the_reference(name, monkeypatch, heard):
    right = word_models.word_model

    def wrong(settings, raw):
        vocabulary = {token: (number + 1) % 500 for token, number in settings["vocab"].items()}
        return right({**settings, "vocab": vocabulary}, raw)

    monkeypatch.setattr("tokkit.tokenizer.encoding.chunk_encoder.word_model", wrong)
    monkeypatch.setattr(encode, "SMALL", 0)
    texts = ["some text that is encoded", "and more of it"] * 200
    result = encode.encode(texts, tokenizer(name), progress=heard)
    assert "400 texts" not in heard
    assert "not encoded as tokenizers encodes them" in heard
    wanted = [tokenizer(name).backend.encode(text).ids for text in texts]
    assert [part.tolist() for part in np.split(result.ids, result.offsets[1:-1])] == wanted


def test_encoding_stops_when_asked(monkeypatch):
    class Cancelled(Silent):
        def cancelled(self):
            return True

    for small in (0, 1_000_000):
        monkeypatch.setattr(encode, "SMALL", small)
        with pytest.raises(Interrupted):
            encode.encode(["some text"] * 50, tokenizer("gpt2"), progress=Cancelled())


def test_encoding_tells_of_every_row(monkeypatch):
    class Counted(Silent):
        def __init__(self):
            self.total, self.done = 0, 0

        def start(self, stage, total, unit):
            self.total = total

        def advance(self, amount, **fields):
            self.done += amount

    monkeypatch.setattr(encode, "SMALL", 0)
    progress = Counted()
    encode.token_counts([f"row {i}" for i in range(1000)], tokenizer("gpt2"), progress=progress)
    assert progress.total == progress.done == 1000


def test_encoding_wants_as_many_pairs_as_texts():
    with pytest.raises(ValueError, match="2 texts, but 1 pairs"):
        encode.encode(["a", "b"], tokenizer("gpt2"), pairs=["c"])
