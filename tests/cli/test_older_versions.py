"""What version 0.1.0 wrote (`version-0.1.0/`) is read and used; what a newer version writes is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification

import tokkit
from tokkit import files
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError
from tokkit.model.folder.held_out import held_out_texts
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.folder.recorded_run import recorded_run
from tokkit.model.network.class_weights import class_weights, warn_multiplied, warn_unused
from tokkit.progress import SILENT
from tokkit.tokenizer.folder.load import load

WRITTEN = Path(__file__).parent / "version-0.1.0"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return shutil.copytree(WRITTEN, tmp_path / "written")


def test_counts_are_trained_from_to_the_tokenizer_of_then(written, tmp_path):
    tokkit.train_wordpiece(out=tmp_path / "out", counts=written / "counts", vocab_size=60)
    assert (tmp_path / "out" / "tokenizer.json").read_bytes() == (
        written / "tokenizer" / "tokenizer.json"
    ).read_bytes()


def test_counts_merge_with_those_of_now(written, tmp_path):
    (tmp_path / "more.txt").write_text("the fox\nthe dog\n", "utf-8")
    more = tokkit.count(tmp_path / "more.txt", tmp_path / "more")
    merged = tokkit.merge_counts([written / "counts", tmp_path / "more"], tmp_path / "merged")
    result = files.read_receipt(written / "counts")["result"]
    assert merged.pieces == result["pieces"] + more.pieces


def test_a_tokenizer_passes_its_self_test(written):
    result = files.read_receipt(written / "tokenizer")["result"]
    assert len(result["self_test"]) > 8
    assert load(written / "tokenizer").vocab_size == result["vocab_size"]


def test_rebalanced_rows_are_known_by_their_receipt_and_weights(written, heard):
    weights = class_weights(str(written / "weighted.csv.weights.json"), None, ["anger", "joy"])
    assert weights == [1.538462, 0.740741]
    warn_unused("none", read_dataset(written / "weighted.csv"), heard)
    assert "weighted.csv.weights.json: class weights, not used" in heard
    dataset = read_dataset(written / "balanced.csv")
    warn_multiplied({"--class-weights balanced": [1.0, 2.0]}, "plain", dataset, heard)
    assert "the rows that rebalance repeated" in heard


@pytest.fixture
def old_model(written: Path) -> Path:
    """The folder of then with weights, which are too many to keep."""
    config = json.loads((written / "model" / "config.json").read_text("utf-8"))
    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(**config)).save_pretrained(written / "model")
    (written / "model" / "config.json").write_text(json.dumps(config), "utf-8")
    return written / "model"


def test_a_model_is_evaluated_with_its_scores_of_then(written, old_model):
    receipt = ModelReceipt.read(old_model)
    recorded = json.loads((old_model / "metrics.json").read_text("utf-8"))
    assert (receipt.max_length, receipt.pairs, receipt.folds) == (512, False, 0)
    assert receipt.temperature == recorded["calibration"]["temperature"]
    assert receipt.thresholds == recorded["thresholds"]
    assert len(held_out_texts(receipt.folder)) > 0
    result = tokkit.evaluate(
        old_model, written / "rows.csv", calibrated=True, tuned_thresholds=True
    ).as_dict()
    assert result["validation"]["accuracy"] == recorded["accuracy"]


def test_folds_are_read(written):
    receipt = ModelReceipt.read(written / "folds")
    assert receipt.folds == 2
    assert receipt.metrics == json.loads((written / "folds" / "metrics.json").read_text())["out_of_fold"]


READERS = {
    "counts": lambda folder: tokkit.merge_counts(folder / "counts", folder / "merged"),
    "tokenizer": lambda folder: load(folder / "tokenizer"),
    "model": lambda folder: ModelReceipt.read(folder / "model"),
    "folds": lambda folder: ModelReceipt.read(folder / "folds"),
    "balanced.csv": lambda folder: warn_multiplied(
        {"--class-weights balanced": [1.0, 2.0]}, "plain", read_dataset(folder / "balanced.csv"), SILENT
    ),
    "weighted.csv": lambda folder: warn_unused(
        str(folder / "weighted.csv.weights.json"), read_dataset(folder / "balanced.csv"), SILENT
    ),
}


def test_a_run_is_not_repeated_from_a_newer_receipt(written):
    path = files.receipt_path(written / "model")
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"schema": 2}), "utf-8")
    with pytest.raises(InputError, match="has schema 2, expected 1"):
        recorded_run(written / "model", SILENT)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("schema", [2, "1", None, True, 1e400])
def test_a_receipt_of_another_schema_is_refused(written, name, schema):
    path = files.receipt_path(written / name)
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | {"schema": schema}), "utf-8")
    with pytest.raises(InputError, match=r"has schema .*, expected 1") as caught:
        READERS[name](written)
    assert caught.value.hint == "pip install --upgrade tokkit-nlp"
