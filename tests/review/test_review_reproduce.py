"""`reproduce`: the same command again gives the same files; what differs, or cannot be repeated, is named."""

from __future__ import annotations

import io
import json
import shutil

import pytest

import tokkit
from tests.hub.conftest import FAST
from tests.model.conftest import sentences, write_csv
from tokkit.cli.main import run
from tokkit.errors import InputError


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """One output of each command, and what they were written of."""
    here = tmp_path_factory.mktemp("reproduce")
    rows = write_csv(here / "rows.csv", sentences(120, 1))
    tokkit.train_wordpiece([rows], here / "wordpiece", vocab_size=150, recipe="korean")
    tokkit.train_bpe([rows], here / "bpe", vocab_size=300)
    tokkit.count(rows, here / "counts")
    tokkit.train_wordpiece(out=here / "of-counts", counts=here / "counts", vocab_size=100)
    tokkit.clean(rows, here / "clean.csv", duplicates="normalized")
    tokkit.split(rows, here / "split", validation=0.2, test=0, seed=3)
    tokkit.rebalance(here / "split", here / "balanced", max_per_class=20)
    tokkit.encode(here / "split", here / "wordpiece", here / "ids")
    tokkit.count(here / "split" / "train.csv", here / "train-counts")
    tokkit.merge_counts([here / "counts", here / "train-counts"], here / "merged")
    (here / "tokens.txt").write_text("quokka\nzebra\n", "utf-8")
    tokkit.wrap(here / "wordpiece" / "tokenizer.json", here / "wrapped", pad_token="[PAD]", check=[str(rows)])
    tokkit.add_tokens(
        here / "wordpiece", here / "extended", tokens_file=here / "tokens.txt", sample=[str(rows)]
    )
    tokkit.trim(here / "wordpiece", here / "trimmed", to=[str(rows)])
    tokkit.suggest_tokens(here / "wordpiece", rows, here / "suggested.txt", min_count=2)
    return here


@pytest.fixture(scope="module")
def model(written):
    """A classifier that was trained on one of them."""
    out = written / "model"
    tokkit.finetune(written / "split", written / "wordpiece", out=out, **{**FAST, "epochs": 1})
    return out


@pytest.mark.parametrize(
    "name",
    [
        *("wordpiece", "bpe", "counts", "of-counts", "clean.csv", "split", "balanced", "ids"),
        *("merged", "wrapped", "extended", "trimmed", "suggested.txt"),
    ],
)
def test_every_command_writes_the_same_again(written, name):
    before = {path: path.read_bytes() for path in written.rglob("*") if path.is_file()}
    result = tokkit.reproduce(written / name)
    assert result.same, [file for file in result.files if not file.same]
    assert len(result.files) >= 2
    assert all(file.sha256 == file.again for file in result.files)
    assert {path: path.read_bytes() for path in written.rglob("*") if path.is_file()} == before


def test_a_file_that_was_changed_differs(written, tmp_path, capsys):
    shutil.copytree(written / "split", tmp_path / "split")
    path = tmp_path / "split" / "train.csv"
    path.write_bytes(path.read_bytes() + b"one more,joy\n")
    assert run(["reproduce", str(tmp_path / "split"), "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["same"] is False
    assert [file["path"] for file in printed["files"] if not file["same"]] == ["train.csv"]
    assert {"path", "sha256", "again", "same"} == set(printed["files"][0])


@pytest.mark.long
def test_a_model_is_trained_again_and_its_completed_card_is_no_difference(model, tmp_path):
    result = tokkit.reproduce(model)
    assert result.same, [file for file in result.files if not file.same]
    assert all(file.sha256 == file.again for file in result.files)
    shutil.copytree(model, tmp_path / "model")
    tokkit.card(tmp_path / "model", license="mit")
    assert tokkit.reproduce(tmp_path / "model").same


@pytest.mark.long
def test_what_is_written_of_a_model_is_written_again(written, model, tmp_path):
    rows = shutil.copyfile(written / "rows.csv", tmp_path / "rows.csv")
    tokkit.evaluate(
        model, written / "split", tmp_path / "evaluation", split="train", label_issues=True, threads=1
    )
    tokkit.predict(model, rows, out=tmp_path / "predictions.csv", probabilities=True, raw=True)
    tokkit.features(model, rows, tmp_path / "features.parquet", max_length=20)
    tokkit.add_tokens(model, tmp_path / "longer", model=model, token=["quokka"], init="random")
    tokkit.trim(out=tmp_path / "smaller", model=model, to=[str(rows)])
    tokkit.export(model, tmp_path / "exported", int8="static", on=rows, calibration_rows=8, threads=1)
    for name in ("evaluation", "predictions.csv", "features.parquet", "longer", "smaller", "exported"):
        result = tokkit.reproduce(tmp_path / name)
        assert result.same, (name, [file for file in result.files if not file.same])
        assert len(result.files) >= 2
    # An export read the model and the rows that it was checked on, and not the rows of the training.
    rows.write_bytes(rows.read_bytes() + b"one more,joy\n")
    with pytest.raises(InputError, match=r"cannot be reproduced: [^;]*rows\.csv has changed"):
        tokkit.reproduce(tmp_path / "exported")


@pytest.mark.long
def test_what_the_label_loop_writes_is_written_again(written, tmp_path):
    settings = {**FAST, "epochs": 1, "folds": 2}
    tokkit.finetune(written / "rows.csv", written / "wordpiece", out=tmp_path / "folds", **settings)
    tokkit.audit(written / "rows.csv", tmp_path / "folds", tmp_path / "suspects.jsonl", rows=5)
    (tmp_path / "more.csv").write_text("text,label\nglad to be here,\nnothing is right,\n", "utf-8")
    tokkit.suggest_rows(tmp_path / "more.csv", tmp_path / "folds", tmp_path / "picked.jsonl", budget=1)
    for name in ("folds", "suspects.jsonl", "picked.jsonl"):
        result = tokkit.reproduce(tmp_path / name)
        assert result.same, (name, [file for file in result.files if not file.same])


def test_what_was_read_from_standard_input_is_not_repeated(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"glad to be here\n"), "utf-8"))
    assert run(["count", "-", "-o", str(tmp_path / "counts"), "-q"]) == 0
    assert run(["reproduce", str(tmp_path / "counts")]) == 3
    assert "cannot be reproduced: was read from standard input" in capsys.readouterr().err


def test_merged_counts_that_changed_are_named(written, tmp_path):
    shutil.copytree(written / "counts", tmp_path / "counts")
    tokkit.merge_counts([tmp_path / "counts", written / "train-counts"], tmp_path / "merged")
    shutil.rmtree(tmp_path / "counts")
    with pytest.raises(InputError, match=r"cannot be reproduced: counts no longer exists"):
        tokkit.reproduce(tmp_path / "merged")


def test_a_card_of_a_data_set_is_no_difference(written, tmp_path):
    shutil.copytree(written / "split", tmp_path / "split")
    tokkit.card(tmp_path / "split")
    assert tokkit.reproduce(tmp_path / "split").same


def test_inputs_that_changed_are_named(written, tmp_path):
    rows = tmp_path / "rows.csv"
    shutil.copyfile(written / "rows.csv", rows)
    tokkit.split(rows, tmp_path / "split", validation=0.2, test=0)
    rows.write_bytes(rows.read_bytes() + b"one more,joy\n")
    with pytest.raises(InputError, match=r"cannot be reproduced: .*rows\.csv has changed"):
        tokkit.reproduce(tmp_path / "split")
    rows.unlink()
    with pytest.raises(InputError, match=r"rows\.csv no longer exists"):
        tokkit.reproduce(tmp_path / "split")


def test_what_cannot_be_repeated(written, tmp_path):
    shutil.copytree(written / "split", tmp_path / "split")
    receipt = tmp_path / "split" / "tokkit.json"
    content = json.loads(receipt.read_text("utf-8"))
    del content["run"]["sources"]
    receipt.write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError, match="an earlier version of tokkit wrote it"):
        tokkit.reproduce(tmp_path / "split")
    del content["run"]
    receipt.write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError, match="does not say how it was run"):
        tokkit.reproduce(tmp_path / "split")
    receipt.write_text(json.dumps({**content, "command": "demo", "run": {}}), "utf-8")
    with pytest.raises(InputError, match="what tokkit demo writes is not repeated"):
        tokkit.reproduce(tmp_path / "split")
    with pytest.raises(InputError, match="has no"):
        tokkit.reproduce(written / "rows.csv")
