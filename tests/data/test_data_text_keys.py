"""Keys of texts: what makes two texts the same, and leaks."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.data.duplicates import text_keys

SMALL = st.lists(
    st.tuples(st.sampled_from(["a", "A", "b", "ä", " a", None]), st.sampled_from(["x", "y", None]))
)


def _series(values):
    return pl.Series(values, dtype=pl.String)


@given(SMALL, SMALL)
def test_text_keys_leaked(first, second):
    there = Counter(text for text, _ in first if text is not None)
    leaked = text_keys.leaked(_series([t for t, _ in first]), _series([t for t, _ in second]))
    assert leaked.to_list() == [text in there for text, _ in second]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Hello, World!", "hello world"),
        ("  a \u3000 b\n", "a b"),
        ("ＡＢＣ　ﬁ", "abc fi"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("「안녕」하세요…", "안녕 하세요"),
        ("!!!", "!!!"),
        ("great 😀", "great 😀"),
        ("5 > 3", "5 > 3"),
        (None, None),
        ("", ""),
    ],
)
def test_text_keys_normalized(text, key):
    assert text_keys.normalized(_series([text])).to_list() == [key]


def test_text_keys_normalized_keeps_rows_in_place():
    assert text_keys.normalized(_series(["B.", None, "a", "b"])).to_list() == ["b", None, "a", "b"]
