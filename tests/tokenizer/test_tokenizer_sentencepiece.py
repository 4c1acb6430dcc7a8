"""SentencePiece models become tokenizers with the same ids: the package's own encoder is the reference."""

from __future__ import annotations

import functools
import random
import re
import sys

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece_models import DEFINED, KINDS, trained
from tokenizer_texts import HARD, cut

from tokkit.errors import InputError, UsageError
from tokkit.tokenizer.blocks import charsmap
from tokkit.tokenizer.folder.tokenizer_folder import SAMPLES
from tokkit.tokenizer.sentencepiece.convert import convert, merges_of
from tokkit.tokenizer.sentencepiece.model_file import read_model
from tokkit.tokenizer.sentencepiece.normalizer import normalizer_of

RUNS = [character * length for character in "aㅋ.-! " for length in (2, 3, 5, 8, 13, 40)]
DEFINED_TEXTS = ["<usr>", " <usr> a<usr>", "a  <usr>  ## 한글날은", "<usr><usr>##", "usr> <usr"]
WRITTEN = [
    "Tiếng Việt có dấu",  # decomposed: two marks on one letter
    "がぎぐ ﾊﾞﾋﾟ",  # kana with combining and half-width marks
    "שָׁלוֹם וּבְרָכָה مَدَّ اللُّغَة",  # points in the order they are typed
    "ﬁ①℡㈱ ½ ﷺ ㅋㅠㅋㅠ",
    "Ａ\u200d Ⓑ\u200cc ２\U0001f3fd ﬁ\u200d M\u200d می\u200cخواهم",  # of one grapheme with what precedes
    "\x01a\x7f\u200bb\ufeff",
    "\n\nline\r\nline\n",
]


def spelled(texts, converted):
    """Texts that spell no special token: one in a text is a token of its own here, and is not there."""
    special = [token.content for token in converted.backend.get_added_tokens_decoder().values()]
    return [text for text in texts if not any(token in text for token in special)]


def check(converted, texts, ties=False):
    """The same ids, or, where ``ties`` are allowed, ids that are as likely."""
    texts = spelled(texts, converted)
    converted_ids = [e.ids for e in converted.backend.encode_batch(texts, add_special_tokens=False)]
    for text, expected, ids in zip(texts, converted.expected_ids(texts), converted_ids, strict=True):
        assert ids == expected or (ties and converted.is_tie(expected, ids)), text


@functools.cache
def converted_once(kind):
    return convert(trained(kind), "model")


@pytest.fixture(params=KINDS)
def converted(request):
    return converted_once(request.param)


def test_sentencepiece_ids_on_samples_and_hard_texts(converted):
    texts = [text for text in SAMPLES if isinstance(text, str)]
    check(converted, [*texts, *HARD, *RUNS, *DEFINED_TEXTS, *WRITTEN])


def test_sentencepiece_ids_on_text_it_was_not_trained_on(converted):
    lines = [*cut("english", 200_000).splitlines()[800:], *cut("korean", 120_000).splitlines()[800:]]
    assert len(lines) > 800
    check(converted, lines)


PIECES = st.one_of(
    st.characters(codec="utf-8", exclude_categories=("Cn", "Cs", "Cc", "Mn", "Mc", "Me")),
    st.sampled_from(
        [" ", "  ", "▁", "the", "ing ", "한국", "ㅋㅋ", "e\u0323\u0302", "가", "\n", "\t", *DEFINED]
    ),
)


@settings(max_examples=60, deadline=None)
@given(text=st.lists(PIECES, max_size=12).map("".join))
def test_sentencepiece_ids_on_random_text(text):
    for kind in ("unigram", "unigram bytes", "bpe", "bpe defined", "bpe bytes"):
        check(converted_once(kind), [text], ties=True)


@pytest.mark.parametrize("text", ["a.....", "the day ......... and ㅋㅋㅋㅋㅋㅋㅋ"])
def test_sentencepiece_tie_is_another_order_of_the_same_pieces_only(text):
    """No ids but those as likely in 32-bit sums: the same pieces, and none with a worse piece."""
    converted = converted_once("unigram")
    (ids,) = converted.expected_ids([text])
    assert converted.is_tie(ids, ids[::-1])
    pieces = converted.layout.pieces
    for position, id_ in enumerate(ids):
        worse = next(i for i, (_, score) in enumerate(pieces) if score < pieces[id_][1] - 0.001)
        assert not converted.is_tie(ids, [*ids[:position], worse, *ids[position + 1 :]])
    assert not converted_once("bpe").is_tie([5, 6], [6, 5])


def test_sentencepiece_hint_of_what_cannot_be_wrapped_asks_for_another_model(tmp_path):
    for name, settings_, hint in (
        ("suffix", {"treat_whitespace_as_suffix": True}, "train it again without that option"),
        ("bpe", {"treat_whitespace_as_suffix": True, "model_type": "bpe"}, "without that option"),
        ("word", {"model_type": "word"}, "train a Unigram or BPE model"),
    ):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(cut("english", 9_000).splitlines()),
            model_prefix=str(tmp_path / name),
            vocab_size=300,
            minloglevel=2,
            hard_vocab_limit=False,
            **settings_,
        )
        with pytest.raises(InputError) as caught:
            convert(tmp_path / f"{name}.model", "model")
        assert re.search(hint, caught.value.hint)


def test_sentencepiece_decodes_as_well(converted):
    text = "the people said it was good. 나는 학교에 갔다."
    ids = converted.backend.encode(text, add_special_tokens=False).ids
    assert converted.backend.decode(ids) == converted.encoder.decode(ids)


def test_sentencepiece_normalizer_knows_every_rule():
    model = read_model(trained("unigram"))
    theirs = sentencepiece.SentencePieceNormalizer(model_file=str(trained("unigram")))
    ours = normalizer_of(model)
    rules = charsmap.charsmap_rules(model.charsmap)
    assert len(rules) > 200_000
    sampled = random.Random(5).sample(sorted(rules), 20_000)
    assert [key for key in sampled if theirs.normalize(key) != ours.normalize_str(key)] == []


@settings(max_examples=50)
@given(st.dictionaries(st.text(st.characters(min_codepoint=1), min_size=1, max_size=4), st.text(max_size=3)))
def test_charsmap_gives_back_the_rules_it_was_packed_from(mapping):
    mapping = {
        key: text.replace("\0", "")
        for key, text in mapping.items()
        if key.isprintable() and text.isprintable()
    }
    if mapping:
        packed = charsmap.pack_charsmap(mapping)
        assert charsmap.is_charsmap(packed)
        assert charsmap.charsmap_rules(packed) == mapping


def test_sentencepiece_merges_make_what_they_name():
    model = read_model(trained("bpe"))
    pieces = {piece.text: piece.score for piece in model.pieces}
    merges = merges_of(model)
    assert merges
    scores = [pieces[left + right] for left, right in merges]
    assert scores == sorted(scores, reverse=True)


def test_sentencepiece_reader_agrees_with_the_package(converted):
    assert converted.backend.get_vocab_size() == converted.encoder.get_piece_size()
    for id_ in range(converted.encoder.get_piece_size()):
        assert converted.backend.id_to_token(id_) == converted.encoder.id_to_piece(id_)


def test_sentencepiece_layout_of_fairseq():
    """As the file of XLM-R is numbered: four tokens first, every further piece one later, the mask last."""
    converted = convert(trained("unigram"), "fairseq")
    backend, package = converted.backend, converted.encoder
    first = [backend.id_to_token(id_) for id_ in range(4)]
    assert first == ["<s>", "<pad>", "</s>", "<unk>"]
    size = package.get_piece_size()
    assert all(backend.id_to_token(id_ + 1) == package.id_to_piece(id_) for id_ in range(3, size))
    assert backend.id_to_token(size + 1) == "<mask>"
    check(converted, [*HARD, *WRITTEN])
    assert backend.encode("\U0010fffd", add_special_tokens=False).ids[-1] == 3


def test_sentencepiece_layout_that_does_not_fit():
    with pytest.raises(UsageError, match=r"--layout fairseq: .*first three pieces are not"):
        convert(trained("kobert"), "fairseq")


@pytest.mark.parametrize("length", [0, 1, 100, 5_000, -1])
def test_sentencepiece_model_cut_short_is_refused(tmp_path, length):
    (tmp_path / "cut.model").write_bytes(trained("bpe").read_bytes()[:length])
    with pytest.raises(InputError, match=r"cut\.model: "):
        convert(tmp_path / "cut.model", "model")


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b'{"model": 1}', b"\xff" * 99, b"\x80" * 9, b"text\n" * 99]
)
def test_sentencepiece_model_that_is_something_else_is_refused(tmp_path, content):
    (tmp_path / "other.model").write_bytes(content)
    with pytest.raises(InputError, match=r"other\.model: not a SentencePiece model") as caught:
        convert(tmp_path / "other.model", "model")
    assert caught.value.hint


@pytest.mark.parametrize("kind", ["word", "char"])
def test_sentencepiece_models_of_other_families_are_refused(tmp_path, kind):
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(cut("english", 9_000).splitlines()),
        model_prefix=str(tmp_path / kind),
        vocab_size=300,
        model_type=kind,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    with pytest.raises(InputError, match=r"model, so no tokenizer\.json gives"):
        convert(tmp_path / f"{kind}.model", "model")


def test_sentencepiece_damaged_models_are_refused_or_converted(tmp_path):
    """One byte changed anywhere: an error of ours or a tokenizer, never anything else."""
    original, draw = trained("bpe bytes").read_bytes(), random.Random(3)
    outcomes = {"refused": 0, "converted": 0}
    for _ in range(60):
        content = bytearray(original)
        position = draw.randrange(len(content))
        content[position] ^= 1 << draw.randrange(8)
        (tmp_path / "damaged.model").write_bytes(content)
        try:
            convert(tmp_path / "damaged.model", "model")
            outcomes["converted"] += 1
        except (InputError, UsageError):
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0, outcomes


_NUMBER = b"\x80\xec\xae\xfd\x15"  # 5,900,000,000, of which `bytes` would make as many zeros
_UNKNOWN_PIECE = b"\x0a\x05\x0a\x01a\x18\x02"


@pytest.mark.parametrize(
    "content",
    [_UNKNOWN_PIECE + b"\x1a\x06\x10" + _NUMBER, b"\x0a\x06\x08" + _NUMBER, b"\x08" + _NUMBER],
    ids=["character map", "text of a piece", "piece"],
)
def test_sentencepiece_a_number_where_bytes_belong_is_refused(tmp_path, content):
    (tmp_path / "small.model").write_bytes(content)
    with pytest.raises(InputError, match=r"not a SentencePiece model.*(holds no bytes|a message belongs)"):
        convert(tmp_path / "small.model", "model")


def test_sentencepiece_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(UsageError, match="is not installed") as caught:
        convert(trained("bpe"), "model")
    assert caught.value.hint == "pip install sentencepiece"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("extra", 5, "it has disabled pieces \\(type UNUSED\\), so no tokenizer.json gives the same ids"),
        ("<other>", 2, "has 2 unknown pieces, expected one"),
        ("<unk>", 1, 'has the piece "<unk>" twice'),
    ],
)
def test_models_that_no_tokenizer_can_follow_are_refused(tmp_path, text, kind, message):
    """Fields of protocol buffers may follow each other: this is one more piece."""
    piece = b"\x0a" + bytes([len(text)]) + text.encode() + b"\x15\0\0\0\0\x18" + bytes([kind])
    path = tmp_path / "a.model"
    path.write_bytes(trained("unigram").read_bytes() + b"\x0a" + bytes([len(piece)]) + piece)
    with pytest.raises(InputError, match=message):
        read_model(path)
