"""Which pipelines may be cut, and where the kernel cuts."""

from __future__ import annotations

import random

import pytest
from corpus_pipelines import tokenizer
from corpus_texts import INVISIBLE, SPACES, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.corpus import chunk_kernels
from tokkit.corpus.chunks import chunk_buffer, cuts_before
from tokkit.corpus.cutting import BLANKS, Pipeline
from tokkit.corpus.cutting import SPACES as SPACE
from tokkit.runtime.kernels import PADDING
from tokkit.runtime.strings import Strings, padded

CUTTING = [
    (("bert",), ("bert",), BLANKS),
    (("nfd", "lowercase", "strip-accents"), ("whitespace",), BLANKS),
    (("nmt",), ("whitespace-split", "metaspace:prepend_scheme=first"), BLANKS),
    ((), ("digits", "punctuation", "whitespace"), BLANKS),
    (("nfkc",), ("byte-level",), BLANKS),
    ((), ("digits", "byte-level"), BLANKS),
    ((), ("byte-level:add_prefix_space=true",), SPACE),
    (("lowercase",), ("metaspace",), SPACE),
    ((), ("metaspace:prepend_scheme=first",), SPACE),
]
NOT_CUT = [
    ((), ()),
    ((), ("digits",)),
    ((), ("punctuation",)),
    ((), ("punctuation:behavior=merged_with_next", "whitespace")),
    ((), ("punctuation:behavior=contiguous", "byte-level")),
    ((), ("unicode-scripts", "whitespace")),
    ((), ("fixed-length", "whitespace")),
    ((), (r"split:pattern=\s+", "whitespace")),
    ((), ("char-delimiter-split:delimiter=n", "whitespace")),
    ((), ("byte-level:use_regex=false",)),
    ((), ("byte-level:use_regex=false", "whitespace")),
    ((), ("metaspace:split=false",)),
    ((), ("byte-level", "metaspace:prepend_scheme=first")),
    ((), ("metaspace", "digits", "metaspace:replacement=_,prepend_scheme=first")),
    (("strip",), ("whitespace",)),
    (("prepend",), ("whitespace",)),
    (("replace:pattern=a b,content=c",), ("whitespace",)),
    (("byte-level",), ("whitespace",)),
    (("lowercase", "strip"), ("bert",)),
    (("bert",), ("byte-level",)),
    (("nmt",), ("byte-level",)),
    (("strip-accents",), ("metaspace",)),
]
VISIBLE = "aé中😀!\u0301\u200b\ue000\U0010fffd"
_characters = st.one_of(
    st.sampled_from([*(c for part in SPACES for c in part), *INVISIBLE, *VISIBLE]),
    st.characters(exclude_categories=["Cs"]),
)
_texts = st.lists(_characters).map("".join)


@pytest.mark.parametrize(("normalizers", "pre_tokenizers", "cuts"), CUTTING)
def test_cutting_is_allowed_before_the_white_space_that_a_pipeline_splits_at(
    normalizers, pre_tokenizers, cuts
):
    assert Pipeline.of(tokenizer(normalizers, pre_tokenizers)).cuts() == cuts


@pytest.mark.parametrize(("normalizers", "pre_tokenizers"), NOT_CUT)
def test_cutting_is_not_allowed_where_something_looks_across(normalizers, pre_tokenizers):
    assert Pipeline.of(tokenizer(normalizers, pre_tokenizers)).cuts() is None


def test_cutting_unrolls_sequences_in_sequences():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    nested = Tokenizer(models.WordLevel())
    nested.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Sequence([normalizers.Lowercase()])]
    )
    nested.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Sequence([pre_tokenizers.Whitespace()])])
    pipeline = Pipeline.of(nested.to_str())
    assert [block["type"] for block in (*pipeline.normalizers, *pipeline.pre_tokenizers)] == [
        "NFC",
        "Lowercase",
        "Whitespace",
    ]
    assert Pipeline.of(nested.to_str()).as_json() == pipeline.as_json()


def _is_white(character):
    return character.isspace() or character <= " "


def _chunks_of_item(item, cuts):
    bounds = [i for i in range(1, len(item)) if item[i] in cuts and not _is_white(item[i - 1])]
    return [item[start:end] for start, end in zip([0, *bounds], [*bounds, len(item)], strict=True)]


def _wanted(items, cuts):
    return [chunk for item in items for chunk in _chunks_of_item(item, cuts) if chunk]


def _cut(items, cuts):
    before, ahead, chunks, row, done = cuts_before(cuts), chunk_buffer(), [], 0, 0
    while row < len(items):
        number, row, done = chunk_kernels.find_chunks(
            items.data, items.starts, items.ends, row, done, before, ahead, 0, None
        )
        for start, length in ahead[:number, :2].tolist():
            chunks.append(items.data[start : start + length].tobytes().decode())
    return chunks


@settings(max_examples=300, deadline=None)
@given(st.one_of(_texts, rows), st.sampled_from([BLANKS, SPACE]))
def test_cutting_is_done_at_the_start_of_white_space(text, cuts):
    *whole, last = text.split("\n")
    lines = [*(line + "\n" for line in whole), last]
    assert _cut(Strings.split(text.encode(), ord("\n"), keep_end=True), cuts) == _wanted(lines, cuts)
    assert _cut(Strings.split(text.encode(), 0), cuts) == _wanted(text.split("\0"), cuts)
    assert _cut(Strings.of_list([text, text]), cuts) == _wanted([text, text], cuts)


@pytest.mark.parametrize("cuts", [BLANKS, SPACE])
def test_cutting_of_long_texts_is_done_at_every_offset(cuts):
    chosen = random.Random(0)
    pieces = [*SPACES, *INVISIBLE, *VISIBLE, *"abcdefgh", " ", "\u3000 ", "\u00a0 ", "\u205f "]
    texts = ["a" * offset + white + " b" for offset in range(130) for white in ("", "\x85", "\u3000", "\n")]
    texts += ["".join(chosen.choices(pieces, k=chosen.randrange(600))) for _ in range(200)]
    assert _cut(Strings.of_list(texts), cuts) == _wanted(texts, cuts)


def test_cutting_knows_every_white_space_and_control_character():
    for point in (*range(0xD800), *range(0xE000, 0x110000, 5)):
        data = padded(chr(point).encode())
        assert chunk_kernels.white_before(data, len(data) - PADDING) == _is_white(chr(point)), hex(point)
