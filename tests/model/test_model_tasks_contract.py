"""What holds for every task: it trains on each stock head, is saved, loaded, and answers as it did."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
import torch

import tokkit
from tests.marks import quick_of
from tests.model.conftest import sentences
from tests.model.encoders import body_folder
from tokkit.data.dataset import Dataset
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError
from tokkit.model.folder import model_folder as folder
from tokkit.model.network.losses import LOSSES
from tokkit.model.tasks import TASKS, task_of, task_of_config
from tokkit.views.reports import predictions as reports
from tokkit.views.tables import as_tsv

COLUMNS = {
    "single-label": ["label", "%", "true label", "others"],
    "multi-label": ["labels, %", "true label", "others"],
    "tags": ["spans, %"],
    "regression": ["value", "true label"],
}
"""What `predict` shows of a row."""
FAMILIES = ("bert", "distilbert", "roberta", "electra", "modernbert")
FAST = {"epochs": 1, "threads": 1, "no_cache": True, "baseline": "none"}


def record(name, text, label):
    """A row as the task is given it."""
    if name == "multi-label":
        return {"text": text, "labels": [label, "home"] if "home" in text else [label]}
    if name == "tags":
        words = text.split()
        return {"tokens": words, "tags": ["B-x" if len(word) > 4 else "O" for word in words]}
    return {"text": text, "label": len(text) / 10 if name == "regression" else label}


def jsonl(path, name, rows, seed):
    lines = [json.dumps(record(name, *row), ensure_ascii=False) for row in sentences(rows, seed)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=list(TASKS))
def tasked(request, tmp_path_factory):
    home = tmp_path_factory.mktemp(request.param)
    jsonl(home / "train.jsonl", request.param, 48, 1)
    jsonl(home / "validation.jsonl", request.param, 16, 2)
    return request.param, home


@pytest.mark.parametrize("family", quick_of(FAMILIES, ["bert"]))
def test_it_trains_and_answers_the_same_once_loaded(tasked, family, tokenizer, tmp_path):
    name, data = tasked
    base = body_folder(family, tmp_path / "base")
    trained = tokkit.finetune(data, tokenizer, base, tmp_path / "m", task=name, **FAST)
    assert folder.load_classifier(tmp_path / "m").task is TASKS[name]
    assert np.isfinite(trained.metrics["loss"])
    assert TASKS[name].metric in trained.metrics
    assert set(TASKS[name].headline) <= set(trained.metrics)
    saved = pl.read_parquet(tmp_path / "m" / "predictions.parquet")
    again = tokkit.predict(tmp_path / "m", data / "validation.jsonl", threads=1).predictions
    assert [row["label"] for row in again] == saved["predicted"].to_list()
    assert [row["true_label"] for row in again] == saved["label"].to_list()
    lines = as_tsv(reports.predictions({"unit": "per cent", "predictions": again})).splitlines()
    assert len(lines) == 2 + len(again)
    assert lines[1].split("\t") == ["text", *COLUMNS[name]]
    scored = tokkit.evaluate(tmp_path / "m", data / "validation.jsonl", threads=1).as_dict()
    assert scored["loss"] == pytest.approx(trained.metrics["loss"], abs=1e-5)


def sampled(name, rows, labels, seed):
    """Logits and targets of rows, sampled."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, len(labels))).astype(np.float32)
    return torch.from_numpy(logits), {
        "single-label": lambda: torch.from_numpy(rng.integers(0, len(labels), rows)),
        "multi-label": lambda: torch.from_numpy((rng.random((rows, len(labels))) < 0.5).astype(np.float32)),
        "tags": lambda: torch.from_numpy(rng.integers(0, len(labels), rows)),
        "regression": lambda: torch.from_numpy(rng.normal(size=rows).astype(np.float32)),
    }[name]()


@pytest.mark.parametrize("name", list(TASKS))
class TestEveryTask:
    def test_is_found_from_a_configuration_written_for_it(self, name):
        import transformers

        task = TASKS[name]
        labels = ["value"] if name == "regression" else ["a", "b", "c"]
        config = transformers.BertConfig(
            problem_type=task.problem_type,
            id2label=dict(enumerate(labels)),
            architectures=[task.auto_class.replace("AutoModel", "Bert")],
        )
        assert task_of_config(config) is task

    def test_names_a_loss_there_is(self, name):
        assert TASKS[name].loss in LOSSES

    def test_shares_give_their_logits_back(self, name):
        task = TASKS[name]
        logits, _ = sampled(name, 5, ["value"] if name == "regression" else "abc", seed=1)
        shares = task.probabilities(logits.numpy())
        assert shares.shape == logits.shape
        np.testing.assert_allclose(task.probabilities(task.logits_from(shares)), shares, atol=1e-6)

    def test_certain_shares_have_finite_logits(self, name):
        for dtype in (np.float32, np.float64):
            logits = TASKS[name].logits_from(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype))
            assert np.isfinite(logits).all()
            assert logits.argmax(axis=1).tolist() == [0, 1]

    def test_correct_is_never_more_than_all(self, name):
        logits, targets = sampled(name, 50, ["value"] if name == "regression" else "abc", seed=2)
        right, items = TASKS[name].correct(logits, targets)
        assert 0 < int(right) < items == 50


def test_tags_of_their_own_alone_count_as_right():
    logits = torch.tensor([[[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]]])
    right, items = TASKS["tags"].correct(logits, torch.tensor([[-100, 0, 0]]))
    assert (int(right), items) == (1, 2)


def test_the_task_is_that_of_the_rows(tmp_path):
    for name in ("single-label", "multi-label", "tags"):
        dataset = read_dataset(jsonl(tmp_path / f"{name}.jsonl", name, 5, 1), DatasetOptions())
        assert isinstance(dataset, Dataset)
        assert task_of("auto", dataset).name == name


def test_one_output_that_does_not_say_what_it_is_for_is_a_number():
    import transformers

    assert task_of_config(transformers.BertConfig(num_labels=1)).name == "regression"
    assert task_of_config(transformers.BertConfig(num_labels=2)).name == "single-label"


def test_a_number_is_predicted_as_a_pipeline_of_transformers_does(tokenizer, tmp_path):
    from transformers import pipeline

    jsonl(tmp_path / "t.jsonl", "regression", 60, 1)
    tokkit.finetune(
        tmp_path / "t.jsonl", tokenizer, out=tmp_path / "m", task="regression", size="tiny", **FAST
    )
    texts = ["at home i feel glad", "i feel 슬프다"]
    theirs = pipeline("text-classification", model=str(tmp_path / "m"))(texts)
    ours = tokkit.predict(tmp_path / "m", texts).predictions
    assert [row["value"] for row in ours] == pytest.approx(
        [prediction["score"] for prediction in theirs], abs=1e-5
    )
    assert [row["label"] for row in ours] == [f"{row['value']:.4g}" for row in ours]


def test_a_label_that_is_no_number_is_named(dataset, tokenizer, tmp_path):
    with pytest.raises(InputError, match=r'the label ".*" is not a number, which regression needs'):
        tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", task="regression", size="tiny", **FAST)


def test_a_number_with_a_decimal_comma_is_read_as_the_error_says(write, tokenizer, tmp_path):
    path = write("a.csv", "text;score\n" + "".join(f"at home {i};{i % 5},5\n" for i in range(30)))
    read = {"label_column": "score", "task": "regression", "size": "tiny", **FAST}
    with pytest.raises(InputError, match=r'label "[0-4],5" is not a number') as caught:
        tokkit.finetune(path, tokenizer, out=tmp_path / "m", **read)
    assert 'decimal=","' in caught.value.hint
    result = tokkit.finetune(path, tokenizer, out=tmp_path / "m", decimal=",", **read)
    assert result.metrics["mae"] < 10


def test_a_folder_of_folds_answers_with_the_mean_of_its_models(tasked, tokenizer, tmp_path):
    name, data = tasked
    out = tmp_path / "folds"
    tokkit.finetune(data, tokenizer, out=out, task=name, size="tiny", folds=2, **FAST)
    ours = tokkit.predict(out, data / "validation.jsonl", raw=True, threads=1).predictions
    of_folds = [
        tokkit.predict(out / f"fold-{k}", data / "validation.jsonl", raw=True, threads=1).predictions
        for k in (1, 2)
    ]
    for prediction, first, second in zip(ours, *of_folds, strict=True):
        if name == "regression":
            assert prediction["value"] == pytest.approx((first["value"] + second["value"]) / 2, abs=1e-5)
        elif name == "tags":
            agreed = [
                tag if tag == other else None
                for tag, other in zip(first["tags"], second["tags"], strict=True)
            ]
            assert all(tag in (None, own) for tag, own in zip(agreed, prediction["tags"], strict=True))
        else:
            mean = {
                label: (share + second["probabilities"][label]) / 2
                for label, share in first["probabilities"].items()
            }
            assert prediction["probabilities"] == pytest.approx(mean, abs=1e-6)
