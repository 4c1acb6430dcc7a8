"""Splitting: a partition, stratified, no text in two splits, the same for the same seed."""

from __future__ import annotations

import json
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokkit
from tokkit.data import dataset
from tokkit.data.dataset import Dataset, Split
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.splitting import split_options
from tokkit.data.splitting.split import split
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.data.splitting.stratifier import assign_rows
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.sources.corpora import SAMPLE, corpora_path
from tokkit.sources.formats import TableFormat


def _dataset(rows) -> Dataset:
    frame = pl.DataFrame(rows, schema={"text": pl.String, "label": pl.String}, orient="row")
    return Dataset(
        "a.csv", {"train": Split("train", frame, (), TableFormat("csv", ","), frame)}, "text", "label"
    )


def _csv(write, rows, name="a.csv"):
    return write(name, "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))


TEXTS = st.none() | st.integers(0, 40).map(lambda i: f"t{i}")
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(["x", "y", "z", None])), min_size=12, max_size=200)
SHARES = st.sampled_from([0, 0.1, 0.2, 0.33, 3])


@settings(deadline=None)
@given(ROWS, SHARES, SHARES, st.integers(0, 5))
def test_split_is_a_partition_and_no_text_is_in_two(rows, validation, test, seed):
    plan = SplitOptions(validation=validation, test=test, seed=seed)
    try:
        assigned = assign_rows(_dataset(rows), "train", plan)
    except InputError:  # too small to split: nearly all rows are copies of a few texts
        present = [text for text, _ in rows if text is not None]
        assert len(rows) - len(present) + len(set(present)) < 20
        return
    assert sorted(row for part in assigned.values() for row in part) == list(range(len(rows)))
    texts = [{rows[row][0] for row in part} - {None} for part in assigned.values()]
    assert sum(map(len, texts)) == len(set().union(*texts))
    assert assigned == assign_rows(_dataset(rows), "train", plan)
    assert all(part == sorted(part) for part in assigned.values())


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 300), min_size=1),
    st.floats(0.01, 0.45),
    st.floats(0.01, 0.45),
)
def test_split_class_shares_are_within_rounding(counts, validation, test):
    rows = [(f"{label}{i}", label) for label, n in counts.items() for i in range(n)]
    if len(rows) < 20:
        return
    try:
        assigned = assign_rows(_dataset(rows), "train", SplitOptions(validation=validation, test=test))
    except InputError:
        assert sum(n - 1 for n in counts.values()) < 0.9 * len(rows)  # too many classes of one row
        return
    room = len(rows) - len(counts)  # a row of each class stays in train
    given_away: Counter[str] = Counter()
    for name, share in (("validation", validation), ("test", test)):
        assert (
            len(assigned[name]) == max(1, round(share * len(rows))) or sum(map(len, assigned.values())) > room
        )
        part_counts = Counter(rows[row][1] for row in assigned[name])
        moved = sum(part_counts[label] == 1 and share * n < 1 for label, n in counts.items())
        given_away += part_counts
        spent = sum(given_away[label] == n - 1 for label, n in counts.items())  # others give in their place
        for label, n in counts.items():
            assert abs(part_counts[label] - share * n) < 1 + moved + spent
    assert {rows[row][1] for row in assigned["train"]} == set(counts)


def test_split_numbers_of_rows_are_met_exactly():
    rows = [(f"t{i}", "abcdefg"[i % 7]) for i in range(1000)]
    assigned = assign_rows(_dataset(rows), "train", SplitOptions(validation=101, test=53))
    assert {name: len(part) for name, part in assigned.items()} == {
        "train": 846,
        "validation": 101,
        "test": 53,
    }


def test_split_shares_are_close_to_those_of_scikit_learn():
    from sklearn.model_selection import StratifiedShuffleSplit

    labels = ["a"] * 703 + ["b"] * 211 + ["c"] * 87 + ["d"] * 12
    rows = [(f"t{i}", label) for i, label in enumerate(labels)]
    assigned = assign_rows(_dataset(rows), "train", SplitOptions(validation=0.15, test=0))
    _, theirs = next(StratifiedShuffleSplit(1, test_size=len(assigned["validation"])).split(labels, labels))
    own = Counter(labels[row] for row in assigned["validation"])
    assert all(abs(own[label] - n) <= 1 for label, n in Counter(labels[row] for row in theirs).items())


def test_split_another_seed_gives_other_splits():
    rows = [(f"t{i}", "ab"[i % 2]) for i in range(200)]
    plans = [SplitOptions(seed=seed) for seed in range(5)]
    tests = {tuple(assign_rows(_dataset(rows), "train", plan)["test"]) for plan in plans}
    assert len(tests) == 5


def test_split_a_rare_class_is_in_every_split():
    rows = [(f"t{i}", "a") for i in range(500)] + [(f"r{i}", "rare") for i in range(4)]
    assigned = assign_rows(_dataset(rows), "train", SplitOptions(validation=0.1, test=0.1))
    for part in assigned.values():
        assert "rare" in {rows[row][1] for row in part}
    assert len(assigned["validation"]) == round(0.1 * len(rows))


@pytest.mark.parametrize(("validation", "test"), [(6, 5), (7, 0), (4, 12), (22, 21)])
def test_split_sizes_are_exact_where_classes_are_tiny(validation, test):
    counts = {"a": 30, "b": 9, "c": 3, "d": 3, "e": 2, "f": 2, "g": 1, "h": 1}
    rows = [(f"{label}{i}", label) for label, n in counts.items() for i in range(n)]
    for seed in range(5):
        assigned = assign_rows(
            _dataset(rows), "train", SplitOptions(validation=validation, test=test, seed=seed)
        )
        sizes = {"train": len(rows) - validation - test, "validation": validation, "test": test}
        assert {name: len(part) for name, part in assigned.items()} == {n: k for n, k in sizes.items() if k}
        assert {rows[row][1] for row in assigned["train"]} == set(counts)
        for name in assigned:  # as many rows as there are splits, and one is in each
            enough = {label for label, n in counts.items() if n >= len(assigned)}
            assert enough <= {rows[row][1] for row in assigned[name]}, name


def test_split_copies_stay_together_and_sizes_are_met():
    rows = [(f"t{i // 3}", "ab"[i // 3 % 2]) for i in range(300)]
    assigned = assign_rows(_dataset(rows), "train", SplitOptions(validation=30, test=30))
    assert {name: len(part) for name, part in assigned.items()} == {
        "train": 240,
        "validation": 30,
        "test": 30,
    }


@pytest.mark.parametrize(
    ("validation", "test"), [(0.5, 0.5), (1.5, 0), (float("nan"), 0), (float("inf"), 0), (5, 5), (10, 0)]
)
def test_split_plans_that_leave_nothing_or_are_invalid_are_refused(validation, test):
    rows = [(f"t{i}", "ab"[i % 2]) for i in range(10)]
    with pytest.raises(UsageError):
        assign_rows(_dataset(rows), "train", SplitOptions(validation=validation, test=test))


def test_split_fewer_rows_than_splits_are_too_few_whatever_the_shares():
    with pytest.raises(UsageError, match="leave none of the 2 rows to train on") as caught:
        assign_rows(_dataset([("one", "a"), ("two", "b")]), "train", SplitOptions())
    assert caught.value.hint == "collect more rows: there are fewer than splits"


def test_split_folds_without_number_are_refused_at_once():
    with pytest.raises(UsageError, match="--folds: 1000000000000 is above 1000"):
        SplitOptions(folds=10**12)


def test_split_one_text_only_is_too_small():
    with pytest.raises(InputError, match="too small to split") as caught:
        assign_rows(_dataset([("same", "a")] * 50), "train", SplitOptions())
    assert caught.value.hint


# Files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".txt", ".jsonl", ".parquet", ".csv.gz"])
def test_split_writes_a_folder_of_the_same_format_that_loads(write, tmp_path, ending):
    rows = [{"id": i, "text": f"text, {i}; 가", "label": i % 2} for i in range(50)]
    path = write(f"a{ending}", b"")
    sep = {".tsv": "\t", ".txt": ";"}.get(ending, ",")
    if ending == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif ending == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    else:
        pl.DataFrame(rows).write_csv(path, separator=sep, check_extension=False)
    result = split(path, tmp_path / "out", validation=10, test=0.1)
    loaded = read_dataset(tmp_path / "out")
    assert result.splits == {"train": 35, "validation": 10, "test": 5}
    assert {name: part.frame.height for name, part in loaded.splits.items()} == result.splits
    assert [part.files[0].name for part in loaded.splits.values()] == [
        f"{name}{ending}" for name in result.splits
    ]
    back = pl.concat([part.original for part in loaded.splits.values()]).cast(
        {"id": pl.Int64, "label": pl.Int64}
    )
    assert back.sort("id").to_dicts() == rows
    if ending in (".jsonl", ".parquet"):
        assert loaded.split("train").original["label"].dtype == pl.Int64  # a number stays one


def test_split_writes_the_same_bytes_for_the_same_seed(write, tmp_path):
    path = _csv(write, [(f"t{i}", "ab"[i % 2]) for i in range(60)])
    contents = []
    for out in ("one", "two"):
        split(path, tmp_path / out, seed=7)
        receipt = json.loads((tmp_path / out / "tokkit.json").read_text())
        files = {file.name: file.read_bytes() for file in (tmp_path / out).glob("*.csv")}
        contents.append((files, receipt["result"]))
    assert contents[0] == contents[1]


def test_split_keeps_rows_without_text_or_label(write, tmp_path):
    path = write(
        "a.csv", "text,label\n" + "".join(f"t{i},{'ab'[i % 2]}\n" for i in range(40)) + ",a\n,b\nx,\n"
    )
    result = split(path, tmp_path / "out")
    assert sum(result.splits.values()) == 43


def test_split_of_unlabelled_lines(write, tmp_path):
    path = write("a.txt", "\n".join(f"line {i}" for i in range(30)))
    assert split(path, tmp_path / "out").splits == {"train": 24, "validation": 3, "test": 3}
    assert read_dataset(tmp_path / "out").texts("test").len() == 3


def test_split_an_output_that_exists_is_kept_and_the_remedy_named(write, tmp_path):
    path = _csv(write, [(f"t{i}", "ab"[i % 2]) for i in range(30)])
    split(path, tmp_path / "out")
    with pytest.raises(OutputError, match="out: already exists") as caught:
        split(path, tmp_path / "out")
    assert "--force" in caught.value.hint
    split(path, tmp_path / "out", force=True)


def test_split_an_output_is_looked_at_before_the_data(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(OutputError):
        split(tmp_path / "not-there.csv", tmp_path / "out")


def test_split_what_is_split_already_is_refused(write, tmp_path):
    for name in ("train", "test"):
        _csv(write, [("a", "x"), ("b", "y")], f"d/{name}.csv")
    with pytest.raises(InputError, match="is split already: train, test") as caught:
        split(tmp_path / "d", tmp_path / "out")
    assert "train.csv" in caught.value.hint


def test_split_more_folds_than_rows_are_refused_with_a_number_that_there_is(write, tmp_path):
    rows = _csv(write, [("good day", "x"), ("bad day", "y")] * 6)
    with pytest.raises(
        InputError, match="2 sets of rows that stay together are too few for 99 folds"
    ) as caught:
        split(rows, tmp_path / "out", folds=99)
    assert caught.value.hint == "fewer folds:\n--folds 2"


def test_split_a_wrong_setting_is_named(write, tmp_path):
    with pytest.raises(UsageError, match=r'no parameter "valid" \(did you mean "validation"\?\)'):
        tokkit.split(_csv(write, [("a", "x")]), tmp_path / "out", valid=0.1)
    with pytest.raises(UsageError, match="--test: -1 is below 0"):
        split(_csv(write, [("a", "x")]), tmp_path / "out", test=-1)


def test_split_of_the_sample_leaks_nothing_and_keeps_shares(tmp_path):
    source = corpora_path() / SAMPLE
    result = split(source, tmp_path / "out")
    assert result.splits == {"train": 6400, "validation": 800, "test": 800}
    loaded = read_dataset(tmp_path / "out", DatasetOptions())
    train, held_out = set(loaded.texts("train").drop_nulls()), set(loaded.texts("test").drop_nulls())
    assert not train & held_out
    whole = read_dataset(source).labels("train").drop_nulls().value_counts()
    for label, n in whole.iter_rows():
        assert abs(result.classes["test"][label] - n / 10) <= 2


def test_split_options_name_the_splits_as_data_sets_do():
    assert (split_options.VALIDATION, split_options.TEST) == (dataset.VALIDATION, dataset.TEST)


def test_split_of_as_many_classes_as_texts_takes_no_time_for_each_pair_of_them():
    rows = [(f"t{i}", f"class {i % 30_000}") for i in range(60_000)]
    assigned = assign_rows(_dataset(rows), "train", SplitOptions(validation=0.1, test=0.1))
    assert {name: len(part) for name, part in assigned.items()} == {
        "train": 48_000,
        "validation": 6_000,
        "test": 6_000,
    }
