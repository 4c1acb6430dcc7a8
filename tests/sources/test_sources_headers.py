"""Header lines and separators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.errors import UsageError
from tokkit.sources.formats import headers


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        (["text,label"], ","),
        (["text;label", "a, b, c;joy"], ";"),
        (["id\tdocument\tlabel", "1\ta, b; c\tpositive"], "\t"),
        (["satz|art", "eins, zwei|x", "drei|y"], "|"),
        (["just prose", "and, more of it"], None),
        (["one"], None),
        (["text;label", '"a;b";joy'], ";"),
        (["a\rb", "c\rd"], None),
    ],
)
def test_headers_sniff_separator(lines, separator):
    assert headers.sniff_separator(lines) == separator


@given(st.lists(st.text(), min_size=1), st.sampled_from(headers.SEPARATORS))
def test_headers_read_any_line(lines, separator):
    headers.sniff_separator(lines)
    assert headers.split_line(lines[0] + "\n", separator) is not None


def test_headers_split_line_takes_a_field_of_any_length():
    assert headers.split_line("a" * 300_000 + ";b", ";") == ["a" * 300_000, "b"]


@pytest.mark.parametrize(
    ("typed", "meant"), [(r"\t", "\t"), ("tab", "\t"), (";", ";"), ("\t", "\t"), ("¦", "¦")]
)
def test_headers_separator_of_takes_what_is_typed(typed, meant):
    assert headers.separator_of(typed) == meant


@pytest.mark.parametrize("typed", ["", ";;", '"', "\n", "comma"])
def test_headers_separator_of_refuses_the_rest(typed):
    with pytest.raises(UsageError, match="--sep"):
        headers.separator_of(typed)


@pytest.mark.parametrize(
    ("cells", "column", "data"),
    [
        (["what a nice day", "joy"], ["x", "y"], True),
        (["short", "joy"], ["anger", "joy"], True),
        (["2754046", "joy"], ["1", "2"], True),
        (["0", "1"], ["a b", "c"], False),
        (["utterance_text", "mood"], ["a", "b"], False),
        (["what a nice day", "label"], ["a", "label"], False),
        (["", "mood"], [None, None], False),
    ],
)
def test_headers_looks_like_data(cells, column, data):
    assert headers.looks_like_data(cells, [column, column]) is data
