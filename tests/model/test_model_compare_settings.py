"""Settings compared on the same folds: keys, scores from sums over rows, the paired test, the whole road."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn import metrics

import tokkit
from tests.model.conftest import sentences, write_csv
from tests.model.test_model_folds import StopsIn
from tokkit.cli.finetune import repeat_compare
from tokkit.cli.main import run
from tokkit.errors import Interrupted, UsageError
from tokkit.model.folder.predictions import row_sums
from tokkit.model.folds.combinations import combinations, parsed
from tokkit.model.folds.compare_settings import compare_settings
from tokkit.model.metrics.significance import bootstrap, exchange_test
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import TASKS
from tokkit.views.reports import finetuning as reports

LABELS = ("anger", "joy", "sadness")
SINGLE = TASKS["single-label"]
FAST = {
    "size": "tiny",
    "epochs": 4,
    "batch_size": 8,
    "threads": 1,
    "folds": 2,
    "precision": "fp32",
    "baseline": "none",
}


def table(rows=120, right=0.7, seed=0):
    """Predictions of which so many are right, the classes of different size."""
    rng = np.random.default_rng(0)
    true = rng.choice(LABELS, rows, p=[0.2, 0.5, 0.3])
    rng = np.random.default_rng(seed)
    said = np.where(rng.random(rows) < right, true, rng.choice(LABELS, rows))
    return pl.DataFrame({"label": true, "predicted": said, "loss": rng.random(rows).round(6)})


def by_sklearn(metric, true, said, loss):
    if metric == "loss":
        return loss.mean()
    if metric == "accuracy":
        return metrics.accuracy_score(true, said)
    f1 = metrics.f1_score(true, said, labels=LABELS, average=None, zero_division=0)
    return f1.mean() if metric == "macro_f1" else f1[LABELS.index(metric.split(".")[1])]


METRICS = ["loss", "accuracy", "macro_f1", "classes.joy.f1"]


@pytest.mark.parametrize("metric", METRICS)
def test_sums_of_rows_give_the_scores_of_scikit_learn(metric):
    predictions = table()
    sums = row_sums(SINGLE, LABELS, metric, predictions)
    columns = [predictions[name].to_numpy() for name in ("label", "predicted", "loss")]
    assert sums.value == pytest.approx(by_sklearn(metric, *columns))


@pytest.mark.parametrize("metric", METRICS)
def test_the_bootstrap_gives_the_scores_of_the_rows_drawn(metric):
    predictions = table(rows=40)
    [resampled] = bootstrap({metric: row_sums(SINGLE, LABELS, metric, predictions)}, 50, seed=3).values()
    columns = [predictions[name].to_numpy() for name in ("label", "predicted", "loss")]
    rng = np.random.default_rng(3)
    samples = rng.integers(0, 40, (50, 40))
    expected = [by_sklearn(metric, *(column[rows] for column in columns)) for rows in samples]
    assert resampled == pytest.approx(np.array(expected))


def test_a_class_named_with_dots_has_its_score_too():
    rows = pl.DataFrame({"label": ["a.b", "c"], "predicted": ["a.b", "a.b"], "loss": [0.1, 0.2]})
    assert row_sums(SINGLE, ("a.b", "c"), "classes.a.b.f1", rows).value == pytest.approx(2 / 3)
    assert row_sums(SINGLE, ("a.b", "c"), "classes.z.f1", rows) is None
    assert row_sums(SINGLE, ("a.b", "c"), "weighted_f1", rows) is None


def test_span_f1_of_tags_follows_from_sums_too():
    rows = pl.DataFrame(
        {"label": ["B-PER I-PER O", "O B-LOC"], "predicted": ["B-PER I-PER O", "B-LOC O"], "loss": [0.1, 2.0]}
    )
    tags = ("O", "B-LOC", "B-PER", "I-PER")
    assert row_sums(TASKS["tags"], tags, "span_f1", rows).value == pytest.approx(0.5)
    assert row_sums(TASKS["tags"], tags, "accuracy", rows).value == pytest.approx(3 / 5)


@pytest.mark.parametrize("rights", [(0.7, 0.7), (0.9, 0.7), (0.8, 0.6)])
def test_the_exchange_test_of_accuracy_is_that_of_scipy(rights):
    first, second = (table(right=right, seed=i) for i, right in enumerate(rights, 1))
    ours = exchange_test(
        *(row_sums(SINGLE, LABELS, "accuracy", predictions) for predictions in (first, second)), seed=5
    )
    differences = [
        (predictions["label"] == predictions["predicted"]).to_numpy().astype(float)
        for predictions in (first, second)
    ]
    theirs = stats.permutation_test(
        (differences[0] - differences[1],),
        np.mean,
        permutation_type="samples",
        n_resamples=9999,
        rng=np.random.default_rng(1),
    ).pvalue
    assert ours == pytest.approx(theirs, abs=0.02)


def test_the_exchange_test_of_macro_f1_agrees_with_exchanges_made_one_by_one():
    first, second = table(rows=30, right=0.9, seed=1), table(rows=30, right=0.6, seed=2)
    true = first["label"].to_numpy()
    predicted = [predictions["predicted"].to_numpy() for predictions in (first, second)]
    rng = np.random.default_rng(0)

    def gap(one, other):
        return abs(by_sklearn("macro_f1", true, one, None) - by_sklearn("macro_f1", true, other, None))

    as_far = 0
    for _ in range(150):
        swapped = rng.random(30) < 0.5
        one, other = (
            np.where(swapped, predicted[1], predicted[0]),
            np.where(swapped, predicted[0], predicted[1]),
        )
        as_far += gap(one, other) >= gap(*predicted) - 1e-12
    ours = exchange_test(
        *(row_sums(SINGLE, LABELS, "macro_f1", predictions) for predictions in (first, second)), seed=5
    )
    assert ours == pytest.approx((as_far + 1) / 151, abs=0.08)


def test_the_same_answers_cannot_be_told_apart():
    sums = row_sums(SINGLE, LABELS, "macro_f1", table())
    assert exchange_test(sums, sums, seed=1) == 1.0


def test_keys_are_read_in_the_type_of_their_option():
    assert parsed(
        ["lr=1e-4,none", "epochs=1,2", "warmup-ratio=0", "random_init=true,false", "size=tiny"]
    ) == {
        "lr": [1e-4, None],
        "epochs": [1, 2],
        "warmup_ratio": [0.0],
        "random_init": [True, False],
        "size": ["tiny"],
    }


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (["epochz=1,2"], 'no option "epochz" (did you mean "epochs"?)'),
        (["epochs"], 'write KEY=VALUE,VALUE, not "epochs"'),
        (["epochs="], 'write KEY=VALUE,VALUE, not "epochs="'),
        (["epochs=1,two"], '"two" is not a whole number'),
        (["lr=fast"], '"fast" is not a number'),
        (["random_init=perhaps"], '"perhaps" is not true or false'),
        (["epochs=1", "epochs=2"], "epochs is named twice"),
        (["epochs=1,1"], "epochs=1 is named twice"),
        (["epochs=1"], "one combination only"),
        (["folds=2,3"], "folds is the same for all combinations"),
        (["size=tiny,huge"], 'invalid value "huge"'),
        (["epochs=0,1"], "0 is below 1"),
    ],
)
def test_keys_that_mean_nothing_are_refused(written, message):
    with pytest.raises(UsageError) as caught:
        combinations(parsed(written), FinetuneOptions())
    assert message in caught.value.message


def test_every_combination_is_there_once_the_last_key_fastest():
    compared_settings = combinations(
        {"size": ["tiny", "mini"], "lr": [1e-4, 2e-4]}, FinetuneOptions(epochs=7)
    )
    assert [combination.name for combination in compared_settings] == [
        "size=tiny lr=0.0001",
        "size=tiny lr=0.0002",
        "size=mini lr=0.0001",
        "size=mini lr=0.0002",
    ]
    assert all(combination.options.epochs == 7 for combination in compared_settings)
    assert compared_settings[3].options.size == "mini"


def test_the_flag_stands_before_every_key_that_follows_it():
    assert repeat_compare(["d.csv", "--compare", "a=1,2", "b=x", "-q"]) == [
        *("d.csv", "--compare", "a=1,2", "--compare", "b=x", "-q"),
    ]
    assert repeat_compare(["--compare=a=1", "b=2", "d.csv"]) == ["--compare=a=1", "--compare", "b=2", "d.csv"]
    assert repeat_compare(["--compare", "a=1", "data/year=1/d.csv"]) == [
        "--compare",
        "a=1",
        "data/year=1/d.csv",
    ]
    assert repeat_compare(["a=1", "--epochs", "2"]) == ["a=1", "--epochs", "2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("compare") / "all.csv", sentences(60, seed=4))


@pytest.fixture(scope="module")
def compared(data, tokenizer, tmp_path_factory):
    out = tmp_path_factory.mktemp("compare") / "out"
    return out, compare_settings(data, ["lr=0,3e-3", "size=tiny"], tokenizer, out=out, **FAST)


def test_settings_are_compared_on_the_same_rows_and_folds(compared):
    out, result = compared
    tables = [pl.read_parquet(out / f"combination-{n}" / "predictions.parquet") for n in (1, 2)]
    assert tables[0].select("text", "label", "fold").equals(tables[1].select("text", "label", "fold"))
    assert result.rows == len(tables[0]) == 60
    assert result.folds == 2


def test_the_best_stands_first_with_its_interval_and_the_others_differences(compared):
    _, result = compared
    best, other = result.combinations
    assert best["settings"] == result.best == {"lr": 3e-3, "size": "tiny"}
    assert best["score"] == best["out_of_fold"]["macro_f1"] > other["score"]
    assert best["interval"][0] < best["score"] < best["interval"][1]
    assert best["p_value"] is None
    assert other["difference"] == pytest.approx(other["score"] - best["score"], abs=2e-6)
    assert other["difference_interval"][0] < other["difference"] < other["difference_interval"][1]
    assert result.indistinguishable == ([] if other["p_value"] < 0.05 else [other["settings"]])


def test_the_folder_tells_what_the_result_does_and_holds_no_models(compared):
    out, result = compared
    comparison = json.loads((out / "comparison.json").read_text("utf-8"))
    assert comparison["combinations"] == result.as_dict()["combinations"]
    names = {path.name for path in (out / "combination-1").iterdir()}
    assert names == {
        *("predictions.parquet", "metrics.json", "history.csv", "tokkit.json"),
        *("curves.png", "folds.png"),
    }
    assert {path.name for path in out.iterdir()} == {
        *("comparison.json", "tokkit.json", "combination-1", "combination-2")
    }


@pytest.mark.long
def test_a_comparison_that_was_stopped_goes_on_to_the_same_figures(
    compared, data, tokenizer, tmp_path, heard
):
    class InTheSecond(StopsIn):
        def cancelled(self):
            return "combination 2" in self

    inputs = (data, ["lr=0,3e-3", "size=tiny"], tokenizer)
    with pytest.raises(Interrupted):
        compare_settings(*inputs, out=tmp_path / "out", progress=InTheSecond(0), **FAST)
    result = compare_settings(*inputs, out=tmp_path / "out", progress=heard, **FAST)
    assert "lr=0 size=tiny: finished by an earlier run, not trained again" in heard
    figures = ("score", "interval", "p_value", "mean", "settings")
    for combination, theirs in zip(result.combinations, compared[1].combinations, strict=True):
        assert [combination[name] for name in figures] == [theirs[name] for name in figures]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_command_compares_and_its_kept_models_can_be_asked(data, tokenizer, tmp_path, capsys):
    arguments = ["--compare", "seed=1,2", "size=tiny", "--keep-models", "--folds", "2", "--epochs", "1"]
    out = str(tmp_path / "m")
    assert (
        run(["finetune", str(data), "--tokenizer", str(tokenizer), *arguments, "-o", out, "--json", "-q"])
        == 0
    )
    record = json.loads(capsys.readouterr().out)
    assert [combination["settings"]["size"] for combination in record["combinations"]] == ["tiny", "tiny"]
    assert record["output"] == out
    said = tokkit.predict(tmp_path / "m" / "combination-2" / "fold-1", ["i feel glad"]).predictions
    assert said[0]["label"] in LABELS


def compared_with(unsure):
    return {
        "best": {"lr": 1e-4},
        "indistinguishable": [{"lr": lr} for lr in unsure],
        "combinations": [{}] * 3,
    }


def test_a_best_that_may_be_chance_is_called_so():
    assert reports.verdict(compared_with([])) == "lr=0.0001 is best"
    verdict = reports.verdict(compared_with([2e-4]))
    assert verdict == "lr=0.0001 scores best, but is not distinguishable from lr=0.0002"
    verdict = reports.verdict(compared_with([2e-4, 3e-4]))
    assert verdict == "lr=0.0001 scores best, but is not distinguishable from any other"
