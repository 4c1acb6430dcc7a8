"""Rebalancing: targets met exactly, nothing made up, nothing leaked."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokkit.cli.main import run
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.rebalancing import rebalance_options, weights
from tokkit.data.rebalancing.class_targets import class_targets
from tokkit.data.rebalancing.rebalance import rebalance
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.rebalancing.row_selection import resample
from tokkit.data.rebalancing.samplers import STRATEGIES
from tokkit.data.rebalancing.weights import class_weights, sidecar_of
from tokkit.data.splitting.split import split
from tokkit.errors import InputError, OutputError, UsageError
from tokkit.sources.corpora import SAMPLE, corpora_path

COUNTS = st.dictionaries(st.sampled_from(["a", "b", "c", "가", "10", "9"]), st.integers(1, 30), min_size=2)
LABELS = ["a"] * 6 + ["b"] * 3 + ["c"]


def _labels(counts):
    return [label for label, n in counts.items() for _ in range(n)]


def _csv(write, rows, name="a.csv"):
    return write(name, "text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))


def _rows(path):
    dataset = read_dataset(path)
    return list(zip(dataset.texts("train"), dataset.labels("train"), strict=True))


# Sampling ----------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(COUNTS, st.data(), st.integers(0, 3))
def test_rebalance_samples_every_class_as_often_as_its_target(counts, data, seed):
    labels = _labels(counts)
    targets = {label: data.draw(st.integers(1, 60)) for label in counts}
    sampled = resample(labels, targets, seed)
    assert Counter(labels[row] for row in sampled) == targets
    times = Counter(sampled)
    for label, n in counts.items():
        rows = [row for row in range(len(labels)) if labels[row] == label]
        if targets[label] >= n:  # over-sampling keeps every original row
            assert all(times[row] >= 1 for row in rows)
        else:  # under-sampling repeats none
            assert all(times[row] <= 1 for row in rows)
    assert sampled == resample(labels, targets, seed)


def test_rebalance_samples_what_imbalanced_learn_samples():
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    labels = np.array(LABELS)
    rows = np.arange(len(labels)).reshape(-1, 1)
    for sampler, plan in (
        (RandomOverSampler(random_state=3), RebalanceOptions(strategy="oversample")),
        (RandomUnderSampler(random_state=3), RebalanceOptions(strategy="undersample")),
    ):
        sampler.fit_resample(rows, labels)
        sampled = resample(LABELS, class_targets(LABELS, plan), 3)
        assert sorted(sampled) == sorted(sampler.sample_indices_.tolist())


def test_rebalance_shuffles_so_that_copies_do_not_come_last():
    labels = ["a"] * 500 + ["b"] * 10
    sampled = resample(labels, {"a": 500, "b": 500}, 0)
    first = Counter(labels[row] for row in sampled[:500])
    assert 180 < first["b"] < 320


def test_rebalance_another_seed_gives_other_rows():
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
        ({"ratio": 2}, {"a": 2, "b": 2, "c": 1}),
        ({"ratio": 1}, {"a": 1, "b": 1, "c": 1}),
        ({"ratio": 2.5, "min_per_class": 2}, {"a": 2, "b": 2, "c": 2}),
        ({"ratio": 2, "strategy": "undersample"}, {"a": 2, "b": 2, "c": 1}),
        ({"ratio": 4, "strategy": "oversample"}, {"a": 6, "b": 3, "c": 2}),
        ({"ratio": 6}, {"a": 6, "b": 3, "c": 1}),
        ({"temper": "sqrt"}, {"a": 5, "b": 3, "c": 2}),
        ({"temper": "sqrt", "strategy": "oversample"}, {"a": 6, "b": 5, "c": 3}),
        ({"temper": "sqrt", "strategy": "undersample"}, {"a": 2, "b": 1, "c": 1}),
        ({"temper": "sqrt", "max_per_class": 4, "target": ("c=9",)}, {"a": 4, "b": 3, "c": 9}),
        ({"strategy": "tomek"}, {"a": 6, "b": 3, "c": 1}),
        ({"strategy": "tomek", "ratio": 3}, {"a": 3, "b": 3, "c": 1}),
        ({"strategy": "nearmiss"}, {"a": 1, "b": 1, "c": 1}),
    ],
)
def test_rebalance_targets(plan, targets):
    assert class_targets(LABELS, RebalanceOptions(**plan)) == targets


@pytest.mark.parametrize("plan", [{"target": ("b=1000000000000",)}, {"min_per_class": 10**23}])
def test_rebalance_more_rows_than_any_machine_holds_are_refused_before_they_are_sampled(plan):
    with pytest.raises(UsageError, match=r"rows are requested, of 10 there are; the limit is 100,000,000"):
        class_targets(LABELS, RebalanceOptions(**plan))


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"target": ("d=5",)}, 'unknown class "d"'),
        ({"target": ("b",)}, "write LABEL=ROWS"),
        ({"target": ("b=²",)}, "write LABEL=ROWS"),
        ({"target": ("b=0",)}, "write LABEL=ROWS"),
        ({"target": ("b=1", "b=2")}, 'two numbers for "b"'),
        ({"target": ("a=5",), "strategy": "oversample"}, "oversampling only adds"),
        ({"target": ("b=5",), "strategy": "undersample"}, "undersampling only removes"),
        ({"max_per_class": 2, "min_per_class": 3}, "is above --max-per-class"),
        ({"max_per_class": 2, "strategy": "weights"}, "leaves the rows as they are"),
        ({"ratio": 2, "strategy": "weights"}, "leaves the rows as they are"),
        ({"temper": "sqrt", "strategy": "weights"}, "leaves the rows as they are"),
        ({"target": ("b=5",), "strategy": "nearmiss-2"}, "undersampling only removes"),
    ],
)
def test_rebalance_targets_that_contradict_are_refused(plan, message):
    with pytest.raises(UsageError, match=message):
        class_targets(LABELS, RebalanceOptions(**plan))


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"temper": "sqrt", "ratio": 2}, "--temper and --ratio both set"),
        ({"ratio": 0.5}, "--ratio: 0.5 is below 1"),
        ({"beta": 0.9}, "is for --weights effective"),
        ({"beta": 1.0, "weights": "effective"}, "and below 1"),
        ({"weights": "square"}, "--weights: .*: choose from balanced, sqrt, effective"),
    ],
)
def test_rebalance_invalid_options_are_refused(plan, message):
    with pytest.raises(UsageError, match=message):
        RebalanceOptions(**plan)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 400), min_size=2))
def test_rebalance_tempered_classes_are_as_the_square_roots_of_what_they_were(counts):
    labels = _labels(counts)
    both, over, under = (
        class_targets(labels, RebalanceOptions(temper="sqrt", strategy=strategy))
        for strategy in (None, "oversample", "undersample")
    )
    roots = sum(n**0.5 for n in counts.values())
    assert sum(both.values()) == len(labels)
    assert all(abs(both[label] - len(labels) * n**0.5 / roots) < 1 for label, n in counts.items())
    assert max(over.values()) == max(counts.values())
    assert min(under.values()) == min(counts.values())
    assert all(under[label] <= n <= over[label] for label, n in counts.items())


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 400), min_size=2), st.floats(1, 30))
def test_rebalance_no_class_has_more_than_ratio_times_another(counts, ratio):
    for strategy in (None, "oversample", "undersample"):
        targets = class_targets(_labels(counts), RebalanceOptions(ratio=ratio, strategy=strategy))
        assert max(targets.values()) <= ratio * min(targets.values())


def test_rebalance_a_label_may_hold_an_equals_sign():
    assert class_targets(["a=b", "a=b", "c"], RebalanceOptions(target=("a=b=1",))) == {"a=b": 1, "c": 1}


@settings(deadline=None)
@given(COUNTS)
def test_rebalance_weights_are_those_of_scikit_learn(counts):
    from sklearn.utils.class_weight import compute_class_weight

    labels = _labels(counts)
    expected = compute_class_weight("balanced", classes=np.array(list(counts)), y=labels)
    np.testing.assert_allclose(list(class_weights(counts).values()), expected, atol=5e-7)


@settings(deadline=None)
@given(COUNTS, st.floats(0, 0.9999))
def test_rebalance_weights_are_one_in_the_mean_over_rows(counts, beta):
    rows = sum(counts.values())
    for how in ("balanced", "sqrt", "effective"):
        weights = class_weights(counts, how, beta if how == "effective" else None)
        assert sum(weights[label] * n for label, n in counts.items()) == pytest.approx(rows, abs=1e-6 * rows)


@settings(deadline=None)
@given(COUNTS, st.floats(0.01, 0.9999))
def test_rebalance_weights_of_other_kinds_are_in_the_proportions_of_their_formulas(counts, beta):
    squared = class_weights(counts, "sqrt")
    effective = class_weights(counts, "effective", beta)
    first = next(iter(counts))
    for label, n in counts.items():
        assert squared[label] / squared[first] == pytest.approx((counts[first] / n) ** 0.5, rel=1e-4)
        # Cui et al. 2019, equation 2: E_n = (1 - beta^n) / (1 - beta)
        number, of_first = ((1 - beta**rows_of_class) / (1 - beta) for rows_of_class in (n, counts[first]))
        assert effective[label] / effective[first] == pytest.approx(of_first / number, rel=1e-4)


def test_rebalance_weights_of_effective_numbers_lie_between_none_and_balanced():
    counts = {"a": 900, "b": 90, "c": 9}
    assert class_weights(counts, "effective", 0.0) == {"a": 1, "b": 1, "c": 1}
    assert class_weights(counts, "effective", 1 - 1e-9) == pytest.approx(class_weights(counts), rel=1e-5)
    assert class_weights(counts, "effective") == class_weights(counts, "effective", 998 / 999)


# Files ------------------------------------------------------------------------------------------------


def test_rebalance_a_file_gives_a_file_with_weights_and_receipt(write, tmp_path):
    path = _csv(write, [(f"t{i}", label) for i, label in enumerate(LABELS)])
    result = rebalance(path, tmp_path / "out.csv", target=["c=4"], max_per_class=5)
    rows = _rows(tmp_path / "out.csv")
    assert Counter(label for _, label in rows) == result.after == {"a": 5, "b": 3, "c": 4}
    assert result.before == {"a": 6, "b": 3, "c": 1}
    assert result.rows == len(rows) == 12
    assert set(rows) <= set(_rows(path))
    weights = json.loads((tmp_path / "out.csv.weights.json").read_text())
    assert weights == result.weights == class_weights(result.after)
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
    assert "skipped 1 row: no text" in heard


@pytest.fixture
def leaking(write, tmp_path):
    """A folder whose validation and test splits hold texts of train."""
    _csv(write, [(f"t{i}", label) for i, label in enumerate(LABELS)], "d/train.csv")
    _csv(write, [("t0", "a"), ("t6", "b"), ("v", "c")], "d/validation.csv")
    _csv(write, [("t1", "a"), ("t0", "a"), ("w", "b")], "d/test.csv")
    return tmp_path / "d"


def test_rebalance_leaks_are_dropped_and_reported(leaking, tmp_path, heard):
    result = rebalance(leaking, tmp_path / "out", progress=heard)
    assert result.left_out == {"in another split": 3}
    assert result.after == {"a": 4, "b": 4, "c": 4}
    assert "skipped 3 training rows: text in validation or test too" in heard
    out = read_dataset(tmp_path / "out")
    assert not {"t0", "t1", "t6"} & set(out.texts("train"))
    for name in ("validation", "test"):
        assert (tmp_path / "out" / f"{name}.csv").read_bytes() == (leaking / f"{name}.csv").read_bytes()
    assert json.loads((tmp_path / "out" / "weights.json").read_text()) == {"a": 1, "b": 1, "c": 1}


def test_rebalance_leaks_are_refused(leaking, tmp_path):
    with pytest.raises(
        InputError, match="3 training rows have a text that is in validation or test too"
    ) as caught:
        rebalance(leaking, tmp_path / "out", leaks="refuse")
    assert "--leaks drop" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_rebalance_leaks_are_kept_and_reported(leaking, tmp_path, heard):
    assert rebalance(leaking, tmp_path / "out", leaks="keep", progress=heard).after == {
        "a": 6,
        "b": 6,
        "c": 6,
    }
    assert "kept, as requested" in heard


def test_rebalance_searches_the_files_next_to_a_training_file(leaking, tmp_path, write, heard):
    write("d/imdb_test.csv", "nothing,like it\n")
    result = rebalance(leaking / "train.csv", tmp_path / "out.csv", progress=heard)
    assert result.left_out == {"in another split": 3}
    assert "searching its texts in test.csv, validation.csv too" in heard


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
    rebalance(path, tmp_path / "out.csv", read_options=DatasetOptions(label_names="0=no,1=yes"))
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


def test_rebalance_a_dry_run_shows_what_would_be_and_writes_nothing(leaking, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    result = rebalance(leaking, dry_run=True, max_per_class=3)
    assert sorted(tmp_path.rglob("*")) == before
    assert (result.dry_run, result.output) == (True, None)
    done = rebalance(leaking, tmp_path / "out", max_per_class=3)
    assert {**done.as_dict(), "dry_run": True, "output": None} == result.as_dict()
    with pytest.raises(UsageError, match="no output is named") as caught:
        rebalance(leaking)
    assert "--dry-run" in caught.value.hint


def test_rebalance_writes_the_requested_weights_next_to_the_rows(leaking, tmp_path):
    result = rebalance(leaking, tmp_path / "out", strategy="weights", weights="effective", beta=0.9)
    assert result.weights == class_weights(result.after, "effective", 0.9)
    assert sidecar_of(read_dataset(tmp_path / "out")) == tmp_path / "out" / "weights.json"
    rebalance(leaking / "train.csv", tmp_path / "train.csv", strategy="weights")
    assert sidecar_of(read_dataset(tmp_path / "train.csv")) == tmp_path / "train.csv.weights.json"
    assert sidecar_of(read_dataset(leaking)) is None


# Splitting and rebalancing ------------------------------------------------------------------------------

TEXTS = st.integers(0, 25).map(lambda i: f"t{i}")


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(TEXTS, st.sampled_from(["x", "y", "가"])), min_size=40, max_size=80),
    st.sampled_from(["oversample", "undersample", "tomek", "nearmiss-1"]),
    st.booleans(),
)
def test_rebalance_after_or_before_a_split_no_text_is_in_two(tmp_path_factory, rows, strategy, before):
    """Oversampled and then split by rows, 67 % of the test rows were in train, and macro-F1 .965 for .817."""
    folder = tmp_path_factory.mktemp("d")
    source = folder / "a.csv"
    source.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    try:
        if before:
            rebalance(source, folder / "balanced.csv", strategy=strategy)
            split(folder / "balanced.csv", folder / "out", test=0.2)
        else:
            split(source, folder / "split", test=0.2)
            rebalance(folder / "split", folder / "out", strategy=strategy)
    except InputError as error:
        assert any(part in error.message for part in ("one class only", "too small to split"))  # noqa: PT017
        return
    loaded = read_dataset(folder / "out")
    texts = {name: set(loaded.texts(name)) for name in loaded.splits}
    assert not texts["train"] & (texts["validation"] | texts["test"])
    assert not texts["validation"] & texts["test"]


# The command --------------------------------------------------------------------------------------------


def test_rebalance_command_shows_a_plan_first(leaking, capsys):
    assert run(["rebalance", str(leaking), "--dry-run", "--max-per-class", "2"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Dry run, nothing was written\nlabel\tbefore\tafter\tweight\na\t6\t2\t")
    assert run(["rebalance", str(leaking), "--dry-run", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["command"], result["dry_run"], result["output"]) == ("rebalance", True, None)


def test_rebalance_command_names_every_strategy_in_its_help(capsys):
    assert run(["rebalance", "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in STRATEGIES)


def test_rebalance_command_refuses_smote_with_the_reason(leaking, tmp_path, capsys):
    assert run(["rebalance", str(leaking), "-o", str(tmp_path / "out"), "--strategy", "smote"]) == 2
    printed = capsys.readouterr().err
    assert "no text belongs to such a vector" in printed
    assert "--strategy weights" in printed


def test_split_command_writes_folds(write, tmp_path, capsys):
    path = write("a.csv", "text,label\n" + "".join(f"t{i},{'ab'[i % 2]}\n" for i in range(20)))
    assert run(["split", str(path), "-o", str(tmp_path / "out"), "--folds", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["splits"] == {
        "fold-1/train": 10,
        "fold-1/validation": 10,
        "fold-2/train": 10,
        "fold-2/validation": 10,
    }
    two = ["split", str(path), "-o", str(tmp_path / "two"), "--folds", "2", "--validation", "0.1"]
    assert run(two) == 2
    assert "--folds 2 validates on 1/2" in capsys.readouterr().err


def test_rebalance_options_offer_every_way_to_weight():
    assert rebalance_options.WEIGHTS == weights.WEIGHTS
