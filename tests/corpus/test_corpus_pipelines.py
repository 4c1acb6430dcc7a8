"""Every pipeline that may be cut gives the words of the reference, on text of every kind of character."""

from __future__ import annotations

import functools
import unicodedata

import pytest
from corpus_pipelines import PIPELINES, RECIPE_PIPELINES, cuttable, tokenizer
from corpus_texts import TORTURE, difference, in_lines, in_rows, lines_of, reference, rows, texts
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.corpus.cutting import Pipeline

RECIPES = [*RECIPE_PIPELINES]
AT_ONCE = 1 << 14

# What takes seconds is computed by the first test that needs it, not by every worker that collects the tests.
CUTTABLE = st.deferred(lambda: st.sampled_from(cuttable()))
SPLIT_BY_TABLES = st.deferred(
    lambda: st.sampled_from(
        [
            names
            for names in cuttable()
            if names[1] in (("bert",), ("byte-level",), ("whitespace",), ("whitespace-split",))
        ]
    )
)
"""What goes through `characters` and `split_kernels`; the reference splits the chunks of all others."""


@functools.cache
def encodable():
    return [chr(point) for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000]


@functools.cache
def assigned():
    return [c for c in encodable() if unicodedata.category(c) not in ("Cn", "Co")]


_counts = st.sampled_from((1, 1, 1, 2, 3, 1000))
_marks = st.characters(categories=["Mn", "Mc", "Me"])
_marked = st.lists(
    st.one_of(_marks, _marks, st.sampled_from("aeかᄀ가ཀकสИ𝅗 \u200d\uff9e"), st.characters(categories=["L"]))
).map("".join)


def _check_lines(names, text):
    json = tokenizer(*names)
    assert difference(in_lines(json, text), reference(json, lines_of(text))) == {}


def _check_rows(names, items):
    json = tokenizer(*names)
    assert difference(in_rows(json, items), reference(json, items)) == {}


def test_pipelines_all_recipes_may_be_cut_and_most_others_may_not():
    assert {*RECIPE_PIPELINES.values()} <= {*cuttable()}
    assert 1000 < len(cuttable()) < len(PIPELINES) / 4


def test_pipelines_each_counts_every_kind_of_text_as_the_reference():
    for number, names in enumerate(cuttable()):
        short = len(names[0]) < 2
        for text in TORTURE if short and number % 3 == 0 else [TORTURE[number % len(TORTURE)]]:
            _check_lines(names, text)


@settings(max_examples=300, deadline=None)
@given(CUTTABLE, st.lists(st.tuples(texts, _counts), max_size=4))
def test_pipelines_count_random_lines_as_the_reference(names, lines):
    _check_lines(names, "".join((line + "\n") * count for line, count in lines))


@settings(max_examples=150, deadline=None)
@given(CUTTABLE, st.lists(st.tuples(rows, _counts), max_size=4))
def test_pipelines_count_random_rows_as_the_reference(names, items):
    _check_rows(names, [item for item, count in items for _ in range(count)])


@pytest.mark.parametrize("name", RECIPES)
def test_pipelines_of_recipes_count_random_text_as_the_reference(name):
    @settings(max_examples=50, deadline=None)
    @given(st.lists(texts, max_size=6), st.lists(rows, max_size=6))
    def check(lines, items):
        _check_lines(RECIPE_PIPELINES[name], "\n".join(lines))
        _check_rows(RECIPE_PIPELINES[name], items)

    check()


@settings(max_examples=200, deadline=None)
@given(SPLIT_BY_TABLES, _marked)
def test_pipelines_count_marks_in_any_order_as_the_reference(names, text):
    _check_lines(names, text)


@pytest.mark.parametrize("name", ["bert-uncased", "bert-cased", "korean", "gpt2"])
def test_pipelines_of_recipes_treat_assigned_characters_as_the_reference(name):
    characters = assigned()
    for start in range(0, len(characters), AT_ONCE):
        text = "".join(f"a{c}b {c}\n" for c in characters[start : start + AT_ONCE : 7])
        _check_lines(RECIPE_PIPELINES[name], text)


@pytest.mark.long
@pytest.mark.parametrize("name", RECIPES)
def test_pipelines_of_recipes_treat_every_code_point_as_the_reference(name):
    characters = encodable()
    for start in range(0, len(characters), AT_ONCE):
        text = "".join(f"a{c}b {c} 1{c}2 a {c} !{c}{c}\n" for c in characters[start : start + AT_ONCE])
        _check_lines(RECIPE_PIPELINES[name], text)


TABLE_PIPELINES = [
    ((normalizer,) if normalizer else (), (pre_tokenizer,))
    for normalizer in ("", "lowercase", "nmt", "strip-accents", "nfd", "nfkd", "nfkc")
    for pre_tokenizer in ("whitespace", "whitespace-split", "byte-level")
]


@pytest.mark.long
@pytest.mark.parametrize(
    "names", [names for names in TABLE_PIPELINES if Pipeline.of(tokenizer(*names)).cuts() is not None]
)
def test_pipelines_split_by_tables_treat_every_code_point_as_the_reference(names):
    characters = assigned()
    for start in range(0, len(characters), AT_ONCE):
        text = "".join(f"a{c}b {c} 1{c}2 a {c}\u0301{c}\n" for c in characters[start : start + AT_ONCE])
        _check_lines(names, text)


@pytest.mark.long
@settings(max_examples=5_000, deadline=None)
@given(CUTTABLE, st.lists(texts, max_size=6), st.lists(rows, max_size=6))
def test_pipelines_count_thousands_of_random_texts_as_the_reference(names, lines, items):
    _check_lines(names, "\n".join(lines))
    _check_rows(names, items)


@pytest.mark.long
@settings(max_examples=5_000, deadline=None)
@given(SPLIT_BY_TABLES, _marked)
def test_pipelines_count_thousands_of_marks_in_any_order_as_the_reference(names, text):
    _check_lines(names, text)


@pytest.mark.long
def test_pipelines_each_counts_all_kinds_of_text_as_the_reference():
    for names in cuttable():
        for text in TORTURE:
            _check_lines(names, text)
