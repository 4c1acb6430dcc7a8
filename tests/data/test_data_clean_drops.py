"""Which rows go and why: against plain Python that compares every row with every other."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.data.cleaning import clean_options, dropping
from tokkit.data.cleaning.dropping import Drop, Limit, Row

ROWS = st.lists(
    st.tuples(st.sampled_from(["a", "A", "a!", "b", "b b", "c"]), st.sampled_from("xyz")), max_size=12
).map(lambda pairs: [Row(number, text, label) for number, (text, label) in enumerate(pairs)])
KEYS = {
    "exact": lambda text: text,
    "none": lambda text: text,
    "normalized": lambda text: text.strip("!").lower(),
}


def rows_of(*pairs):
    return [Row(number, text, label) for number, (text, label) in enumerate(pairs)]


def grouped(rows, how="exact"):
    return dropping.by_group(rows, dropping.group_numbers([row.text for row in rows], how))


@pytest.mark.parametrize("how", KEYS)
@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_clean_groups_hold_the_rows_of_one_text(how, rows):
    expected = {}
    for row in rows:
        expected.setdefault(KEYS[how](row.text), []).append(row)
    assert grouped(rows, how) == [group for group in expected.values() if len(group) > 1]


@pytest.mark.parametrize("keep", clean_options.KEEP)
@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_clean_one_row_of_each_group_stays(keep, rows):
    groups = grouped(rows, "normalized")
    drops = dropping.copies("train", groups, keep)
    for group in groups:
        (kept_row,) = [row for row in group if row.number not in drops]
        if keep == "first":
            assert kept_row is group[0]
        elif keep == "longest":
            assert len(kept_row.text) == max(len(row.text) for row in group)
        else:
            labels = Counter(row.label for row in group)
            assert labels[kept_row.label] == max(labels.values())
        for row in group:
            if row is not kept_row:
                reason = "exact duplicate" if row.text == kept_row.text else "normalized duplicate"
                assert drops[row.number] == Drop(reason, ("train", kept_row.number))
    assert set(drops) <= {row.number for group in groups for row in group}


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_clean_conflicts_leave_no_text_with_two_labels(rows):
    groups = grouped(rows)
    for conflicts in ("drop", "majority"):
        drops = dropping.conflicting(groups, conflicts)
        left = [row for row in rows if row.number not in drops]
        assert dropping.contradicting(grouped(left)) == []
        for text in {row.text for row in rows}:
            labels = Counter(row.label for row in rows if row.text == text)
            ranked = sorted(labels.values(), reverse=True)
            expected = sum(labels.values()) if len(labels) == 1 else 0
            if conflicts == "majority" and len(labels) > 1 and ranked[0] > ranked[1]:
                expected = ranked[0]
            assert sum(row.text == text for row in left) == expected


def test_clean_a_label_that_leads_alone_stays_and_a_tie_goes():
    rows = rows_of(("a", "x"), ("a", "y"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "x"), ("c", "x"))
    assert sorted(dropping.conflicting(grouped(rows), "majority")) == [0, 3, 4]
    assert sorted(dropping.conflicting(grouped(rows), "drop")) == [0, 1, 2, 3, 4]


def test_clean_ties_keep_the_first():
    rows = rows_of(("a", "y"), ("a", "x"), ("a!", "x"), ("A?", "y"))
    assert sorted(dropping.copies("s", grouped(rows, "normalized"), "majority-label")) == [1, 2, 3]
    assert sorted(dropping.copies("s", grouped(rows, "normalized"), "longest")) == [0, 1, 3]


def test_clean_near_copies_say_how_near_they_are():
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    rows = rows_of((text, "x"), (f"{text} more", "x"), (text, "x"), (f"{text.upper()}!", "x"), ("else", "x"))
    drops = dropping.copies("train", grouped(rows, "near"), "first")
    assert {row: drop.reason for row, drop in drops.items()} == {
        1: "near duplicate",
        2: "exact duplicate",
        3: "normalized duplicate",
    }


def test_clean_leaks_go_from_one_split_and_name_the_row_they_met():
    train = rows_of(("a", "x"), ("b", "x"), ("B!", "x"), ("c", "x"))
    others = {"validation": rows_of(("z", "x"), ("b", "y")), "test": rows_of(("b", "x"), ("a", "x"))}
    leak = "in another split"
    expected = {0: Drop(leak, ("test", 1)), 1: Drop(leak, ("validation", 1))}
    assert dropping.leaking(train, others, "exact") == expected
    assert dropping.leaking(train, others, "none") == expected
    expected[2] = Drop(leak, ("validation", 1))
    assert dropping.leaking(train, others, "normalized") == expected


def test_clean_incomplete_and_out_of_limits():
    texts, labels = pl.Series([None, "a", None, "b"]), pl.Series(["x", None, None, "y"])
    drops = dropping.incomplete({"text": texts, "label": labels})
    assert {row: drop.reason for row, drop in drops.items()} == {
        0: "missing text",
        1: "missing label",
        2: "missing text",
    }
    limits = [
        Limit("short", lambda row: len(row.text), least=2),
        Limit("long", lambda row: len(row.text), most=3),
    ]
    drops = dropping.out_of_limits(
        rows_of(("", "x"), ("a", "x"), ("ab", "x"), ("abc", "x"), ("abcd", "x")), limits
    )
    assert {row: drop.reason for row, drop in drops.items()} == {0: "empty", 1: "short", 4: "long"}
