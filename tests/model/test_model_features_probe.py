"""The baselines and the map of frozen features, against scikit-learn and UMAP on the same vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.preprocessing import StandardScaler, minmax_scale

import tokkit
from tests.model.conftest import sentences, write_csv
from tests.model.features_models import encoder
from tokkit.cli.main import tokkit as command
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, Interrupted, UsageError
from tokkit.model.features import projection
from tokkit.model.features.baseline_rows import feature_rows
from tokkit.model.features.features_file import FeaturesFile
from tokkit.model.options.inference_options import FeaturesOptions
from tokkit.progress import Silent
from tokkit.views.reports import features as reports


@pytest.fixture(scope="module")
def bert(tmp_path_factory, tokenizer) -> Path:
    return encoder("bert", tmp_path_factory.mktemp("bert") / "bert", tokenizer)


@pytest.fixture(scope="module")
def file(tmp_path_factory, bert, dataset) -> Path:
    """Features of all three splits."""
    out = tmp_path_factory.mktemp("features") / "f.parquet"
    tokkit.features(bert, dataset, out, threads=1)
    return out


def parts(file: Path, *splits: str) -> list[tuple[np.ndarray, list[str], list[str]]]:
    """Vectors, texts and labels of each split."""
    frame = pl.read_parquet(file)
    chosen = [frame.filter(pl.col("split") == split) for split in splits]
    return [
        (np.array(e["vector"].to_list(), np.float32), e["text"].to_list(), e["label"].to_list())
        for e in chosen
    ]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_probe_is_the_logistic_regression_of_scikit_learn(split, file):
    (vectors, _, labels), (held_out, _, truth) = parts(file, "train", split)
    scores = tokkit.features(file, probe=True, split=split).probe
    scaler = StandardScaler(with_mean=scores["standardized"], with_std=scores["standardized"]).fit(vectors)
    regression = LogisticRegression(C=scores["C"], max_iter=2000).fit(scaler.transform(vectors), labels)
    expected = regression.predict(scaler.transform(held_out))
    assert scores["split"] == split
    assert scores["rows"] == 60
    assert scores["accuracy"] == pytest.approx(accuracy_score(truth, expected), abs=1e-6)
    assert scores["macro_f1"] == pytest.approx(f1_score(truth, expected, average="macro"), abs=1e-6)
    shares = regression.predict_proba(scaler.transform(held_out))
    assert scores["loss"] == pytest.approx(log_loss(truth, shares), abs=1e-4)
    assert list(scores["classes"]) == ["anger", "joy", "sadness"]


def test_the_loss_of_a_probe_that_is_certain_and_wrong_is_finite(file, tmp_path):
    table = parquet.read_table(file)
    numbers = np.array(table["vector"].to_pylist(), np.float32)
    numbers[np.array(table["split"].to_pylist()) == "validation"] *= -1e6
    column = pa.FixedSizeListArray.from_arrays(pa.array(numbers.reshape(-1)), numbers.shape[1])
    changed = table.set_column(table.schema.get_field_index("vector"), "vector", column)
    parquet.write_table(changed, tmp_path / "f.parquet")
    assert 5 < tokkit.features(tmp_path / "f.parquet", probe=True).probe["loss"] < 20


def test_the_bag_of_words_is_that_of_scikit_learn(file):
    (_, texts, labels), (_, held_out, truth) = parts(file, "train", "validation")
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]").fit(texts)
    scores = tokkit.features(file, bag_of_words=True).bag_of_words
    regression = LogisticRegression(C=scores["C"], max_iter=2000).fit(words.transform(texts), labels)
    expected = accuracy_score(truth, regression.predict(words.transform(held_out)))
    assert scores["accuracy"] == pytest.approx(expected, abs=1e-6)
    assert scores["accuracy"] > 0.9


def test_the_probe_sees_a_feature_that_tells_the_classes(model, dataset, tmp_path):
    trained = tokkit.features(model, dataset, tmp_path / "f.parquet", probe=True, threads=1).probe
    assert trained["macro_f1"] > trained["majority"]["macro_f1"] + 0.3


def test_a_features_file_gives_what_was_given_when_it_was_made(bert, dataset, tmp_path):
    out = tmp_path / "f.parquet"
    computed = tokkit.features(bert, dataset, out, probe=True, bag_of_words=True, threads=1)
    before = out.read_bytes()
    again = tokkit.features(out, probe=True, bag_of_words=True)
    assert again.as_dict() == computed.as_dict()
    assert out.read_bytes() == before
    assert computed.splits == {"train": 240, "validation": 60, "test": 60}


@pytest.mark.parametrize(
    ("labels", "settings"),
    [
        ([0, 1, 2], {}),
        (["joy", "-1", "sad"], {"missing_label": "-1"}),
        ([["a"], ["a", "b"], []], {}),
        (["a", "a;b", "b"], {"label_sep": ";"}),
    ],
)
def test_labels_of_a_features_file_are_those_of_its_data_set(labels, settings, bert, tmp_path):
    texts = [f"{('glad', 'odd', 'sad')[i % 3]} {i}" if i != 30 else None for i in range(60)]
    rows = pl.DataFrame({"who": [f"u{i}" for i in range(60)], "note": texts, "mood": labels * 20})
    rows.write_parquet(tmp_path / "t.parquet")
    columns = {"text_column": "note", "label_column": "mood", "id_column": "who", **settings}
    out = tmp_path / "f.parquet"
    tokkit.features(bert, tmp_path / "t.parquet", out, threads=1, **columns)
    stored = feature_rows(FeaturesFile.read(out).dataset())
    assert stored.equals(feature_rows(read_dataset(tmp_path / "t.parquet", DatasetOptions(**columns))))
    assert (stored["row"][30], stored["id"][30]) == (31, "u31")


def test_without_a_validation_split_the_rows_that_finetune_holds_out_are_scored(
    bert, tokenizer, tmp_path, heard
):
    data = write_csv(tmp_path / "all.csv", sentences(200, seed=1))
    scores = tokkit.features(bert, data, tmp_path / "f.parquet", probe=True, threads=1, progress=heard).probe
    assert "no validation split" in heard
    result = tokkit.finetune(data, tokenizer, out=tmp_path / "m", epochs=1, threads=1)
    supports = [
        {name: scores["support"] for name, scores in finished["classes"].items()}
        for finished in (scores, result.metrics)
    ]
    assert supports[0] == supports[1]


def test_vectors_are_read_for_the_requested_rows(file):
    [(expected, _, _)] = parts(file, "train")
    rows = np.array([0, 3, 4, 200])
    np.testing.assert_array_equal(FeaturesFile.read(file).vectors(rows), expected[rows])


class TestTheMap:
    @pytest.mark.long
    def test_is_umap_of_vectors_scaled_to_one(self, file):
        from umap import UMAP

        [(train, _, a), (held_out, _, b), (test, _, c)] = parts(file, "train", "validation", "test")
        vectors = minmax_scale(np.concatenate([train, held_out, test]))
        expected = UMAP(n_neighbors=5, min_dist=0.3, metric="cosine", random_state=7, n_jobs=1)
        projection = tokkit.features(file, projection=True, neighbors=5, min_dist=0.3, seed=7).projection
        np.testing.assert_array_equal(projection.points, expected.fit_transform(vectors).astype(np.float32))
        assert projection.labels == a + b + c

    @pytest.mark.long
    def test_of_many_rows_is_of_a_seeded_sample_which_is_said(self, file, heard):
        maps = [
            tokkit.features(file, projection=True, map_rows=50, seed=seed, progress=heard).projection
            for seed in (1, 1, 2)
        ]
        assert "the map shows a random sample of 50 of 360 rows" in heard
        assert [len(projection.labels) for projection in maps] == [50] * 3
        np.testing.assert_array_equal(maps[0].points, maps[1].points)
        assert not np.array_equal(maps[0].points, maps[2].points)

    def test_needs_more_rows_than_neighbours(self, bert, tmp_path):
        data = write_csv(tmp_path / "t.csv", sentences(12, seed=1))
        with pytest.raises(InputError, match="12 rows are too few for a map with neighbors=15") as raised:
            tokkit.features(bert, data, tmp_path / "f.parquet", projection=True)
        assert raised.value.hint.endswith("neighbors=11)")
        assert not (tmp_path / "f.parquet").exists()

    @pytest.mark.parametrize("rows", [6, 7])
    def test_of_the_fewest_rows_works(self, rows, bert, tmp_path):
        data = write_csv(tmp_path / "t.csv", sentences(rows, seed=1))
        result = tokkit.features(bert, data, tmp_path / "f.parquet", projection=True, neighbors=rows - 1)
        assert np.isfinite(result.projection.points).all()

    @pytest.mark.parametrize("metric", ["euclidean", "chebyshev", "correlation"])
    def test_takes_other_distances_and_copies_of_a_row(self, metric, bert, tmp_path):
        data = write_csv(tmp_path / "t.csv", [("i feel glad", "joy")] * 10 + sentences(20, seed=1))
        options = FeaturesOptions(neighbors=5, umap_metric=metric)
        result = tokkit.features(bert, data, tmp_path / "f.parquet", options, projection=True)
        assert np.isfinite(result.projection.points).all()

    def test_has_distances_that_umap_takes(self):
        from umap.distances import named_distances

        assert set(
            projection.FeaturesOptions.__dataclass_fields__["umap_metric"].metadata["option"].choices
        ) <= set(named_distances)


class TestWhatCannotBe:
    def refused(self, bert, data, tmp_path, message, **settings):
        with pytest.raises((InputError, UsageError), match=message) as raised:
            tokkit.features(bert, data, tmp_path / "f.parquet", probe=True, **settings)
        assert not (tmp_path / "f.parquet").exists()
        return raised.value

    def test_a_probe_without_labels(self, bert, write, tmp_path):
        error = self.refused(bert, write("t.txt", "one text\nanother\n"), tmp_path, "no column of labels")
        assert error.exit_code == 3

    def test_a_probe_of_one_class(self, bert, tmp_path):
        data = write_csv(tmp_path / "t.csv", [(f"i feel glad {i}", "joy") for i in range(9)])
        self.refused(bert, data, tmp_path, "one class only", label_column="label")

    def test_a_probe_scored_on_a_split_that_is_not_there(self, bert, tmp_path):
        data = write_csv(tmp_path / "t.csv", sentences(40, seed=1))
        self.refused(bert, data, tmp_path, "no test split", split="test")

    def test_a_probe_of_a_label_never_seen_in_training(self, bert, tmp_path):
        folder = tmp_path / "d"
        folder.mkdir()
        write_csv(folder / "train.csv", sentences(40, seed=1))
        write_csv(folder / "test.csv", [*sentences(10, seed=2), ("i feel odd", "envy")])
        self.refused(bert, folder, tmp_path, 'unknown label "envy"', split="test")

    def test_a_probe_of_rows_with_tags(self, bert, tmp_path):
        data = tmp_path / "t.conll"
        data.write_text("at O\nhome B-place\n\nin O\ntown B-place\n", encoding="utf-8")
        self.refused(bert, data, tmp_path, "these rows have tags of tokens")

    def test_a_probe_of_a_vector_a_token(self, bert, dataset, tmp_path, file):
        assert (
            'pooling="mean"'
            in self.refused(bert, dataset, tmp_path, "one vector per row", pooling="none").hint
        )
        tokkit.features(bert, dataset, tmp_path / "n.parquet", pooling="none", threads=1)
        with pytest.raises(UsageError, match="one vector per row"):
            tokkit.features(tmp_path / "n.parquet", projection=True)

    def test_a_file_that_holds_no_features(self, tmp_path):
        pl.DataFrame({"text": ["a"], "label": ["b"]}).write_parquet(tmp_path / "t.parquet")
        with pytest.raises(InputError, match="has no features; its columns are text, label"):
            tokkit.features(tmp_path / "t.parquet", probe=True)

    def test_a_table_that_is_like_features(self, file, tmp_path):
        """Without the metadata, without splits, or without vectors: none is what `features` wrote."""
        table = parquet.read_table(file)
        for name, other in {
            "metadata": table.replace_schema_metadata(None),
            "splits": table.drop_columns(["split"]),
            "vectors": table.drop_columns(["vector"]),
        }.items():
            parquet.write_table(other, tmp_path / f"{name}.parquet")
            with pytest.raises(InputError, match=f"{name}.parquet: has no features; its columns are "):
                tokkit.features(tmp_path / f"{name}.parquet", probe=True)

    def test_a_features_file_cut_short(self, file, tmp_path):
        (tmp_path / "f.parquet").write_bytes(file.read_bytes()[:-100])
        with pytest.raises(InputError, match="cannot be read"):
            tokkit.features(tmp_path / "f.parquet", probe=True)

    def test_a_model_without_a_data_set(self, bert):
        with pytest.raises(UsageError, match="name a data set") as raised:
            tokkit.features(bert)
        assert "name a data set" in raised.value.hint

    def test_an_output_where_nothing_is_computed(self, file, tmp_path):
        with pytest.raises(UsageError, match="nothing is written"):
            tokkit.features(file, out=tmp_path / "g.parquet")


class TestTheCommand:
    def run(self, *arguments):
        return CliRunner().invoke(command, ["features", *map(str, arguments)], catch_exceptions=False)

    def test_writes_the_file_and_the_picture_and_tells_the_keys(self, bert, dataset, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        finished = self.run(bert, dataset, "--probe", "--map", "m.png", "--json", "-q", "--threads", "1")
        result = json.loads(finished.stdout)
        assert result["command"] == "features"
        assert (result["output"], result["rows"], result["pooling"]) == ("features.parquet", 360, "mean")
        assert result["width"] == 32
        assert {"accuracy", "macro_f1", "loss", "classes", "split"} <= set(result["probe"])
        assert Path("m.png").read_bytes().startswith(b"\x89PNG")
        assert (result["map"], result["coordinates"]) == ("m.png", "m.map.parquet")
        points = pl.read_parquet("m.map.parquet")
        assert points.columns == ["id", "label", "split", "x", "y"]
        assert points.select("id", "label", "split").equals(
            pl.read_parquet("features.parquet").select(
                pl.int_range(pl.len()).over("split").alias("id"), "label", "split"
            )
        )
        assert points.select(pl.all_horizontal(pl.col("x", "y").is_finite()).all()).item()
        assert Path("features.parquet.tokkit.json").exists()

    def test_draws_the_same_picture_from_the_file(self, file, tmp_path):
        for name in ("a.svg", "b.svg"):
            assert self.run(file, "--map", tmp_path / name, "--neighbors", "5", "-q").exit_code == 0
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()

    def test_reports_the_probe_and_the_other_baselines(self, file):
        printed = self.run(file, "--probe", "--bag-of-words", "-q").stdout
        assert "Logistic regression, scored on validation" in printed
        for line in ('majority class ("joy")\t', "TF-IDF\t", "probe\t"):
            assert line in printed

    def test_refuses_a_picture_of_another_kind_before_any_work(self, file, tmp_path):
        with pytest.raises(UsageError, match=r"--map: .*\.jpg: a plot is \.png or \.svg"):
            self.run(file, "--map", tmp_path / "m.jpg")


class StoppedAtTheProbe(Silent):
    def start(self, stage, total, unit):
        if stage == "training the probe":
            raise KeyboardInterrupt


def test_a_probe_that_is_interrupted_leaves_the_file_and_says_so(bert, dataset, tmp_path):
    out = tmp_path / "f.parquet"
    with pytest.raises(Interrupted, match=r"f\.parquet is written, and can be named instead"):
        tokkit.features(bert, dataset, out, probe=True, progress=StoppedAtTheProbe(), threads=1)
    assert tokkit.features(out, probe=True, threads=1).probe is not None


@pytest.mark.long
def test_several_labels_are_probed_as_finetune_does(bert, tmp_path):
    rows = sentences(90, seed=1)
    for name, part in (("train", rows[:60]), ("validation", rows[60:])):
        labels = [f"{label}|home" if "home" in text else label for text, label in part]
        texts = [text for text, _ in part]
        (tmp_path / "data").mkdir(exist_ok=True)
        pl.DataFrame({"text": texts, "label": labels}).write_csv(tmp_path / "data" / f"{name}.csv")
    shared = {"label_sep": "|", "threads": 1}
    result = tokkit.features(
        bert, tmp_path / "data", tmp_path / "f.parquet", probe=True, bag_of_words=True, **shared
    )
    for key, kind in (("probe", "probe"), ("bag_of_words", "bag-of-words")):
        out = tmp_path / key
        tuned = tokkit.finetune(tmp_path / "data", model=bert, out=out, epochs=1, baseline=kind, **shared)
        baseline_scores = tuned.metrics["baseline"]
        for score in ("loss", "accuracy", "macro_f1"):
            assert getattr(result, key)[score] == pytest.approx(baseline_scores[score], abs=1e-4), (
                key,
                score,
            )
    assert reports.features(result.as_dict())
