"""Which rows go and why: against plain Python that compares every row with every other."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.data.cleaning import clean_options, dropping

PAIRS = st.lists(
    st.tuples(st.sampled_from(["a", "A", "a!", "b", "b b", "c"]), st.sampled_from("xyz")), max_size=12
)
KEYS = {
    "exact": lambda text: text,
    "none": lambda text: text,
    "normalized": lambda text: text.strip("!").lower(),
}


def rows_of(*pairs):
    columns = {
        "text": pl.Series([text for text, _ in pairs], dtype=pl.String),
        "label": pl.Series([label for _, label in pairs], dtype=pl.String),
    }
    return dropping.table_of_rows(columns, {})


def grouped(pairs, how="exact"):
    return dropping.grouped(rows_of(*pairs), how)


def groups_of(pairs, how):
    """The row numbers of every group, by plain Python."""
    groups = {}
    for number, (text, _) in enumerate(pairs):
        groups.setdefault(KEYS[how](text), []).append(number)
    return list(groups.values())


def reasons(drops):
    return dict(drops.select("row", "reason").iter_rows())


def originals(drops):
    return {
        row: (split, original)
        for row, split, original in drops.select("row", "kept_split", "kept_row").rows()
    }


@pytest.mark.parametrize("how", KEYS)
@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_clean_groups_hold_the_rows_of_one_text(how, pairs):
    table = grouped(pairs, how)
    assert table["row"].to_list() == list(range(len(pairs)))
    groups = [rows["row"].to_list() for _, rows in table.group_by("group", maintain_order=True)]
    assert groups == groups_of(pairs, how)


@pytest.mark.parametrize("keep", clean_options.KEEP)
@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_clean_one_row_of_each_group_stays(keep, pairs):
    drops = dropping.copies("train", grouped(pairs, "normalized"), keep)
    groups = groups_of(pairs, "normalized")
    for group in groups:
        (kept_row,) = [row for row in group if row not in reasons(drops)]
        kept_text, kept_label = pairs[kept_row]
        if keep == "first":
            assert kept_row == group[0]
        elif keep == "longest":
            assert len(kept_text) == max(len(pairs[row][0]) for row in group)
        else:
            labels = Counter(pairs[row][1] for row in group)
            assert labels[kept_label] == max(labels.values())
        for row in group:
            if row != kept_row:
                is_exact = pairs[row][0] == kept_text
                assert reasons(drops)[row] == ("exact duplicate" if is_exact else "normalized duplicate")
                assert originals(drops)[row] == ("train", kept_row)
    assert set(reasons(drops)) <= {row for group in groups if len(group) > 1 for row in group}


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_clean_conflicts_leave_no_text_with_two_labels(pairs):
    for conflicts in ("drop", "majority"):
        drops = reasons(dropping.conflicting(grouped(pairs), conflicts))
        assert set(drops.values()) <= {"conflicting labels"}
        left = [pair for row, pair in enumerate(pairs) if row not in drops]
        assert dropping.contradicting(grouped(left)).height == 0
        for text in {text for text, _ in pairs}:
            labels = Counter(label for other, label in pairs if other == text)
            ranked = sorted(labels.values(), reverse=True)
            expected = sum(labels.values()) if len(labels) == 1 else 0
            if conflicts == "majority" and len(labels) > 1 and ranked[0] > ranked[1]:
                expected = ranked[0]
            assert sum(other == text for other, _ in left) == expected


def test_clean_a_label_that_leads_alone_stays_and_a_tie_goes():
    pairs = [("a", "x"), ("a", "y"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "x"), ("c", "x")]
    assert sorted(reasons(dropping.conflicting(grouped(pairs), "majority"))) == [0, 3, 4]
    assert sorted(reasons(dropping.conflicting(grouped(pairs), "drop"))) == [0, 1, 2, 3, 4]


def test_clean_ties_keep_the_first():
    pairs = [("a", "y"), ("a", "x"), ("a!", "x"), ("A?", "y")]
    table = grouped(pairs, "normalized")
    assert sorted(reasons(dropping.copies("s", table, "majority-label"))) == [1, 2, 3]
    assert sorted(reasons(dropping.copies("s", table, "longest"))) == [0, 1, 3]


def test_clean_near_copies_say_how_near_they_are():
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    pairs = [(text, "x"), (f"{text} more", "x"), (text, "x"), (f"{text.upper()}!", "x"), ("else", "x")]
    assert reasons(dropping.copies("train", grouped(pairs, "near"), "first")) == {
        1: "near duplicate",
        2: "exact duplicate",
        3: "normalized duplicate",
    }


def test_clean_leaks_go_from_one_split_and_name_the_row_they_met():
    splits = {
        "train": rows_of(("a", "x"), ("b", "x"), ("B!", "x"), ("c", "x")),
        "validation": rows_of(("z", "x"), ("b", "y")),
        "test": rows_of(("b", "x"), ("a", "x")),
    }
    expected = {0: ("test", 1), 1: ("validation", 1)}
    for how in ("exact", "none"):
        leaks = dropping.leaking(splits, how)
        assert reasons(leaks) == {0: "in another split", 1: "in another split"}
        assert originals(leaks) == expected
    assert originals(dropping.leaking(splits, "normalized")) == {**expected, 2: ("validation", 1)}


def test_clean_incomplete_and_out_of_limits():
    rows = rows_of((None, "x"), ("a", None), (None, None), ("b", "y"))
    assert rows["reason"].to_list() == ["missing text", "missing label", "missing text", None]
    rows = rows_of(("", "x"), ("a", "x"), ("ab", "x"), ("abc", "x"), ("abcd", "x"), (None, "x"))
    length = pl.col("text").str.len_chars()
    for reason, condition in (("empty", length == 0), ("short", length < 2), ("long", length > 3)):
        rows = dropping.drop(rows, condition, reason)
    assert rows["reason"].to_list() == ["empty", "short", None, None, "long", "missing text"]
