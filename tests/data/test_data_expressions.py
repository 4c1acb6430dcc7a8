"""Expressions over columns: what they mean, and the errors of those that are invalid."""

from __future__ import annotations

import contextlib
import operator

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokkit.data.loading.expressions import compile_condition, compile_value
from tokkit.errors import UsageError

FRAME = pl.DataFrame(
    {
        "text": ["so glad today", "한국어 문장", 'it\'s "x"', None, ""],
        "label": ["joy", "anger", "joy", "1", None],
        "stars": ["5", " 2.5", "none", "-1", None],
        "small": pl.Series([1, 2, 3, 4, None], dtype=pl.UInt8),
        "score": [0.5, float("nan"), None, 2.0, -1.0],
        "sure": [True, False, None, True, True],
        "the body": ["a", "b", "c", "d", "e"],
        "meta": [{"x": {"y": "deep"}}, {"x": {"y": None}}, None, {"x": {"y": "deep"}}, {"x": None}],
        "tags": [["a"], [], None, ["b"], ["c"]],
    }
)


def _rows(text):
    selected = FRAME.with_row_index("row").filter(compile_condition(text, FRAME.schema, "--where"))
    return selected["row"].to_list()


def _values(text):
    return FRAME.select(compile_value(text, FRAME.schema, "--add x").expression.alias("x"))["x"].to_list()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("label == 'joy'", [0, 2]),
        ('label=="joy"', [0, 2]),
        ("label != 'joy'", [1, 3, 4]),
        ("not label == 'joy'", [1, 3, 4]),
        ("label == 1", [3]),
        ("label != 1", [0, 1, 2, 4]),
        ("label in ('joy', 1)", [0, 2, 3]),
        ("label not in ('joy', 'anger')", [3, 4]),
        ("stars in (5, 2.5)", [0, 1]),
        ("label is missing", [4]),
        ("text is not missing", [0, 1, 2]),
        ("text is missing", [3, 4]),
        ("score is missing", [1, 2]),
        ("tags is missing", [2]),
        ("strip('  ') is missing", [0, 1, 2, 3, 4]),
        ("stars > 2", [0, 1]),
        ("stars >= -1", [0, 1, 3]),
        ("-stars == 1", [3]),
        ("small - 2 < 0", [0]),
        ("small * 200 == 800", [3]),
        ("score < 1", [0, 4]),
        ("label < 'b'", [1, 3]),
        ("sure", [0, 3, 4]),
        ("not sure", [1, 2]),
        ("sure and label == 'joy'", [0]),
        ("label == 'joy' or label == 'anger' and small > 5", [0, 2]),
        ("(label == 'joy' or label == 'anger') and small > 1", [1, 2]),
        ("text contains 'glad'", [0]),
        ("text not contains 'glad'", [1, 2, 3, 4]),
        ("text contains '.'", []),
        ("text matches '^so .*y$'", [0]),
        ("text matches '\\p{Hangul}'", [1]),
        ("text contains 'it''s'", [2]),
        ('text contains """x"""', [2]),
        ("words(text) == 3", [0]),
        ("len(text) == 6", [1]),
        ("upper(lower(label)) == 'JOY'", [0, 2]),
        ("number(strip(stars)) == 2.5", [1]),
        ("`the body` == 'b'", [1]),
        ("meta.x.y == 'deep'", [0, 3]),
        ("label == label", [0, 1, 2, 3]),
        ("'joy' == label", [0, 2]),
    ],
)
def test_expressions_select_rows(text, rows):
    assert _rows(text) == rows


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("label + ': ' + `the body`", ["joy: a", "anger: b", "joy: c", "1: d", None]),
        ("small / 2", [0.5, 1.0, 1.5, 2.0, None]),
        ("1 / (small - 1)", [None, 1.0, 0.5, 1 / 3, None]),
        ("2 + 3 * 4 - 1", [13]),
        ("(2 + 3) * -4", [-20]),
        ("text(small) + '!'", ["1!", "2!", "3!", "4!", None]),
        ("words(text)", [3, 2, 2, None, None]),
        ("small > 2", [False, False, True, True, False]),
    ],
)
def test_expressions_compute(text, values):
    assert _values(text) == values


@pytest.mark.parametrize(
    ("text", "message", "here"),
    [
        ("label = 'joy'", '"=" at character 7: == was expected', "label  >>> = 'joy'"),
        ("label == joy", '"joy" at character 10: no such column', "label ==  >>> joy"),
        ("lable == 'joy'", 'no such column (did you mean "label"?)', ">>> lable"),
        ("label == 'joy", "\"'\" at character 10: a second ' was expected", ">>> 'joy"),
        ("label ==", "at the end: a column, a text in quotes, a number or ( was expected", "label == >>>"),
        (
            "label == 'joy' stars > 1",
            '"stars" at character 16: and, or, a comparison, or the end',
            ">>> stars",
        ),
        ("(label == 'joy'", "at the end: ) was expected", ">>>"),
        ("label in 'joy'", "( was expected", ">>> 'joy'"),
        ("label in (stars)", "a text in quotes or a number was expected", ">>> stars"),
        ("label not == 'joy'", "in, contains or matches was expected", ">>> =="),
        ("label is null", '"null" at character 10: missing was expected', ">>> null"),
        ("label && stars", "and was expected", ">>> &&"),
        ("lenght(text) > 1", "no such function", ">>> lenght"),
        ("__import__('os')", "no such function", ">>> __import__"),
        ("text matches '('", "invalid regular expression", ">>> matches"),
        ("text matches label", "a regular expression in quotes was expected", ">>> matches"),
        ("label", "is a text, not a condition", ""),
        ("label and stars", "a condition was expected", ">>> and"),
        ("sure + 1 > 2", "a number was expected, not a yes or no", ">>> +"),
        ("tags == 'a'", "a text was expected, not a list", ">>> =="),
        ("label == ''", "is missing, or is not missing, was expected", ">>> =="),
        ("meta.x.z == 1", "no such column", ">>> meta.x.z"),
        ("", "at the end", ">>>"),
        ("(" * 100 + "1" + ")" * 100, "nested more than 50 deep", ">>>"),
        ("1 + " * 1000 + "1 > 0", "more than 1000 parts", ">>>"),
    ],
)
def test_expressions_that_are_invalid_name_the_position(text, message, here):
    with pytest.raises(UsageError) as caught:
        compile_condition(text, FRAME.schema, "--where")
    assert caught.value.message.startswith("--where: ")
    assert message in caught.value.message
    assert here in caught.value.hint


def test_expressions_of_many_parts_are_computed():
    assert _rows(" or ".join(["label == 'no'"] * 240 + ["label == 'joy'"])) == [0, 2]
    assert _values("+".join(["1"] * 480)) == [480]


@given(st.text())
def test_expressions_of_any_text_are_read_or_refused(text):
    with contextlib.suppress(UsageError):
        compile_value(text, FRAME.schema, "--where")


NUMBERS = st.integers(-50, 50)
SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@st.composite
def _sums(draw, depth=0):
    """An expression, and what Python makes of it."""
    if depth > 3 or draw(st.booleans()):
        number = draw(NUMBERS)
        return str(number), number
    (one, first), (other, second) = draw(_sums(depth + 1)), draw(_sums(depth + 1))
    sign = draw(st.sampled_from(sorted(SIGNS)))
    return f"({one} {sign} {other})", SIGNS[sign](first, second)


def test_numbers_that_are_written_have_64_bits():
    assert _values("8 * 19 * (23 * 32) * (35 * 50) * 11 > 2147483647") == [True]
    assert _values("65536 * 65536") == [4_294_967_296]


@given(_sums(), _sums(), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
def test_expressions_of_numbers_are_what_python_makes_of_them(one, other, sign):
    (left, first), (right, second) = one, other
    expected = {
        **{"==": operator.eq, "!=": operator.ne, "<": operator.lt},
        **{"<=": operator.le, ">": operator.gt, ">=": operator.ge},
    }[sign](first, second)
    assert _values(f"{left} {sign} {right}") == [expected]


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_expressions_hold_any_text_in_quotes(text):
    for quote in "'\"":
        written = quote + text.replace(quote, quote * 2) + quote
        assert _values(written) == [text]


def test_a_text_that_spells_nan_is_no_number():
    frame = pl.DataFrame({"n": ["nan", " NaN", "1", "-1"]})
    for condition, rows in (("n > 0", ["1"]), ("n < 0", ["-1"])):
        assert frame.filter(compile_condition(condition, frame.schema, "--where"))["n"].to_list() == rows
