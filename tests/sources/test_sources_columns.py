"""Which column holds the text, which the label."""

from __future__ import annotations

import polars as pl
import pytest

from tokkit.errors import InputError
from tokkit.sources.columns import choose


def _columns(frame, text=None, label=None):
    chosen = choose(frame, "a.csv", text=text, label=label)
    return chosen.text, chosen.label


def test_columns_are_guessed_by_name_whatever_their_case():
    frame = pl.DataFrame({"ID": [1, 2], "Label": ["a", "a"], "Text": ["x", "y"]})
    assert _columns(frame) == ("Text", "Label")


def test_columns_are_guessed_by_content():
    frame = pl.DataFrame(
        {
            "key": [f"k{i}" for i in range(10)],
            "satz": [f"ein langer Satz, Nummer {i}" for i in range(10)],
            "gefühl": ["gut", "schlecht"] * 5,
        }
    )
    assert _columns(frame) == ("satz", "gefühl")


def test_columns_a_long_text_beats_a_rare_longer_one():
    frame = pl.DataFrame({"note": [None] * 9 + ["n" * 100], "satz": ["ein Satz mit Worten"] * 9 + ["x"]})
    assert _columns(frame)[0] == "satz"


def test_columns_an_id_is_never_guessed():
    frame = pl.DataFrame({"ID": ["0123456789abcdef", "0123456789abcdef"], "worte": ["a", "b"]})
    assert _columns(frame)[0] == "worte"


def test_columns_one_column_has_no_label():
    assert _columns(pl.DataFrame({"text": ["a", "a", "b"]})) == ("text", None)


def test_columns_are_named_or_numbered():
    frame = pl.DataFrame({"a": ["1"], "b": ["2"], "c": ["3"]})
    assert _columns(frame, "2", "a") == ("c", "a")


def test_columns_the_label_asked_for_is_not_guessed_as_text():
    frame = pl.DataFrame({"title": ["x", "y"], "plot": ["long story", "another"]})
    assert _columns(frame, None, "title") == ("plot", "title")


@pytest.mark.parametrize("requested", ["lable", "²", "7", "-1"])
def test_columns_an_unknown_name_tells_those_there_are(requested):
    frame = pl.DataFrame({"text": ["a"], "label": ["b"]})
    with pytest.raises(InputError, match=f'a.csv: no column "{requested}".*it has: text, label') as caught:
        _columns(frame, None, requested)
    assert caught.value.hint == "name one of them:\n--label-column label"


def test_columns_of_other_texts_are_suggested_by_letters_of_hangul_and_by_length():
    frame = pl.DataFrame({"리뷰": ["아주 좋은 영화"], "감정": ["긍정"]})
    for requested, suggested in {"리부": "리뷰", "본문": "리뷰"}.items():
        with pytest.raises(InputError, match="no column") as caught:
            _columns(frame, requested, None)
        assert caught.value.hint == f"name one of them:\n--text-column '{suggested}'"


def test_columns_did_you_mean():
    with pytest.raises(InputError, match=r'\(did you mean "label"\?\)'):
        _columns(pl.DataFrame({"text": ["a"], "label": ["b"]}), None, "lable")


def test_columns_text_and_label_differ():
    with pytest.raises(InputError, match='column "text" cannot hold both'):
        _columns(pl.DataFrame({"text": ["a"], "label": ["b"]}), "text", "text")


def test_columns_a_wrong_separator_names_the_flag():
    with pytest.raises(InputError, match="wrong separator") as caught:
        _columns(pl.DataFrame({"satz\tart": ["a\tb"]}))
    assert caught.value.hint == "name the separator:\n--sep '\\t'"


@pytest.mark.parametrize(
    ("values", "kind", "instead"),
    [
        ([["a"], ["b"]], "lists", "other"),
        ([{"a": 1}, {"a": 2}], "objects", "text.a"),
        ([b"a", b"b"], "bytes", "other"),
    ],
)
def test_columns_lists_objects_and_bytes_are_no_text(values, kind, instead):
    frame = pl.DataFrame({"text": values, "other": ["x", "y"]})
    with pytest.raises(InputError, match=f'column "text" holds {kind}') as caught:
        _columns(frame)
    assert caught.value.hint == f"name another:\n--text-column {instead}"
