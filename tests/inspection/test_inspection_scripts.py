"""Scripts of text, against the Script property that the `regex` package holds."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tokkit.inspection.statistics.scripts import main_script, script_of, stretches

LIVING = (
    *("Latin", "Greek", "Cyrillic", "Armenian", "Hebrew", "Arabic", "Syriac", "Thaana", "Devanagari"),
    *("Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala"),
    *("Thai", "Lao", "Tibetan", "Myanmar", "Georgian", "Hangul", "Ethiopic", "Cherokee", "Khmer"),
    *("Mongolian", "Hiragana", "Katakana", "Han", "Bopomofo", "Javanese", "Yi", "Old_Italic"),
)
VARIANTS = ("MODIFIER", "SCRIPT", "DOUBLE-STRUCK", "BLACK-LETTER", "ORDINAL", "KELVIN", "ANGSTROM", "OHM")
VARIANTS += ("TURNED", "ONE HUNDRED", "ITERATION MARK", "ALTERNATE READING")
"""Words in the names of letters that are symbols as much as letters: these are not asked for."""


@pytest.mark.parametrize("script", LIVING)
def test_scripts_of_letters_are_those_of_the_property(script):
    pattern = regex.compile(rf"\p{{Script={script}}}")
    ours = "Japanese" if script in ("Hiragana", "Katakana") else script.replace("_", " ")
    letters = [
        character
        for character in map(chr, range(0x30000))
        if unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo") and pattern.match(character)
    ]
    wrong = [
        unicodedata.name(character)
        for character in letters
        if script_of(character) != ours and not any(word in unicodedata.name(character) for word in VARIANTS)
    ]
    assert letters
    assert wrong == []


@given(st.characters())
def test_scripts_are_only_those_of_letters_and_marks(character):
    if unicodedata.category(character)[0] not in "LM":
        assert script_of(character) is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("", None),
        ("123 !? 👩‍👩‍👧", None),
        ("hello мир", "Latin"),
        ("漢字", "Han"),
        ("漢字だ", "Japanese"),
        ("ｆｕｌｌ", "Latin"),
        ("שלום", "Hebrew"),
        ("e\u0301", "Latin"),
    ],
)
def test_scripts_main_script_is_that_of_most_letters(text, script):
    assert main_script(text) == script


@given(st.lists(st.sampled_from(["see", "서울", "漢字", "かな", "12", "мир", "!", "สวัสดี"]), max_size=12))
def test_scripts_stretches_hold_every_word_once_and_in_order(words):
    parts = stretches("  ".join(words))
    assert " ".join(part for _, part in parts).split() == words
    scripts = [script for script, _ in parts]
    assert all(first != second for first, second in itertools.pairwise(scripts))
    assert None not in scripts or scripts == [None]


def test_scripts_a_text_of_one_script_stays_as_it_is():
    assert stretches("  나는   학교에 \n 갔다. 3 ") == [("Hangul", "  나는   학교에 \n 갔다. 3 ")]
    assert stretches("") == [(None, "")]
