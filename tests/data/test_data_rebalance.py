"""Rebalancing: targets met exactly, nothing made up, nothing leaked."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.data.balance import BalancePlan, balanced_weights, class_targets, resample
from tokkit.data.load import DatasetOptions, load_dataset
from tokkit.data.rebalance import rebalance
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.sources.corpora import SAMPLE, corpora_path

COUNTS = st.dictionaries(st.sampled_from(["a", "b", "c", "가", "10", "9"]), st.integers(1, 30), min_size=2)
LABELS = ["a"] * 6 + ["b"] * 3 + ["c"]


def _labels(counts):
    return [label for label, n in counts.items() for _ in range(n)]


def _csv(write, rows, name="a.csv"):
    return write(name, "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))


def _rows(path):
    dataset = load_dataset(path)
    return list(zip(dataset.texts("train"), dataset.labels("train"), strict=True))


# Drawing ----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(COUNTS, st.data(), st.integers(0, 3))
def test_rebalance_draws_every_class_as_often_as_its_target(counts, data, seed):
    labels = _labels(counts)
    targets = {label: data.draw(st.integers(1, 60)) for label in counts}
    drawn = resample(labels, targets, seed)
    assert Counter(labels[row] for row in drawn) == targets
    times = Counter(drawn)
    for label, n in counts.items():
        rows = [row for row in range(len(labels)) if labels[row] == label]
        if targets[label] >= n:  # over-sampling keeps every original row
            assert all(times[row] >= 1 for row in rows)
        else:  # under-sampling repeats none
            assert all(times[row] <= 1 for row in rows)
    assert drawn == resample(labels, targets, seed)


def test_rebalance_draws_what_imbalanced_learn_draws():
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    labels = np.array(LABELS)
    rows = np.arange(len(labels)).reshape(-1, 1)
    for sampler, plan in (
        (RandomOverSampler(random_state=3), BalancePlan(strategy="oversample")),
        (RandomUnderSampler(random_state=3), BalancePlan(strategy="undersample")),
    ):
        sampler.fit_resample(rows, labels)
        drawn = resample(LABELS, class_targets(LABELS, plan), 3)
        assert sorted(drawn) == sorted(sampler.sample_indices_.tolist())


def test_rebalance_shuffles_so_that_copies_do_not_come_last():
    labels = ["a"] * 500 + ["b"] * 10
    drawn = resample(labels, {"a": 500, "b": 500}, 0)
    first = Counter(labels[row] for row in drawn[:500])
    assert 180 < first["b"] < 320


def test_rebalance_another_seed_draws_another_way():
    labels = ["a"] * 100 + ["b"] * 20
    assert len({tuple(resample(labels, {"a": 50, "b": 40}, seed)) for seed in range(5)}) == 5


def test_rebalance_leaves_rows_in_order_where_nothing_changes():
    assert resample(LABELS, Counter(LABELS), 0) == list(range(len(LABELS)))


@pytest.mark.parametrize(
    ("plan", "targets"),
    [
        ({}, {"a": 6, "b": 6, "c": 6}),
        ({"strategy": "oversample"}, {"a": 6, "b": 6, "c": 6}),
        ({"strategy": "undersample"}, {"a": 1, "b": 1, "c": 1}),
        ({"strategy": "weights"}, {"a": 6, "b": 3, "c": 1}),
        ({"max_per_class": 4}, {"a": 4, "b": 3, "c": 1}),
        ({"min_per_class": 4}, {"a": 6, "b": 4, "c": 4}),
        ({"max_per_class": 4, "min_per_class": 2}, {"a": 4, "b": 3, "c": 2}),
        ({"min_per_class": 9}, {"a": 9, "b": 9, "c": 9}),
        ({"strategy": "oversample", "max_per_class": 4}, {"a": 4, "b": 4, "c": 4}),
        ({"strategy": "undersample", "min_per_class": 2}, {"a": 2, "b": 2, "c": 2}),
        ({"target": ("b=5",)}, {"a": 6, "b": 5, "c": 1}),
        ({"target": ("b=5", "a=2"), "min_per_class": 3}, {"a": 2, "b": 5, "c": 3}),
        ({"target": ("b=5",), "strategy": "oversample"}, {"a": 6, "b": 5, "c": 6}),
        ({"target": ("b=5",), "max_per_class": 4}, {"a": 4, "b": 5, "c": 1}),
    ],
)
def test_rebalance_targets(plan, targets):
    assert class_targets(LABELS, BalancePlan(**plan)) == targets


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"target": ("d=5",)}, 'no class "d"'),
        ({"target": ("b",)}, "write LABEL=ROWS"),
        ({"target": ("b=²",)}, "write LABEL=ROWS"),
        ({"target": ("b=0",)}, "write LABEL=ROWS"),
        ({"target": ("b=1", "b=2")}, 'two numbers for "b"'),
        ({"target": ("a=5",), "strategy": "oversample"}, "oversampling only adds"),
        ({"target": ("b=5",), "strategy": "undersample"}, "undersampling only removes"),
        ({"max_per_class": 2, "min_per_class": 3}, "is above --max-per-class"),
        ({"max_per_class": 2, "strategy": "weights"}, "leaves the rows as they are"),
    ],
)
def test_rebalance_targets_that_contradict_are_refused(plan, message):
    with pytest.raises(UsageError, match=message):
        class_targets(LABELS, BalancePlan(**plan))


def test_rebalance_a_label_may_hold_an_equals_sign():
    assert class_targets(["a=b", "a=b", "c"], BalancePlan(target=("a=b=1",))) == {"a=b": 1, "c": 1}


@settings(deadline=None)
@given(COUNTS)
def test_rebalance_weights_are_those_of_scikit_learn(counts):
    from sklearn.utils.class_weight import compute_class_weight

    labels = _labels(counts)
    expected = compute_class_weight("balanced", classes=np.array(list(counts)), y=labels)
    np.testing.assert_allclose(list(balanced_weights(counts).values()), expected, atol=5e-7)


# Files ------------------------------------------------------------------------------------------------


def test_rebalance_a_file_gives_a_file_with_weights_and_receipt(write, tmp_path):
    path = _csv(write, [(f"t{i}", label) for i, label in enumerate(LABELS)])
    result = rebalance(path, tmp_path / "out.csv", target=["c=4"], max_per_class=5)
    rows = _rows(tmp_path / "out.csv")
    assert Counter(label for _, label in rows) == result.after == {"a": 5, "b": 3, "c": 4}
    assert result.before == {"a": 6, "b": 3, "c": 1}
    assert set(rows) <= set(_rows(path))
    weights = json.loads((tmp_path / "out.csv.weights.json").read_text())
    assert weights == result.weights == balanced_weights(result.after)
    receipt = json.loads((tmp_path / "out.csv.tokkit.json").read_text())["result"]
    assert receipt["after"] == result.after
    assert receipt["settings"]["seed"] == 42


def test_rebalance_weights_leave_the_rows_as_they_are(write, tmp_path):
    path = _csv(write, [(f"t{i}", label) for i, label in enumerate(LABELS)])
    result = rebalance(path, tmp_path / "out.csv", strategy="weights")
    assert (tmp_path / "out.csv").read_bytes() == path.read_bytes()
    assert result.weights == {"a": 0.555556, "b": 1.111111, "c": 3.333333}


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".txt", ".jsonl", ".parquet", ".csv.gz"])
def test_rebalance_formats(write, tmp_path, ending):
    path = _csv(write, [(f"a; {i} 가", label) for i, label in enumerate(LABELS)])
    rebalance(path, tmp_path / f"out{ending}")
    assert Counter(label for _, label in _rows(tmp_path / f"out{ending}")) == {"a": 6, "b": 6, "c": 6}


def test_rebalance_numbers_stay_numbers(write, tmp_path):
    path = write("a.parquet", b"")
    pl.DataFrame({"text": ["a", "b", "c"], "label": [0, 0, 1], "n": [1.5, 2.5, None]}).write_parquet(path)
    rebalance(path, tmp_path / "out.parquet")
    assert pl.read_parquet(tmp_path / "out.parquet").schema == pl.read_parquet(path).schema


def test_rebalance_writes_the_same_bytes_for_the_same_seed(write, tmp_path):
    path = _csv(write, [(f"t{i}", label) for i, label in enumerate(LABELS)])
    rebalance(path, tmp_path / "one.csv", seed=5)
    rebalance(path, tmp_path / "two.csv", seed=5)
    rebalance(path, tmp_path / "other.csv", seed=6)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert (tmp_path / "one.csv").read_bytes() != (tmp_path / "other.csv").read_bytes()


def test_rebalance_leaves_out_and_counts_incomplete_rows(write, tmp_path, heard):
    path = write("a.csv", "text,label\na,x\nb,x\nc,y\n,y\nd,\n")
    result = rebalance(path, tmp_path / "out.csv", progress=heard)
    assert result.left_out == {"no text": 1, "no label": 1}
    assert result.after == {"x": 2, "y": 2}
    assert "1 rows left out: no text" in heard


@pytest.fixture
def leaking(write, tmp_path):
    """A folder whose validation and test splits hold texts of train."""
    _csv(write, [(f"t{i}", label) for i, label in enumerate(LABELS)], "d/train.csv")
    _csv(write, [("t0", "a"), ("t6", "b"), ("v", "c")], "d/validation.csv")
    _csv(write, [("t1", "a"), ("t0", "a"), ("w", "b")], "d/test.csv")
    return tmp_path / "d"


def test_rebalance_leaks_are_dropped_and_said(leaking, tmp_path, heard):
    result = rebalance(leaking, tmp_path / "out", progress=heard)
    assert result.left_out == {"in another split": 3}
    assert result.after == {"a": 4, "b": 4, "c": 4}
    assert "3 training rows left out: their text stands in validation or test too" in heard
    out = load_dataset(tmp_path / "out")
    assert not {"t0", "t1", "t6"} & set(out.texts("train"))
    for name in ("validation", "test"):
        assert (tmp_path / "out" / f"{name}.csv").read_bytes() == (leaking / f"{name}.csv").read_bytes()
    assert json.loads((tmp_path / "out" / "weights.json").read_text()) == {"a": 1, "b": 1, "c": 1}


def test_rebalance_leaks_are_refused(leaking, tmp_path):
    with pytest.raises(
        InputError, match="3 training rows hold a text that stands in validation or test too"
    ) as caught:
        rebalance(leaking, tmp_path / "out", leaks="refuse")
    assert "--leaks drop" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_rebalance_leaks_are_kept_and_said(leaking, tmp_path, heard):
    assert rebalance(leaking, tmp_path / "out", leaks="keep", progress=heard).after == {
        "a": 6,
        "b": 6,
        "c": 6,
    }
    assert "kept, as asked" in heard


def test_rebalance_looks_into_the_files_beside_a_training_file(leaking, tmp_path, write, heard):
    write("d/imdb_test.csv", "nothing,like it\n")
    result = rebalance(leaking / "train.csv", tmp_path / "out.csv", progress=heard)
    assert result.left_out == {"in another split": 3}
    assert "looking for its texts in test.csv, validation.csv too" in heard


def test_rebalance_never_replaces_the_files_it_reads(leaking):
    for name in ("train.csv", "validation.csv"):
        with pytest.raises(OutputError, match="is an input"):
            rebalance(leaking / "train.csv", leaking / name, force=True)


def test_rebalance_a_folder_of_one_split_gives_a_folder(write, tmp_path):
    _csv(write, [("a", "x"), ("b", "x"), ("c", "y")], "d/train.csv")
    rebalance(tmp_path / "d", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "tokkit.json",
        "train.csv",
        "weights.json",
    ]


@pytest.mark.parametrize("name", ["validation.csv", "my_test.csv"])
def test_rebalance_a_split_to_score_on_is_refused(write, tmp_path, name):
    path = _csv(write, [("a", "x"), ("b", "x"), ("c", "y")], name)
    with pytest.raises(InputError, match="resampling it would falsify every score"):
        rebalance(path, tmp_path / "out.csv")


def test_rebalance_one_class_only(write, tmp_path):
    with pytest.raises(InputError, match=r'one class only \("x"\)') as caught:
        rebalance(_csv(write, [("a", "x"), ("b", "x")]), tmp_path / "out.csv")
    assert "--label-column" in caught.value.hint


def test_rebalance_an_output_that_exists_is_kept(write, tmp_path):
    path, out = _csv(write, [("a", "x"), ("b", "y")]), write("out.csv", "mine")
    with pytest.raises(OutputError, match="already exists") as caught:
        rebalance(path, out)
    assert "--force" in caught.value.hint
    assert out.read_text() == "mine"


def test_rebalance_names_for_labels_are_written(write, tmp_path):
    path = _csv(write, [("a", "0"), ("b", "0"), ("c", "1")])
    rebalance(path, tmp_path / "out.csv", options=DatasetOptions(label_names="0=no,1=yes"))
    assert Counter(label for _, label in _rows(tmp_path / "out.csv")) == {"no": 2, "yes": 2}


def test_rebalance_what_tsv_cannot_hold_is_refused(write, tmp_path):
    path = write("a.csv", 'text,label\n"a\tb",x\nc,y\n')
    with pytest.raises(InputError, match="which a tsv file cannot hold"):
        rebalance(path, tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()


def test_rebalance_the_sample(tmp_path):
    result = rebalance(corpora_path() / SAMPLE, tmp_path / "out.txt", max_per_class=700, min_per_class=400)
    assert result.after == {
        "anger": 700,
        "fear": 700,
        "joy": 700,
        "love": 700,
        "sadness": 700,
        "surprise": 400,
    }
    assert result.left_out == {"no text": 5, "no label": 12}
