"""Splitting what may not be parted: groups, near duplicates, folds, and splits that outlast added rows."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.data.dataset import Dataset, Split
from tokkit.data.loading.load import read_dataset
from tokkit.data.splitting.allocation import allocate_shares
from tokkit.data.splitting.split import split
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.data.splitting.stratifier import assign_rows, group_sizes, row_groups
from tokkit.errors import InputError, UsageError
from tokkit.progress import SILENT
from tokkit.sources.formats import TableFormat


def _dataset(rows) -> Dataset:
    """Rows of (text, label, author)."""
    schema = {"text": pl.String, "label": pl.String, "author": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return Dataset(
        "a.csv", {"train": Split("train", frame, (), TableFormat("csv", ","), frame)}, "text", "label"
    )


def _assign(rows, progress=SILENT, **plan):
    return assign_rows(_dataset(rows), "train", SplitOptions(**plan), progress)


def _authors(n_authors, rows_each, labels="abc", seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for author in range(n_authors):
        mood = rng.dirichlet(np.ones(len(labels)))
        for _ in range(int(rng.integers(1, 2 * rows_each))):
            rows.append((f"text {len(rows)}", labels[rng.choice(len(labels), p=mood)], f"author {author}"))
    return rows


def _connected(rows, keys):
    """The oracle: the first row that a chain of equal keys leads to, joined until nothing changes."""
    first = list(range(len(rows)))
    changed = True
    while changed:
        changed = False
        for key in keys:
            least = {}
            for row, value in enumerate(rows):
                if value[key] is not None:
                    least[value[key]] = min(least.get(value[key], first[row]), first[row])
            for row, value in enumerate(rows):
                if value[key] is not None and least[value[key]] < first[row]:
                    first[row] = least[value[key]]
                    changed = True
    return first


KEYS = st.none() | st.integers(0, 12).map(lambda i: f"k{i}")
ROWS = st.lists(st.tuples(KEYS, st.sampled_from(["x", "y", "가", None]), KEYS), min_size=1, max_size=60)


# What stays together ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(ROWS)
def test_split_groups_are_what_chains_of_texts_and_groups_connect(rows):
    data = _dataset(rows)
    assert row_groups(data, "train").tolist() == _connected(rows, [0])
    groups = row_groups(data, "train", group_column="author").tolist()
    assert groups == _connected(rows, [0, 2])


def test_split_near_duplicates_are_groups():
    rows = [
        ("The same sentence, said at some length by somebody once.", "a", "1"),
        ("Something else entirely, of which there is no second one.", "b", "2"),
        (None, "a", "3"),
        ("the same sentence said at some length by somebody once", "b", "4"),
        ("The same sentence, said at some length by somebody once. Again", "b", "5"),
    ]
    assert row_groups(_dataset(rows), "train", near=True).tolist() == [0, 1, 2, 0, 0]
    of_two = [(text, label, {"2": "5"}.get(author, author)) for text, label, author in rows]
    groups = row_groups(_dataset(of_two), "train", group_column="author", near=True)
    assert groups.tolist() == [0, 0, 2, 0, 0]  # the second row is by the author of the last


def test_split_sizes_of_groups():
    assert group_sizes(np.array([0, 0, 2, 3, 3, 3])) == {"sets": 2, "rows": 5, "largest": 3}


@settings(deadline=None, max_examples=50)
@given(ROWS.filter(lambda rows: len(rows) >= 12), st.integers(0, 3), st.sampled_from([None, 2, 3]))
def test_split_never_parts_a_group_nor_a_text(rows, seed, folds):
    try:
        assigned = _assign(rows, seed=seed, group_column="author", folds=folds, test=0.2)
    except InputError:  # nearly all rows are one chain
        assert len(set(_connected(rows, [0, 2]))) < 12 or len(rows) < 20
        return
    parts = {name: part for name, part in assigned.items() if not name.endswith("/train")}
    assert sorted(row for part in parts.values() for row in part) == list(range(len(rows)))
    if folds:
        for fold in range(1, folds + 1):
            whole = {*assigned[f"fold-{fold}/train"], *assigned[f"fold-{fold}/validation"]}
            assert whole == set(range(len(rows))) - set(assigned["test"])
    for key in (0, 2):
        values = [{rows[row][key] for row in part} - {None} for part in parts.values()]
        assert sum(map(len, values)) == len(set().union(*values))
    assert assigned == _assign(rows, seed=seed, group_column="author", folds=folds, test=0.2)


def test_split_by_group_meets_the_shares_of_rows_and_classes():
    rows = _authors(300, 10)
    assigned = _assign(rows, group_column="author", validation=0.15, test=0.1)
    counts = Counter(label for _, label, _ in rows)
    for name, share in (("train", 0.75), ("validation", 0.15), ("test", 0.1)):
        assert abs(len(assigned[name]) - share * len(rows)) <= 10
        part_counts = Counter(rows[row][1] for row in assigned[name])
        assert all(abs(part_counts[label] - share * n) <= 10 for label, n in counts.items())


def test_split_by_group_keeps_every_class_in_train():
    rows = [*_authors(40, 5), ("rare", "r", "author 3"), ("one more", "s", "nobody else")]
    for seed in range(5):
        assigned = _assign(rows, seed=seed, group_column="author")
        assert {rows[row][1] for row in assigned["train"]} == set("abcrs")


def test_split_by_group_keeps_every_class_of_one_row_in_train():
    """What the rounding of one class owes validation and test is not paid with the only row of another."""
    rows = [*_authors(20, 5), *((f"single {i}", f"class {i}", f"somebody {i}") for i in range(12))]
    for seed in range(3):
        assigned = _assign(rows, seed=seed, group_column="author", validation=0.2, test=0.2)
        assert {rows[row][1] for row in assigned["train"]} == {label for _, label, _ in rows}


def test_split_by_group_large_groups_are_not_all_in_train():
    rows = [(f"t{i}", "ab"[i % 2], f"author {i // 50}") for i in range(1000)] + [
        (f"s{i}", "ab"[i % 2], f"small {i // 2}") for i in range(1000)
    ]
    assigned = _assign(rows, group_column="author", validation=0.2, test=0.2)
    for part in assigned.values():
        assert any(rows[row][2].startswith("author") for row in part)


def test_split_by_few_groups_gives_each_split_one():
    rows = [(f"t{i}", "ab"[i % 2], f"author {i // 20}") for i in range(60)]
    assert {name: len(part) for name, part in _assign(rows, group_column="author").items()} == {
        "train": 20,
        "validation": 20,
        "test": 20,
    }


@pytest.mark.parametrize(("rows_each", "groups"), [(10, 200), (3, 500), (60, 30)])
def test_split_group_folds_are_as_even_as_those_of_scikit_learn(rows_each, groups):
    from sklearn.model_selection import StratifiedGroupKFold

    rows = _authors(groups, rows_each, labels="aaabbc")
    labels = np.array([label for _, label, _ in rows])
    names = [author for _, _, author in rows]
    theirs = [
        test for _, test in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(rows, labels, names)
    ]
    assigned = _assign(rows, group_column="author", folds=5)
    own = [assigned[f"fold-{fold}/validation"] for fold in range(1, 6)]

    def unevenness(folds):
        counts = np.array([[(labels[fold] == label).sum() for label in "abc"] for fold in folds])
        return ((counts - counts.mean(axis=0)) ** 2 / counts.mean(axis=0)).sum()

    assert unevenness(own) <= unevenness(theirs) + 0.1


# Folds --------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 60), min_size=1),
    st.integers(2, 7),
    st.integers(0, 3),
)
def test_split_folds_of_single_rows_are_even_to_a_row_in_every_class(counts, folds, seed):
    rows = [(f"{label}{i}", label, None) for label, n in counts.items() for i in range(n)]
    if len(rows) < folds:
        return
    assigned = _assign(rows, folds=folds, seed=seed)
    validated = [assigned[f"fold-{fold}/validation"] for fold in range(1, folds + 1)]
    assert sorted(row for part in validated for row in part) == list(range(len(rows)))
    sizes = [len(part) for part in validated]
    assert max(sizes) - min(sizes) <= 1
    for label in counts:
        fold_counts = [sum(rows[row][1] == label for row in part) for part in validated]
        assert max(fold_counts) - min(fold_counts) <= 1


def test_split_folds_are_stratified_like_those_of_scikit_learn():
    from sklearn.model_selection import StratifiedKFold

    labels = ["a"] * 503 + ["b"] * 111 + ["c"] * 37
    theirs = [Counter(labels[row] for row in test) for _, test in StratifiedKFold(5).split(labels, labels)]
    assigned = _assign([(f"t{i}", label, None) for i, label in enumerate(labels)], folds=5)
    own = [Counter(labels[row] for row in assigned[f"fold-{fold}/validation"]) for fold in range(1, 6)]
    for label in "abc":
        assert sorted(fold[label] for fold in own) == sorted(fold[label] for fold in theirs)


def test_split_folds_are_folders_and_the_test_split_is_written_once(write, tmp_path, heard):
    path = write(
        "a.csv", "text,label\n" + "".join(f"t{i // 2},{'ab'[i // 2 % 2]}\n" for i in range(80)) + "r,c\n"
    )
    result = split(path, tmp_path / "out", folds=4, test=0.1, progress=heard)
    files = sorted(str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*.*"))
    folders = [f"fold-{fold}/{name}.csv" for fold in range(1, 5) for name in ("train", "validation")]
    assert files == [*folders, "test.csv", "tokkit.json"]
    assert result.splits["test"] == 8
    test = set(read_dataset(tmp_path / "out" / "test.csv").texts("test"))
    for fold in range(1, 5):
        loaded = read_dataset(tmp_path / "out" / f"fold-{fold}")
        texts = [set(loaded.texts(name)) for name in ("train", "validation")] + [test]
        assert sum(map(len, texts)) == len(set().union(*texts)) == 41
        assert result.splits[f"fold-{fold}/train"] == loaded.texts("train").len()
    assert "train lacks 1 of 3 classes, too rare: c" in heard
    assert json.loads((tmp_path / "out" / "tokkit.json").read_text())["result"]["splits"] == result.splits
    assert "test" not in split(path, tmp_path / "none", folds=4).splits


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"folds": 1}, "--folds: 1 is below 2"),
        ({"folds": 5, "validation": 0.2}, "--folds 5 validates on 1/5 of the rows each"),
        ({"stable": True, "test": 50}, "--stable assigns each text by itself"),
        ({"group_column": "label"}, "is the label column"),
        ({"group_column": "text"}, "is the text column"),
    ],
)
def test_split_plans_that_contradict_are_refused(plan, message):
    with pytest.raises(UsageError, match=message) as caught:
        _assign(_authors(20, 5), **plan)
    assert caught.value.hint or "folds: 1" in message


def test_split_more_folds_than_groups_is_refused():
    with pytest.raises(
        InputError, match="3 sets of rows that stay together are too few for 4 folds"
    ) as caught:
        _assign(
            [(f"t{i}", "ab"[i % 2], f"author {i % 3}") for i in range(30)], group_column="author", folds=4
        )
    assert "--folds 3" in caught.value.hint


# Groups from files ----------------------------------------------------------------------------------------


def test_split_a_group_column_is_found_by_name_or_number_and_need_not_be_text(write, tmp_path, heard):
    lines = [f"{i // 4 if i % 9 else ''},text {i},{'ab'[i % 2]}\n" for i in range(120)]
    path = write("a.csv", "author,text,label\n" + "".join(lines))
    one = split(path, tmp_path / "one", group_column="author", progress=heard)
    two = split(path, tmp_path / "two", group_column="0")
    assert one.classes == two.classes
    assert "14 rows have no author: each is a group of its own" in heard
    assert one.kept_together["largest"] == 4
    loaded = read_dataset(tmp_path / "one")
    authors = [set(part.original["author"]) - {"", None} for part in loaded.splits.values()]
    assert sum(map(len, authors)) == len(set().union(*authors))


def test_split_a_group_column_that_is_not_there_is_named(write, tmp_path):
    path = write("a.csv", "author,text,label\n" + "".join(f"x,t{i},a\n" for i in range(20)))
    with pytest.raises(InputError, match=r'no column "autor" \(did you mean "author"\?\)') as caught:
        split(path, tmp_path / "out", group_column="autor")
    assert caught.value.hint == "name one:\n--group-column author"


def test_split_says_what_a_chain_joins(heard):
    rows = [("ok", "a", f"author {i}") for i in range(50)] + [(f"t{i}", "b", None) for i in range(150)]
    _assign(rows, heard, group_column="author")
    assert "50 of 200 rows are one set, that of row 1" in heard


# Stable splits ------------------------------------------------------------------------------------------


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=40)


@settings(deadline=None, max_examples=50)
@given(TEXTS, st.integers(0, 3), st.sampled_from([None, 3]))
def test_split_stable_rows_stay_where_they_are_when_rows_are_added(texts, seed, folds):
    old = [(f"t{i}", "ab"[i % 2], None) for i in range(150)] + [(None, "a", None)]
    new = old + [(text, "c", None) for text in texts]
    plan = {"stable": True, "seed": seed, "folds": folds, "test": 0.2}
    before, after = _assign(old, **plan), _assign(new, **plan)
    assert all(set(before[name]) == {row for row in after[name] if row < len(old)} for name in before)
    shuffled = _assign([*reversed(old[:-1])], **plan)
    assert {old[149 - row][0] for row in shuffled["test"]} == {old[row][0] for row in before["test"]} - {None}


def test_split_stable_shares_hold_on_average_and_another_seed_gives_other_splits():
    rows = [(f"text {i}", "ab"[i % 2], None) for i in range(20_000)]
    assignments = [_assign(rows, stable=True, seed=seed) for seed in range(3)]
    for assigned in assignments:
        assert abs(len(assigned["validation"]) - 2000) < 150  # 3.5 standard deviations
        assert abs(len(assigned["test"]) - 2000) < 150
    for one, other in pairwise(assignments):
        shared = set(one["test"]) & set(other["test"])
        assert 130 < len(shared) < 270  # a tenth, as of two draws that do not know of each other


def test_split_stable_folds_are_even_on_average():
    rows = [(f"text {i}", "ab"[i % 2], None) for i in range(5000)]
    assigned = _assign(rows, stable=True, folds=4, test=0.2)
    for fold in range(1, 5):
        assert abs(len(assigned[f"fold-{fold}/validation"]) - 1000) < 120  # 4 standard deviations
        assert abs(sum(row % 2 for row in assigned[f"fold-{fold}/validation"]) - 500) < 90


def test_split_stable_another_share_of_validation_leaves_test_alone():
    rows = [(f"text {i}", "a", None) for i in range(500)]
    small, large = (_assign(rows, stable=True, validation=share) for share in (0.1, 0.3))
    assert small["test"] == large["test"]
    assert set(small["validation"]) < set(large["validation"])


def test_split_stable_a_group_is_assigned_by_its_name():
    rows = _authors(60, 5)
    of_author = {}
    for name, part in _assign(rows, stable=True, group_column="author", validation=0.3).items():
        for row in part:
            assert of_author.setdefault(rows[row][2], name) == name
    again = _assign([(f"other {i}", "z", row[2]) for i, row in enumerate(rows)], stable=True,
                    group_column="author", validation=0.3)  # fmt: skip
    assert all(of_author[rows[row][2]] == name for name, part in again.items() for row in part)


def test_split_stable_draws_are_the_same_everywhere():
    """Written down once: another result would move every row that was ever split so."""
    texts = ["", "a", "한국어", "👩‍👩‍👧", "e\u0301", "\u202eעברית"] + [f"t{i}" for i in range(30)]
    assigned = _assign([(text or None, "x", None) for text in texts], stable=True, validation=0.3, test=0.3)
    assert assigned == {
        "train": [3, 5, 6, 10, 15, 16, 17, 19, 20, 21, 22, 24, 28],
        "validation": [4, 7, 8, 12, 13, 26, 30, 35],
        "test": [0, 1, 2, 9, 11, 14, 18, 23, 25, 27, 29, 31, 32, 33, 34],
    }


# Allocation ---------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=4, max_size=200),
    st.lists(st.floats(0.05, 1), min_size=2, max_size=5),
    st.integers(0, 2),
)
def test_split_allocation_divides_no_group_and_is_repeatable(pairs, shares, seed):
    groups = np.array([min(i for i, other in enumerate(pairs) if other[0] == pair[0]) for pair in pairs])
    classes = np.array([pair[1] for pair in pairs])
    wanted = [share / sum(shares) * len(pairs) for share in shares]
    parts = [allocate_shares(groups, classes, wanted, np.random.default_rng(seed), SILENT) for _ in range(2)]
    assert (parts[0] == parts[1]).all()
    assert parts[0].min() >= 0
    assert parts[0].max() < len(wanted)
    assert len({(group, part) for group, part in zip(groups, parts[0], strict=True)}) == len(set(groups))
