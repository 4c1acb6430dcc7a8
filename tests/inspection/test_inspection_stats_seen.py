"""Distinct strings with their rows and labels: the same whether they fit into memory or go to files."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokkit.inspection.statistics import distinct_kernels, distinct_strings
from tokkit.inspection.statistics.distinct_strings import DistinctStrings, finished, tally
from tokkit.inspection.statistics.totals import Duplicates
from tokkit.runtime.strings import Strings

NONE, SEVERAL = distinct_kernels.NONE, distinct_kernels.SEVERAL
TEXT = st.sampled_from(
    ["", "a", "b", "가", "sixteen bytes ..", "a text of more than sixteen bytes"]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
ROWS = st.lists(st.tuples(TEXT, st.integers(0, 2), st.integers(NONE, 2)), max_size=60)


def _expected(rows):
    expected = defaultdict(lambda: ([0, 0, 0], [set(), set(), set()]))
    for text, split, label in rows:
        if text:
            expected[text][0][split] += 1
            expected[text][1][split] |= {label} - {NONE}
    return {
        text: (n, [next(iter(distinct), NONE) if len(distinct) < 2 else SEVERAL for distinct in labels])
        for text, (n, labels) in expected.items()
    }


def _fed(tables, rows):
    for i, (text, split, label) in enumerate(rows):
        tables[i % len(tables)].add(Strings.of_list([text]), split, np.array([label], np.int32))


def _sums(tables):
    sums = {}
    for table in finished(tables):
        strings, numbers = table.strings()
        for text, number in zip(strings.to_list(), numbers.tolist(), strict=True):
            assert text not in sums
            sums[text] = (table.rows[number].tolist(), table.labels[number].tolist())
    return sums


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("budget", [1 << 30, 1])
@pytest.mark.parametrize("python_bytes", [0, 600, 1 << 20])
@given(rows=ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_seen_strings_are_those_a_dictionary_holds(tmp_path, python_bytes, threads, budget, rows):
    tables = [DistinctStrings(3, tmp_path, budget, python_bytes=python_bytes) for _ in range(threads)]
    _fed(tables, rows)
    if budget == threads == 1 and sum(text != "" for text, _, _ in rows) > 1:
        assert tables[0].files
    for table in tables:
        table.budget = 1 << 30  # parts of parts of parts would never fit into one byte
    assert _sums(tables) == _expected(rows)
    assert list(tmp_path.iterdir()) == []


def test_seen_strings_whose_parts_do_not_fit_are_parted_again(tmp_path, monkeypatch):
    monkeypatch.setattr(distinct_strings, "_AT_ONCE", 64)
    monkeypatch.setattr(distinct_strings, "_PART_BITS", 2)
    monkeypatch.setattr(distinct_strings, "PARTS", 4)
    budget = 150_000  # a little more than an empty table
    table = DistinctStrings(1, tmp_path, budget, python_bytes=0)
    texts = [f"text number {i} of quite a few" for i in range(30_000)]
    table.add(Strings.of_list(texts + texts[:7]), 0)
    depths, n, rows = set(), 0, 0
    for part in finished([table]):
        depths.add(part.depth)
        n, rows = n + len(part), rows + int(part.rows.sum())
    assert (n, rows) == (30_000, 30_007)
    assert max(depths) > 1


@given(ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_seen_strings_tally_of_duplicates(tmp_path, rows):
    table = DistinctStrings(3, tmp_path, python_bytes=600)
    _fed([table], rows)
    sums = Duplicates.zeros(3)
    tally(table, sums)
    texts = [{text for text, split, _ in rows if text and split == i} for i in range(3)]
    assert sums.distinct.tolist() == [len(distinct) for distinct in texts]
    for i in range(3):
        for j in range(i + 1, 3):
            assert sums.shared[i, j] == sum(text in texts[i] for text, split, _ in rows if split == j)
    for i, wanted in enumerate([{0}, {1}, {2}, {0, 1, 2}]):
        labels = defaultdict(set)
        for text, split, label in rows:
            if text and split in wanted and label != NONE:
                labels[text].add(label)
        assert sums.conflicts[i] == sum(len(distinct) > 1 for distinct in labels.values())
