"""What kernels measure is what Python measures, text by text."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.inspection.statistics import scripts, text_measures
from tokkit.inspection.statistics.text_measures import MARKS, TextMeasures
from tokkit.runtime.strings import Strings

MEASURES = TextMeasures()
HARD = "a가漢か\u0301 \x1c\x85\u00a0\u3000\t\n<br/>&amp;#x27;Ã©â€™\ufffd\u200b\x00👩\u200d"
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(HARD)))
HOLDS = {
    "html": text_measures.has_html,
    "controls": text_measures.has_controls,
    "mojibake": text_measures.has_mojibake,
}


@given(TEXTS)
@settings(deadline=None)
def test_stats_measures_are_those_of_python(texts):
    measured = MEASURES.of(Strings.of_list(texts))
    assert measured.characters.tolist() == [len(text) for text in texts]
    assert measured.words.tolist() == [len(text.split()) for text in texts]
    names = [MEASURES.scripts[number] for number in measured.scripts.tolist()]
    assert names == [scripts.main_script(text) for text in texts]
    for mark, bit in MARKS.items():
        assert [bool(marks & bit) for marks in measured.marks.tolist()] == [
            HOLDS[mark](text) for text in texts
        ]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("plain text, x < 3 & y > 2, <user> <3", set()),
        ("a<br />b", {"html"}),
        ("Tom &amp; Jerry", {"html"}),
        ("<div class='x'>a</div>", {"html"}),
        ("a\x07b", {"controls"}),
        ("soft\u00adhyphen", {"controls"}),
        ("👩\u200d👧 می\u200cخواهم", set()),
        ("schÃ¶n, itâ€™s", {"mojibake"}),
        ("schön, São Paulo, ÄÖÜ, naïve «Âge»", set()),
        ("lost \ufffd", {"mojibake"}),
        ("í•œêµ\xadì–´", {"mojibake", "controls"}),
        ("한국어", set()),
    ],
)
def test_stats_measures_mark_what_is_to_be_cleaned(text, marks):
    bits = MEASURES.of(Strings.of_list([text])).marks[0]
    assert {name for name, bit in MARKS.items() if bits & bit} == marks


@given(TEXTS)
@settings(deadline=None)
def test_string_columns_hold_what_polars_holds(texts):
    series = pl.Series(texts, dtype=pl.String)
    assert Strings.of_series(series).to_list() == texts
    assert Strings.of_series(series[1:]).take(slice(None, None, 2)).to_list() == texts[1::2]
