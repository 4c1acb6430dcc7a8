"""The receipt of a model folder: read once, checked, and used by evaluate, predict and finetune."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

import tokkit
from tokkit.errors import InputError
from tokkit.model.folder.held_out import held_out_texts
from tokkit.model.folder.receipt import ModelReceipt


@pytest.fixture
def copied(model, tmp_path):
    return shutil.copytree(model, tmp_path / "model")


def rewrite(folder, change):
    path = folder / "tokkit.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def test_a_receipt_has_what_the_training_recorded(model, dataset):
    receipt = ModelReceipt.read(model)
    written = json.loads((model / "tokkit.json").read_text("utf-8"))
    assert receipt.max_length == written["result"]["settings"]["max_length"]
    assert (receipt.pairs, receipt.folds, receipt.members()) == (False, 0, [])
    assert hashlib.sha256((dataset / "train.csv").read_bytes()).hexdigest() in receipt.inputs
    assert receipt.models() == [receipt]
    assert receipt.metrics == json.loads((model / "metrics.json").read_text("utf-8"))
    assert receipt.temperature == receipt.metrics["calibration"]["temperature"]
    assert len(held_out_texts(receipt.folder)) > 0


def test_a_checkpoint_without_a_receipt_is_unknown(tmp_path):
    assert ModelReceipt.read(tmp_path) == ModelReceipt(tmp_path)
    assert ModelReceipt.read("organization/name").max_length is None
    assert held_out_texts(tmp_path) == frozenset()


def test_a_receipt_of_an_older_version_that_lacks_fields_is_read(copied):
    def change(content):
        del content["result"]["pairs"]
        del content["result"]["settings"]["max_length"]

    rewrite(copied, change)
    receipt = ModelReceipt.read(copied)
    assert (receipt.pairs, receipt.max_length) == (None, None)
    assert tokkit.predict(copied, "i feel glad").predictions[0]["label"]


DAMAGES = {
    "settings missing": (lambda c: c["result"].pop("settings"), 'has no "result.settings"'),
    "settings a list": (
        lambda c: c["result"].update(settings=[]),
        r'settings" is \[\], expected an object',
    ),
    "max_length a string": (
        lambda c: c["result"]["settings"].update(max_length="8"),
        "\"result.settings.max_length\" is '8', expected a number of tokens",
    ),
    "max_length true": (lambda c: c["result"]["settings"].update(max_length=True), 'max_length" is True'),
    "max_length zero": (lambda c: c["result"]["settings"].update(max_length=0), 'max_length" is 0'),
    "pairs a number": (lambda c: c["result"].update(pairs=1), '"result.pairs" is 1, expected true or false'),
    "folds a number": (
        lambda c: c["result"].update(folds=3),
        'folds" is 3, expected a list of results',
    ),
    "inputs names": (
        lambda c: c["result"].update(inputs=[7]),
        r'"result.inputs" is \[7\], expected a list of files',
    ),
    "run a string": (lambda c: c.update(run="x"), "\"run\" is 'x', expected an object"),
    "result a list": (lambda c: c.update(result=[]), "is not a receipt of tokkit"),
    "another schema": (lambda c: c.update(schema=99), "has schema 99"),
}


@pytest.mark.parametrize(("change", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_receipt_is_an_error_of_input(copied, dataset, change, message):
    rewrite(copied, change)
    for use in (
        ModelReceipt.read,
        lambda folder: tokkit.predict(folder, "i feel glad"),
        lambda folder: tokkit.evaluate(folder, dataset),
    ):
        with pytest.raises(InputError, match=message) as error:
            use(copied)
        assert error.value.exit_code == 3


def test_a_receipt_that_is_not_json_is_an_error_of_input(copied):
    (copied / "tokkit.json").write_text("{", "utf-8")
    with pytest.raises(InputError, match="is not valid JSON"):
        tokkit.predict(copied, "i feel glad")


SCORES = {
    "temperature tiny": (
        {"calibration": {"temperature": 1e-320}},
        'temperature" is 1e-320, expected a number',
    ),
    "temperature text": ({"calibration": {"temperature": "1"}}, "expected a number from 0.01 to 100"),
    "calibration a list": ({"calibration": [1]}, "expected an object"),
    "threshold NaN": ({"thresholds": {"joy": {"threshold": float("nan")}}}, 'joy.threshold" is nan'),
    "threshold missing": ({"thresholds": {"joy": {"f1": 0.5}}}, 'has no "thresholds.joy.threshold"'),
    "thresholds numbers": ({"thresholds": {"joy": 0.5}}, "expected an object"),
    "loss a text": ({"loss": "low"}, "expected a number"),
    "accuracy infinite": ({"accuracy": float("inf")}, 'accuracy" is inf'),
}


@pytest.mark.parametrize(("scores", "message"), SCORES.values(), ids=SCORES)
def test_damaged_scores_are_an_error_of_input(copied, dataset, scores, message):
    path = copied / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | scores), "utf-8")
    with pytest.raises(InputError, match=message) as error:
        tokkit.evaluate(
            copied, dataset, calibrated="calibration" in scores, tuned_thresholds="thresholds" in scores
        )
    assert (error.value.exit_code, error.value.hint is not None) == (3, True)


@pytest.mark.parametrize("content", ["{", "[]", "3", "[" * 100_000])
def test_scores_that_are_no_object_are_an_error_of_input(copied, dataset, content):
    (copied / "metrics.json").write_text(content, "utf-8")
    with pytest.raises(InputError, match=r"metrics\.json: (is not valid JSON|holds no JSON object)"):
        tokkit.evaluate(copied, dataset)


def test_a_missing_field_is_named(model):
    with pytest.raises(InputError, match='has no "precison"'):
        ModelReceipt.read(model).fields(["epochs", "precison"])


def test_folds_are_checked_by_the_receipts_of_their_models(model, tmp_path):
    for number in (1, 2):
        fold = shutil.copytree(model, tmp_path / f"fold-{number}")
        rewrite(fold, lambda content: content["result"].update(pairs=True))
    content = json.loads((model / "tokkit.json").read_text("utf-8"))
    del content["result"]["pairs"]
    content["result"]["folds"] = [{}, {}]
    (tmp_path / "tokkit.json").write_text(json.dumps(content), "utf-8")
    assert ModelReceipt.read(tmp_path).folds == 2
    with pytest.raises(InputError, match="was trained on pairs of texts, but the rows are single texts"):
        tokkit.predict(tmp_path, "i feel glad")
