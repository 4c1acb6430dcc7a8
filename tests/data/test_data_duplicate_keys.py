"""Keys computed by kernels are those of `text_keys.normalized`."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.data.duplicates import text_keys
from tokkit.data.duplicates.duplicate_keys import DuplicateKeys
from tokkit.runtime.strings import Strings

COMPOSING = "e\u0301\u0323\u1161\u11a8\u1100각가\u09c7\u09beが\u3099ﬁ①…\u037e\u00b4ﷺ\u212b\u1fbe"
KEYS = DuplicateKeys(python_bytes=0)


def _keys(texts):
    return KEYS.of(Strings.of_list(texts)).to_list()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(COMPOSING + " .!\n\x1f"))))
@settings(deadline=None)
def test_duplicate_keys_are_those_of_normalized(texts):
    assert _keys(texts) == [text_keys.key_of(text) for text in texts]


def _assigned(last):
    codes = (chr(code) for code in range(1, last) if not 0xD800 <= code < 0xE000)
    return [character for character in codes if unicodedata.category(character) != "Cn"]


def _check_all(last):
    for form in ("{}", "a{}", "가{}b", "{0}.{0}"):
        texts = [form.format(character) for character in _assigned(last)]
        for first in range(0, len(texts), 10_000):
            some = texts[first : first + 10_000]
            assert _keys(some) == [text_keys.key_of(text) for text in some]


def test_duplicate_keys_of_the_characters_of_many_languages():
    _check_all(0x3400)


@pytest.mark.long
def test_duplicate_keys_of_every_character():
    _check_all(sys.maxunicode + 1)


def test_duplicate_keys_of_texts_that_grow_and_of_none():
    assert _keys(["\ufdfa" * 20_000, "", "\ufdfa"])[0] == text_keys.key_of("\ufdfa" * 20_000)
    assert _keys([]) == []
    assert _keys(["!!!", "", "?"]) == ["!!!", "", "?"]


def test_duplicate_keys_of_small_texts_come_from_python_and_then_from_kernels():
    keys = DuplicateKeys(python_bytes=30)
    texts = Strings.of_list(["Straße!", "", "ﬁ  x\n"])
    for _ in range(3):
        assert keys.of(texts).to_list() == ["strasse", "", "fi x"]
    assert keys._python_bytes < texts.size
