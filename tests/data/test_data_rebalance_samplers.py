"""Samplers that compare rows: one list of checks over all of them, and the vectors they compare."""

from __future__ import annotations

import json
from collections import Counter
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from tokkit.data.loading.load import read_dataset
from tokkit.data.rebalancing import row_selection, row_vectors, samplers
from tokkit.data.rebalancing.rebalance import rebalance
from tokkit.data.rebalancing.samplers import SAMPLERS, STRATEGIES
from tokkit.errors import InputError, Interrupted, UsageError
from tokkit.progress import Silent

CLASSES = {
    "two words": {"good": 60, "bad": 15},
    "한국어": {"기쁨": 50, "슬픔": 20, "분노": 8},
    "many numbers": {"10": 30, "9": 25, "2": 20, "1": 12, "0": 5},
    "one row": {"common": 40, "rare": 20, "single": 1},
    "two rarest": {"x": 40, "y": 6, "z": 6},
}
SUBJECTS = ["film", "영화", "Buch", "كتاب", "👩‍👩‍👧", "soup", "song", "x²"]


def _rows(counts, seed=0):
    """Texts of which half the words tell the class; some are copies, some are in two classes."""
    rng = np.random.default_rng(seed)
    rows = []
    for label, n in counts.items():
        for _ in range(n):
            words = [
                f"{label}{rng.integers(4)}" if rng.random() < 0.4 else rng.choice(SUBJECTS) for _ in range(5)
            ]
            rows.append({"id": len(rows), "text": " ".join(words), "label": label})
    return [rows[row] for row in rng.permutation(len(rows))]


def _written(path, rows):
    pl.DataFrame(rows).write_parquet(path)
    return path


@pytest.mark.parametrize(
    "which",
    # what every strategy has to meet is in two of them; the others are variations
    [
        which if which in ("한국어", "one row") else pytest.param(which, marks=pytest.mark.long)
        for which in CLASSES
    ],
)
@pytest.mark.parametrize("name", STRATEGIES)
class TestEveryStrategy:
    """imbalanced-learn's own way to test: one list of checks over every sampler in the registry."""

    def test_gives_rows_of_the_source_with_their_labels(self, tmp_path, name, which):
        rows = _rows(CLASSES[which])
        path = _written(tmp_path / "a.parquet", rows)
        result = rebalance(path, tmp_path / "out.parquet", strategy=name)
        written = pl.read_parquet(tmp_path / "out.parquet").to_dicts()
        by_id = {row["id"]: row for row in rows}
        assert all(row == by_id[row["id"]] for row in written)
        assert Counter(row["label"] for row in written) == result.after
        assert result.before == CLASSES[which] == Counter(result.before)
        assert list(result.after) == list(result.before)  # no class is lost, and the order is the same
        if name != "oversample":
            assert len({row["id"] for row in written}) == len(written)

    def test_leaves_the_rarest_classes_whole(self, tmp_path, name, which):
        rows = _rows(CLASSES[which])
        rebalance(_written(tmp_path / "a.parquet", rows), tmp_path / "out.parquet", strategy=name)
        ids = set(pl.read_parquet(tmp_path / "out.parquet")["id"])
        rarest = min(CLASSES[which].values())
        for row in rows:
            assert row["id"] in ids or CLASSES[which][row["label"]] > rarest

    def test_is_the_same_for_the_same_seed(self, tmp_path, name, which):
        path = _written(tmp_path / "a.parquet", _rows(CLASSES[which]))
        for out in ("one", "two"):
            rebalance(path, tmp_path / f"{out}.parquet", strategy=name, seed=3)
        assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()

    def test_meets_cap_and_floor_afterwards(self, tmp_path, name, which):
        if name == "weights":
            return
        path = _written(tmp_path / "a.parquet", _rows(CLASSES[which]))
        after = rebalance(path, strategy=name, max_per_class=12, min_per_class=4, dry_run=True).after
        assert all(4 <= n <= 12 for n in after.values())


@pytest.mark.filterwarnings("ignore:The number of the samples to be selected")
@pytest.mark.parametrize("name", SAMPLERS)
def test_rebalance_keeps_what_imbalanced_learn_keeps(name):
    """Where the majority is all but one class, which is what imbalanced-learn means by ``auto``."""
    from imblearn import under_sampling as theirs

    expected = {
        "nearmiss-1": theirs.NearMiss(version=1),
        "nearmiss-2": theirs.NearMiss(version=2),
        "nearmiss-3": theirs.NearMiss(version=3),
        "tomek": theirs.TomekLinks(),
        "enn": theirs.EditedNearestNeighbours(),
        "repeated-enn": theirs.RepeatedEditedNearestNeighbours(),
        "allknn": theirs.AllKNN(),
        "one-sided": theirs.OneSidedSelection(random_state=7),
        "condensed": theirs.CondensedNearestNeighbour(random_state=7),
    }[name]
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2], [120, 60, 25])
    vectors = rng.normal(size=(205, 3)) + classes[:, None]
    expected.fit_resample(vectors, classes)
    kept_rows = row_selection.run_sampler(name, vectors, classes, {0: 25, 1: 25, 2: 25}, seed=7)
    assert kept_rows.tolist() == sorted(expected.sample_indices_.tolist())


@pytest.mark.parametrize("name", SAMPLERS)
class TestEverySampler:
    """The contract of the registry: every check runs over every entry, a new one included."""

    CLASSES = np.repeat([0, 1, 2], [120, 60, 25])
    TARGETS: ClassVar = {0: 30, 1: 60, 2: 25}
    VECTORS = np.random.default_rng(0).normal(size=(205, 3)) + CLASSES[:, None]

    def test_keeps_distinct_rows_in_order_and_the_rarest_class_whole(self, name):
        kept_rows = row_selection.run_sampler(name, self.VECTORS, self.CLASSES, self.TARGETS, seed=1)
        assert kept_rows.tolist() == sorted(set(kept_rows.tolist()))
        assert kept_rows.min() >= 0
        assert kept_rows.max() < len(self.CLASSES)
        assert set(range(180, 205)) <= set(kept_rows.tolist())

    def test_meets_the_targets_if_it_cuts_to_them(self, name):
        kept_rows = row_selection.run_sampler(name, self.VECTORS, self.CLASSES, self.TARGETS, seed=1)
        if SAMPLERS[name].to_targets:
            kept_rows = row_selection.top_up(kept_rows, self.CLASSES, self.TARGETS, seed=1)
            assert dict(enumerate(np.bincount(self.CLASSES[kept_rows]).tolist())) == self.TARGETS
            rarest = np.arange(180, 205)
            one, again, other = (
                row_selection.top_up(rarest, self.CLASSES, self.TARGETS, seed=seed).tolist()
                for seed in (1, 1, 2)
            )
            assert one == again != other

    def test_is_the_same_for_the_same_seed_and_for_sparse_vectors(self, name):
        arguments = (self.CLASSES, self.TARGETS, 3)
        kept_rows = row_selection.run_sampler(name, self.VECTORS, *arguments).tolist()
        assert row_selection.run_sampler(name, self.VECTORS, *arguments).tolist() == kept_rows
        assert (
            row_selection.run_sampler(name, sparse.csr_matrix(self.VECTORS), *arguments).tolist() == kept_rows
        )

    def test_keeps_all_rows_if_all_classes_have_as_many(self, name):
        classes = np.repeat([0, 1], [20, 20])
        vectors = np.random.default_rng(0).normal(size=(40, 2))
        kept_rows = row_selection.run_sampler(name, vectors, classes, {0: 20, 1: 20}, 0)
        assert kept_rows.tolist() == list(range(40))

    def test_says_in_a_line_what_it_does_and_has_a_limit(self, name):
        assert 10 < len(SAMPLERS[name].summary) < 75
        assert STRATEGIES[name] == SAMPLERS[name].summary
        samplers.check_size(name, SAMPLERS[name].max_rows, "a.csv")
        with pytest.raises(InputError, match=f"{name} compares every row"):
            samplers.check_size(name, SAMPLERS[name].max_rows + 1, "a.csv")


def test_rebalance_a_sampler_is_added_with_one_class_and_one_entry(tmp_path, monkeypatch):
    """What CONTRIBUTING shows: any class with imbalanced-learn's interface, wherever it is defined."""
    entry = samplers.Sampler(
        "keep the first five rows of large classes", f"{__name__}:FirstRows", _first_rows
    )
    monkeypatch.setitem(SAMPLERS, "first", entry)
    monkeypatch.setitem(STRATEGIES, "first", entry.summary)
    path = _written(tmp_path / "a.parquet", _rows({"good": 60, "bad": 5}))
    assert rebalance(path, strategy="first", dry_run=True).after == {"bad": 5, "good": 5}


class FirstRows:
    """Keeps the first rows of each class in ``cleaned``, and all of the others."""

    def __init__(self, cleaned, rows):
        self.cleaned, self.rows = cleaned, rows

    def fit_resample(self, vectors, classes):
        kept_rows = [
            np.flatnonzero(classes == number)[: self.rows if number in self.cleaned else None]
            for number in np.unique(classes)
        ]
        self.sample_indices_ = np.concatenate(kept_rows)


def _first_rows(sampling):
    return {"cleaned": list(sampling.strategy), "rows": 5}


def test_rebalance_nearmiss_takes_its_numbers_from_targets_and_ratio(tmp_path):
    path = _written(tmp_path / "a.parquet", _rows({"a": 60, "b": 30, "c": 10}))
    assert rebalance(path, strategy="nearmiss", dry_run=True).strategy == "nearmiss-1"
    for plan, after in (
        ({"ratio": 2}, {"a": 20, "b": 20, "c": 10}),
        ({"target": {"a": 35}}, {"a": 35, "b": 10, "c": 10}),
        ({"min_per_class": 15}, {"a": 15, "b": 15, "c": 15}),
    ):
        assert rebalance(path, strategy="nearmiss-2", dry_run=True, **plan).after == after


def test_rebalance_where_nearmiss_3_finds_too_few_rows_others_are_sampled():
    classes = np.repeat([0, 1], [50, 2])
    kept_rows = np.array([3, 7, 50, 51])
    topped_up = row_selection.top_up(kept_rows, classes, {0: 10, 1: 2}, seed=1)
    assert len(topped_up) == len(set(topped_up)) == 12
    assert set(kept_rows) <= set(topped_up)
    assert row_selection.top_up(kept_rows, classes, {0: 2, 1: 2}, seed=1).tolist() == kept_rows.tolist()


@pytest.mark.parametrize(
    "name", ["smote", "borderline-smote", "SVM_SMOTE", "adasyn", "smote-enn", "SMOTETomek"]
)
def test_rebalance_what_synthesizes_rows_is_refused_with_what_to_use(name):
    with pytest.raises(UsageError, match="synthesizes vectors between rows, and no text belongs") as caught:
        rebalance("not-read.csv", "out.csv", strategy=name)
    weigh, caps, weights, repeats = (
        caught.value.hint.index(part)
        for part in ("weight", "--max-per-class", "--strategy weights", "--strategy oversample")
    )
    assert weigh < caps < weights < repeats


def test_rebalance_a_strategy_that_is_none_is_named():
    with pytest.raises(
        UsageError, match=r'invalid value "tomeck": choose from .* \(did you mean "tomek"\?\)'
    ):
        rebalance("not-read.csv", "out.csv", strategy="tomeck")


def test_rebalance_more_rows_than_a_sampler_can_compare_are_refused():
    samplers.check_size("condensed", 5_000, "a.csv")
    with pytest.raises(InputError, match=r"a.csv: condensed compares every row .* 5,001 rows") as caught:
        samplers.check_size("condensed", 5_001, "a.csv")
    assert "--max-per-class" in caught.value.hint


def test_rebalance_a_sampler_that_leaves_nothing_of_a_class_is_refused(write):
    same = "".join(f"same words,{label}\n" for label in "aab" * 10 + "c")
    with pytest.raises(InputError, match=r'enn leaves no row of the class "a"') as caught:
        rebalance(write("a.csv", f"text,label\n{same}"), strategy="enn", dry_run=True)
    assert "--strategy tomek" in caught.value.hint


def test_rebalance_a_class_cut_below_the_rarest_is_reported(write, heard):
    mixed = "".join(f"word{i % 7} word{i % 5},{'ab'[i % 2]}\n" for i in range(60))
    clear = "".join(f"other{i} thing{i % 3},{'abc'[i % 3]}\n" for i in range(9)) + "".join(
        f"clear {i},c\n" for i in range(12)
    )
    result = rebalance(
        write("a.csv", f"text,label\n{mixed}{clear}"), strategy="enn", dry_run=True, progress=heard
    )
    assert min(result.after.values()) < 15
    assert "where the rarest class had 15" in heard


def test_rebalance_comparing_can_be_stopped(tmp_path):
    class Stopping(Silent):
        def cancelled(self):
            return True

    path = _written(tmp_path / "a.parquet", _rows({"a": 2000, "b": 500}))
    with pytest.raises(Interrupted):
        rebalance(path, tmp_path / "out.parquet", strategy="tomek", progress=Stopping())
    assert not (tmp_path / "out.parquet").exists()


# Vectors ------------------------------------------------------------------------------------------------


def test_rebalance_texts_are_compared_by_words_or_where_there_are_no_spaces_by_characters():
    for texts, what in (
        (["Das ist ein Donaudampfschifffahrtskapitän", "und noch einer"], row_vectors.WORDS),
        (["아주 좋은 영화", "지루한 이야기였다"], row_vectors.WORDS),
        (["这部电影非常好看我很喜欢它的音乐", "无聊的故事让人昏昏欲睡不值得一看"], row_vectors.CHARACTERS),
        (["ภาพยนตร์เรื่องนี้สนุกมาก", "เรื่องราวน่าเบื่อ"], row_vectors.CHARACTERS),
    ):
        vectors, of = row_vectors.tfidf(texts)
        assert of == what
        np.testing.assert_allclose(vectors.multiply(vectors).sum(axis=1), 1, atol=1e-6)


def test_rebalance_vectors_are_those_of_the_texts_as_readers_compare_them():
    vectors, _ = row_vectors.tfidf(["Good, good film!", "good GOOD film", "a b c", "!!!", "👍 👍"])
    likeness = (vectors @ vectors.T).toarray()
    assert likeness[0, 1] == pytest.approx(1)
    assert likeness[2:, :2].max() == 0
    assert (likeness.diagonal() > 0.99).all()


def test_rebalance_texts_of_white_space_alone_cannot_be_compared():
    with pytest.raises(InputError, match="no text to compare rows by") as caught:
        row_vectors.tfidf([" ", "\u3000"])
    assert "--vectors" in caught.value.hint


@pytest.fixture
def table(tmp_path):
    """Rows whose texts say nothing, some of them incomplete; what tells them apart are the vectors."""
    rows = [
        {"text": None if i == 3 else "word", "label": "abbb"[i % 4] if i != 5 else None} for i in range(80)
    ]
    vectors = np.array([[float(i % 4 == 0), i / 80] for i in range(80)])
    return _written(tmp_path / "a.parquet", rows), vectors


def test_rebalance_vectors_from_a_file_are_those_of_the_rows_that_count(table, tmp_path, heard):
    path, vectors = table
    np.save(tmp_path / "v.npy", vectors)
    pl.DataFrame({"id": range(80), "vector": vectors.tolist()}).write_parquet(tmp_path / "v.parquet")
    fixed = pl.Series("hidden", vectors, dtype=pl.Array(pl.Float64, 2))
    pl.DataFrame({"hidden": fixed}).write_parquet(tmp_path / "w.parquet")
    written = []
    for name in ("v.npy", "v.parquet", "w.parquet"):
        out = tmp_path / f"out-{name}.parquet"
        result = rebalance(path, out, strategy="enn", vectors=str(tmp_path / name), progress=heard)
        assert result.compared_by == name
        assert result.after == {"a": 20, "b": 58}  # the classes lie apart: nothing is dropped
        assert f"rows are compared by {name}" in heard
        written.append(out.read_bytes())
        receipt = json.loads(out.with_name(f"{out.name}.tokkit.json").read_text())["result"]
        assert [file["name"] for file in receipt["inputs"]] == ["a.parquet", name]
        assert receipt["settings"]["vectors"] == name
    assert written[0] == written[1] == written[2]


def test_rebalance_vectors_of_a_features_file_are_those_of_the_same_texts(table, tmp_path):
    path, vectors = table
    texts = pl.Series([None if i == 3 else f"word {i}" for i in range(80)])
    pl.read_parquet(path).with_columns(texts.alias("text")).write_parquet(path)
    np.save(tmp_path / "v.npy", vectors)
    rebalance(path, tmp_path / "a.jsonl", strategy="enn", vectors=str(tmp_path / "v.npy"))
    features = pl.DataFrame({"text": texts, "split": "train", "vector": vectors}).drop_nulls()
    test = features.head(2).with_columns(pl.lit("test").alias("split"))
    in_place = pl.DataFrame({"text": texts}).join(features, "text", "left", maintain_order="left")
    in_place = in_place.with_columns(split=pl.lit("train"))
    for rows in (features, in_place.select(features.columns)):
        pl.concat([rows, test]).write_parquet(tmp_path / "v.parquet")
        rebalance(path, tmp_path / "b.jsonl", strategy="enn", vectors=str(tmp_path / "v.parquet"), force=True)
        assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    features.reverse().write_parquet(tmp_path / "v.parquet")
    with pytest.raises(InputError, match='its vectors are of other texts: "word 79" where row 1 of'):
        rebalance(path, strategy="enn", vectors=str(tmp_path / "v.parquet"), dry_run=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((79, 2)), "79 vectors for the 80 rows of .*a.parquet"),
        (np.zeros(80), r"holds float64 of \(80,\), where numbers of \(rows, width\)"),
        (np.full((80, 2), "x"), r"holds <U1 of \(80, 2\)"),
        (np.full((80, 2), np.nan), "the vector of row 1 holds NaN"),
        (np.full((80, 2), None), "no array of numbers in NumPy's .npy format"),
        (b"no array", "no array of numbers in NumPy's .npy format"),
        (None, "no such file"),
    ],
)
def test_rebalance_vectors_that_are_none_are_refused(table, tmp_path, content, message):
    path, _ = table
    if isinstance(content, bytes):
        (tmp_path / "v.npy").write_bytes(content)
    elif content is not None:
        np.save(tmp_path / "v.npy", content, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        rebalance(path, tmp_path / "out.parquet", strategy="tomek", vectors=str(tmp_path / "v.npy"))


def test_rebalance_several_arrays_are_refused(table, tmp_path):
    np.savez(tmp_path / "v.npz", a=np.zeros((80, 2)))
    with pytest.raises(InputError, match="holds several arrays"):
        rebalance(table[0], strategy="tomek", vectors=str(tmp_path / "v.npz"), dry_run=True)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [1] * 80}, 'no column "vector" that holds lists'),
        ({"vector": [[1.0]] * 79 + [[1.0, 2.0]]}, "lists of several lengths"),
        ({"vector": [[1.0]] * 79 + [None]}, "lists of several lengths"),
        ({"vector": [["x"]] * 80}, "lists of several lengths, or not of numbers"),
    ],
)
def test_rebalance_parquet_that_holds_no_vectors_is_refused(table, tmp_path, columns, message):
    pl.DataFrame(columns).write_parquet(tmp_path / "v.parquet")
    with pytest.raises(InputError, match=message):
        rebalance(table[0], strategy="tomek", vectors=str(tmp_path / "v.parquet"), dry_run=True)


def test_rebalance_vectors_for_a_strategy_that_compares_nothing_are_refused():
    with pytest.raises(UsageError, match="--strategy oversample compares no rows") as caught:
        rebalance("not-read.csv", "out.csv", vectors="v.npy")
    assert "tomek" in caught.value.hint


def test_rebalance_by_comparing_leaves_a_folder_s_other_splits_alone(write, tmp_path):
    rows = "".join(f"{row['text']},{row['label']}\n" for row in _rows({"a": 40, "b": 15}))
    for name, content in (("train", rows), ("test", "never seen,a\n")):
        write(f"d/{name}.csv", f"text,label\n{content}")
    rebalance(tmp_path / "d", tmp_path / "out", strategy="tomek")
    assert (tmp_path / "out/test.csv").read_bytes() == (tmp_path / "d/test.csv").read_bytes()
    assert read_dataset(tmp_path / "out").texts("train").len() <= 55
