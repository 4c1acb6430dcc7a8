"""Cross-validation: every row scored once by a model that has not seen it, and the folds as an ensemble."""

from __future__ import annotations

import json
import shutil
import statistics
from collections import Counter

import numpy as np
import polars as pl
import pytest

import tokkit
from tests.conftest import Heard
from tests.model.conftest import sentences, write_csv
from tests.model.test_model_encoded_cache import classifier_of
from tokkit.data.dataset import Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, Interrupted, UsageError
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.folds import fold_rows
from tokkit.model.folds.cross_validate import over_folds
from tokkit.model.network.batches import part_of
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import TASKS
from tokkit.model.training.encoded_rows import EncodedOnce
from tokkit.progress import SILENT
from tokkit.tokenizer.folder.load import load
from tokkit.views.reports import finetuning as reports
from tokkit.views.terminal import as_text

FAST = {"size": "tiny", "epochs": 1, "threads": 1, "lr": 2e-3, "precision": "fp32", "baseline": "none"}
ROWS = [*sentences(84, seed=1), *sentences(6, seed=1)]
"""Ninety rows, six of them copies."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("folds") / "all.csv", ROWS)


@pytest.fixture(scope="module")
def folds(data, tokenizer, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "folds"
    return out, tokkit.finetune(data, tokenizer, out=out, folds=3, **FAST)


def folds_of(path, **settings):
    return fold_rows.make_folds(read_dataset(path), FinetuneOptions(**settings), SILENT)


def test_out_of_fold_predictions_hold_every_row_once_in_the_order_of_the_data(folds):
    out, result = folds
    rows = pl.read_parquet(out / "predictions.parquet")
    assert list(zip(rows["text"], rows["label"], strict=True)) == ROWS
    assert sorted(Counter(rows["fold"]).values()) == [30, 30, 30]
    right = (rows["label"] == rows["predicted"]).mean()
    assert result.metrics["accuracy"] == pytest.approx(right, abs=1e-6)
    assert result.metrics["loss"] == pytest.approx(rows["loss"].mean(), abs=1e-5)


def test_each_row_is_answered_by_the_model_of_its_fold(folds):
    out, _ = folds
    rows = pl.read_parquet(out / "predictions.parquet").filter(pl.col("fold") == 2)
    theirs = pl.read_parquet(out / "fold-2" / "predictions.parquet")
    assert theirs["text"].to_list() == rows["text"].to_list()
    said = tokkit.predict(out / "fold-2", rows["text"].to_list()).predictions
    assert [prediction["label"] for prediction in said] == rows["predicted"].to_list()


def test_no_text_stands_in_two_folds(folds):
    rows = pl.read_parquet(folds[0] / "predictions.parquet")
    assert rows.group_by("text").agg(pl.col("fold").n_unique())["fold"].max() == 1


def test_folds_hold_every_class_in_its_share(data):
    counts = [Counter(fold.validation.labels) for fold in folds_of(data, folds=3).folds]
    for label, total in Counter(label for _, label in ROWS).items():
        assert all(abs(count[label] - total / 3) <= 2 for count in counts)


def test_folds_are_those_of_the_seed(data):
    one, again, other = (
        [fold.row_indices.tolist() for fold in folds_of(data, folds=3, seed=seed).folds] for seed in (1, 1, 2)
    )
    assert one == again != other


def test_mean_and_deviation_are_those_of_the_folds(folds):
    out, result = folds
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    accuracies = [fold["accuracy"] for fold in metrics["folds"]]
    assert metrics["mean"]["accuracy"] == pytest.approx(np.mean(accuracies), abs=1e-6)
    assert metrics["deviation"]["accuracy"] == pytest.approx(np.std(accuracies, ddof=1), abs=1e-6)
    assert "f1" in metrics["mean"]["classes"]["joy"]
    assert metrics["out_of_fold"] == result.metrics == result.as_dict()["out_of_fold"]


def test_the_card_tells_what_the_figures_file_does(folds):
    folder, _ = folds
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    card = (folder / "README.md").read_text("utf-8")
    assert "# Text classifier, 3 folds" in card
    assert "library_name: tokkit\n" in card, "transformers loads a fold, not all of them"
    mean, deviation, all_rows = (metrics[key]["accuracy"] for key in ("mean", "deviation", "out_of_fold"))
    assert f"| accuracy | {mean:.4f} ± {deviation:.4f} | {all_rows:.4f} [" in card


def test_scores_that_one_fold_lacks_have_no_mean():
    scores = [
        {"loss": 1, "classes": {"a": {"f1": 0.5}}, "best": "a"},
        {"loss": 2, "classes": {}, "best": "b"},
    ]
    assert over_folds(scores, statistics.fmean) == {"loss": 1.5}
    assert over_folds(scores, statistics.stdev) == {"loss": pytest.approx(0.5**0.5, abs=1e-6)}


def test_the_receipt_and_the_history_tell_of_every_fold(folds):
    out, result = folds
    receipt = json.loads((out / "tokkit.json").read_text("utf-8"))["result"]
    assert [fold["metrics"] for fold in receipt["folds"]] == [fold["metrics"] for fold in result.folds]
    assert pl.read_csv(out / "history.csv")["fold"].to_list() == [1, 2, 3]
    assert [fold["model"] for fold in result.folds] == [str(out / f"fold-{i}") for i in (1, 2, 3)]


def test_members_are_the_models_of_the_folds(folds, model, tmp_path):
    out, _ = folds
    assert ModelReceipt.read(out).members() == [out / "fold-1", out / "fold-2", out / "fold-3"]
    assert ModelReceipt.read(model).members() == []
    assert ModelReceipt.read("no/such/folder").members() == []
    torn = shutil.copytree(out, tmp_path / "torn")
    shutil.rmtree(torn / "fold-2")
    with pytest.raises(InputError, match="fold-2 is missing, one of 3 folds"):
        ModelReceipt.read(torn).members()
    for left in (1, 3):
        shutil.rmtree(torn / f"fold-{left}")
    with pytest.raises(InputError, match="has the results of 3 folds, but not their models"):
        ModelReceipt.read(torn).members()


def test_the_ensemble_is_the_mean_of_the_members_probabilities(folds):
    out, _ = folds
    texts = ["at home i feel glad", "오늘 i feel 슬프다", ""]
    fold_shares = [
        tokkit.predict(path, texts, raw=True).predictions for path in ModelReceipt.read(out).members()
    ]
    shares = [np.array([list(row["probabilities"].values()) for row in rows]) for rows in fold_shares]
    by_hand = (shares[0] + shares[1] + shares[2]) / 3
    task = TASKS["single-label"]
    ensemble = task.ensemble([task.logits_from(fold_shares) for fold_shares in shares])
    assert task.probabilities(ensemble) == pytest.approx(by_hand, abs=1e-6)
    exact = task.ensemble([np.log([[0.5, 0.5]]), np.log([[0.25, 0.75]])])
    assert task.probabilities(exact) == pytest.approx(np.array([[0.375, 0.625]]), abs=1e-6)


def test_predict_with_the_folder_asks_the_ensemble(folds):
    out, _ = folds
    texts = ["at home i feel glad", "오늘 i feel 슬프다"]
    of_folds = [
        tokkit.predict(path, texts, raw=True).predictions for path in ModelReceipt.read(out).members()
    ]
    for row, said in enumerate(tokkit.predict(out, texts, raw=True).predictions):
        for label, share in said["probabilities"].items():
            by_hand = np.mean([rows[row]["probabilities"][label] for rows in of_folds])
            assert share == pytest.approx(by_hand, abs=1e-6)


class StopsIn(Heard):
    """Asks to stop once the fold of that number begins."""

    def __init__(self, fold):
        super().__init__()
        self.fold = fold

    def cancelled(self):
        return f"fold {self.fold} of" in self


def contents(folder):
    """Every file's bytes; of receipts what they tell of the result."""
    contents = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if path.name == "tokkit.json":
            contents[name] = json.loads(path.read_text("utf-8"))["result"]
        else:
            contents[name] = path.read_bytes()
    return contents


def test_a_run_that_was_stopped_goes_on_behind_the_finished_folds_to_the_same_bytes(
    folds, data, tokenizer, tmp_path, heard
):
    out = tmp_path / "m"
    with pytest.raises(Interrupted, match="in fold 3 of 3; 2 are finished"):
        tokkit.finetune(data, tokenizer, out=out, folds=3, progress=StopsIn(3), **FAST)
    assert not out.exists()
    tokkit.finetune(data, tokenizer, out=out, folds=3, progress=heard, **FAST)
    assert "fold 2 of 3: finished by an earlier run" in heard
    assert "fold 3 of 3: 60 rows" in heard
    assert contents(out) == contents(folds[0])
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_finished_folds_of_other_settings_are_discarded_and_it_is_said(data, tokenizer, tmp_path, heard):
    out = tmp_path / "m"
    with pytest.raises(Interrupted):
        tokkit.finetune(data, tokenizer, out=out, folds=2, progress=StopsIn(2), **FAST)
    tokkit.finetune(data, tokenizer, out=out, folds=2, seed=7, resume="none", progress=heard, **FAST)
    assert "fold-1 of an unfinished run is discarded" in heard
    assert "finished by an earlier run" not in heard


def test_validation_rows_join_those_of_train_and_test_is_not_touched(dataset):
    folded = folds_of(dataset, folds=4)
    assert len(folded.rows.texts) == 240 + 60
    test = pl.read_csv(dataset / "test.csv")["text"].to_list()
    assert not set(test) & {text for part in folded.parts for text in part.texts}


def test_rows_of_a_group_stay_in_one_fold(tmp_path):
    rows = [(text, label, f"author {i % 10}") for i, (text, label) in enumerate(sentences(90, seed=2))]
    path = tmp_path / "d.csv"
    pl.DataFrame(rows, schema=["text", "label", "author"], orient="row").write_csv(path)
    folded = folds_of(path, folds=3, group_column="author")
    author = {text: who for text, _, who in rows}
    authors = [{author[text] for text in fold.validation.texts} for fold in folded.folds]
    assert sum(map(len, authors)) == 10


def test_folds_that_split_wrote_are_trained_on_as_they_are(data, tokenizer, tmp_path, heard):
    tokkit.split(data, tmp_path / "split", folds=2)
    twice = tmp_path / "split" / "fold-1" / "train.csv"
    write_csv(twice, pl.read_csv(twice).rows() * 2)
    result = tokkit.finetune(tmp_path / "split", tokenizer, out=tmp_path / "m", progress=heard, **FAST)
    assert len(result.folds) == 2
    rows = pl.read_parquet(tmp_path / "m" / "predictions.parquet")
    for number in (1, 2):
        theirs = pl.read_csv(tmp_path / "split" / f"fold-{number}" / "validation.csv")["text"].to_list()
        assert rows.filter(pl.col("fold") == number)["text"].to_list() == theirs
    assert "fold 1 of 2: 90 rows to train on, 45 to validate on" in heard
    with pytest.raises(UsageError, match="has 2 folds"):
        fold_rows.read_folds(tmp_path / "split", FinetuneOptions(folds=3), DatasetOptions(), SILENT)


def test_all_texts_are_encoded_once_whatever_the_folds(data, tokenizer):
    folded = folds_of(data, folds=3)
    calls = []

    def counting(classifier, rows, *arguments):
        calls.append(len(rows.texts))
        return classifier.encode(rows, *arguments)

    once, classifier = EncodedOnce(folded.parts, counting), classifier_of(load(tokenizer), max_length=12)
    for fold in folded.folds:
        for part in (fold.training, fold.validation):
            of_part, plain = once(classifier, part, None, SILENT), classifier.encode(part)
            assert (of_part.ids == plain.ids).all()
            assert (of_part.offsets == plain.offsets).all()
    assert calls == [len({text for text, _ in ROWS})]


def test_a_part_of_encoded_pairs_keeps_their_segments(tokenizer):
    task, loaded = TASKS["single-label"], load(tokenizer)
    rows = Rows(["a b", "c", ""], [], [], {}, pairs=["오늘", "", "d e f"])
    encoded = task.encode(rows, loaded, 20)
    turned = Rows(["", "a b"], [], [], {}, pairs=["d e f", "오늘"])
    part, plain = part_of(encoded, np.array([2, 0])), task.encode(turned, loaded, 20)
    for name in ("ids", "offsets", "segments"):
        assert (getattr(part, name) == getattr(plain, name)).all(), name


def test_fewer_rows_than_folds_is_an_error(tmp_path):
    data = write_csv(tmp_path / "d.csv", [("a", "x"), ("b", "y"), ("c", "x"), ("d", "y")])
    with pytest.raises(InputError, match="4 rows are too few for 5 folds") as caught:
        folds_of(data, folds=5)
    assert caught.value.hint == "fewer folds:\n--folds 4"


def test_copies_of_few_texts_are_too_few_too(tmp_path):
    data = write_csv(tmp_path / "d.csv", [("a", "x"), ("b", "y"), ("c", "x")] * 4)
    with pytest.raises(InputError, match="3 sets of rows that stay together are too few for 4 folds"):
        folds_of(data, folds=4)


def test_a_class_of_one_text_could_not_be_learned_by_the_fold_that_holds_it(tmp_path):
    data = write_csv(tmp_path / "d.csv", [*sentences(40, seed=1), ("odd", "surprise"), ("odd", "surprise")])
    with pytest.raises(InputError, match='all 2 rows of "surprise" are in fold-') as caught:
        folds_of(data, folds=3)
    assert "--where" in caught.value.hint


def test_a_class_with_fewer_texts_than_folds_is_said(tmp_path, heard):
    rows = [*sentences(40, seed=1), ("odd", "surprise"), ("strange", "surprise")]
    data = write_csv(tmp_path / "d.csv", rows)
    fold_rows.make_folds(read_dataset(data), FinetuneOptions(folds=3), heard)
    assert "fewer texts than folds, so some folds are scored without them: surprise" in heard


def test_more_classes_than_rows_in_a_fold_is_said(tmp_path, heard):
    rows = [(f"text {i} {j}", f"class {i}") for i in range(6) for j in range(2)]
    fold_rows.make_folds(read_dataset(write_csv(tmp_path / "d.csv", rows)), FinetuneOptions(folds=6), heard)
    assert "a fold has 2 rows and there are 6 classes" in heard


def test_folds_take_no_rows_from_elsewhere_to_validate_on(data, dataset, tokenizer, tmp_path):
    with pytest.raises(UsageError, match="each fold is validated on its own rows"):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", folds=2, validation_data=dataset)
    with pytest.raises(UsageError, match="a checkpoint is of one training, not of folds"):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", folds=2, resume=str(tmp_path))
    assert not (tmp_path / "m").exists()


def test_groups_without_folds_are_refused(data, tokenizer, tmp_path):
    with pytest.raises(UsageError, match="group_column: keeps rows in one fold"):
        tokkit.finetune(data, tokenizer, out=tmp_path / "m", group_column="author", **FAST)


def test_one_class_only_is_an_error(tmp_path):
    data = write_csv(tmp_path / "d.csv", [(f"text {i}", "x") for i in range(20)])
    with pytest.raises(InputError, match="one class only"):
        folds_of(data, folds=2)


def test_one_of_the_folds_is_to_be_named_as_a_model_to_go_on_from(folds, data, tmp_path):
    out, _ = folds
    with pytest.raises(InputError, match="has 3 folds, but only one model can be fine-tuned") as caught:
        tokkit.finetune(data, model=out, out=tmp_path / "m", **FAST)
    assert f'model="{out / "fold-1"}"' in caught.value.hint


@pytest.mark.parametrize("width", [40, 120])
def test_the_report_shows_each_fold_their_mean_and_all_rows(folds, width):
    record = {**folds[1].as_dict(), "model": "folds"}
    drawn_text = as_text(reports.cross_validation(record), width, color=False)
    # a cell of several words may go over two lines
    words = drawn_text.split()
    assert "fold-1 to fold-3" in drawn_text
    assert {"mean", "deviation", "out", "of", "fold"} <= set(words)
    assert max(map(len, drawn_text.splitlines())) <= width
