"""Which pipelines may be cut, and where the kernel cuts."""

from __future__ import annotations

import numpy as np
import pytest
from corpus_pipelines import tokenizer
from corpus_texts import INVISIBLE, SPACES, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.corpus import chunk_kernels
from tokkit.corpus.cutting import BLANKS, Pipeline
from tokkit.corpus.cutting import SPACES as SPACE
from tokkit.corpus.text_blocks import NEWLINE, NONE, NUL, Block

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

    made = Tokenizer(models.WordLevel())
    made.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Sequence([normalizers.Lowercase()])]
    )
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Sequence([pre_tokenizers.Whitespace()])])
    pipeline = Pipeline.of(made.to_str())
    assert [block["type"] for block in (*pipeline.normalizers, *pipeline.pre_tokenizers)] == [
        "NFC",
        "Lowercase",
        "Whitespace",
    ]
    assert Pipeline.of(made.to_str()).as_json() == pipeline.as_json()


def _is_white(character):
    return character.isspace() or character <= " "


def _chunks_of_item(item, cuts):
    places = [i for i in range(1, len(item)) if item[i] in cuts and not _is_white(item[i - 1])]
    return [item[start:end] for start, end in zip([0, *places], [*places, len(item)], strict=True)]


def _wanted(text, separator, cuts):
    items = [text]
    if separator == NUL:
        items = text.split("\0")
    elif separator == NEWLINE:
        *whole, last = text.split("\n")
        items = [*(line + "\n" for line in whole), last]
    return [chunk for item in items for chunk in _chunks_of_item(item, cuts) if chunk]


def _found(text, separator, cuts):
    block = Block.of(text.encode(), separator, 0)
    before = np.zeros(33, np.bool_)
    before[[ord(character) for character in cuts]] = True
    start, end, chunks = chunk_kernels.BEFORE, chunk_kernels.BEFORE + block.size, []
    while start < end:
        stop = chunk_kernels.chunk_end(block.data, start, end, separator, before)
        if stop > start:
            chunks.append(block.data[start:stop].tobytes().decode())
        start = stop + 1 if separator == NUL else stop
        if separator == NUL and start <= end and block.data[stop] != 0:
            start = stop
    return chunks


@settings(max_examples=300, deadline=None)
@given(st.one_of(_texts, rows), st.sampled_from([NEWLINE, NUL, NONE]), st.sampled_from([BLANKS, SPACE]))
def test_cutting_is_done_at_the_start_of_white_space(text, separator, cuts):
    assert _found(text, separator, cuts) == _wanted(text, separator, cuts)


def test_cutting_knows_every_white_space_and_control_character():
    for point in (*range(0xD800), *range(0xE000, 0x110000, 5)):
        encoded = chr(point).encode()
        data = np.frombuffer(b"\x0a" * chunk_kernels.BEFORE + encoded, np.uint8)
        assert chunk_kernels.white_before(data, len(data)) == _is_white(chr(point)), hex(point)
