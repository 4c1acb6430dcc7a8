"""Curves and step logs: one measure in training and validation, each named; one picture of all folds."""

from __future__ import annotations

import csv
import re

import matplotlib.image
import pytest
import torch
from sklearn.metrics import f1_score

import tokkit
from tests.model.test_finetune import FAST
from tokkit.model.network import losses
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import TASKS
from tokkit.views import plots


def history_of(folder):
    with (folder / "history.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_both_curves_are_of_the_chosen_loss_beside_the_cross_entropy(dataset, tokenizer, tmp_path, heard):
    settings = {"lr": 1e-9, "dropout": 0.0, "baseline": "none", "progress": heard, **FAST}
    rows = {"validation_data": dataset / "train.csv", **settings}
    focal = {"loss": "focal", "gamma": 3.0, "class_weights": "balanced"}
    tokkit.finetune(dataset / "train.csv", tokenizer, out=tmp_path / "focal", **focal, **rows)
    [row] = history_of(tmp_path / "focal")
    # The same rows, hardly trained and without dropout: the two curves meet.
    for name in ("loss", "cross_entropy", "accuracy", "macro_f1"):
        assert float(row[f"train_{name}"]) == pytest.approx(float(row[f"validation_{name}"]), abs=1e-3), name
    assert float(row["train_loss"]) != pytest.approx(float(row["train_cross_entropy"]), abs=0.05)
    assert ", cross-entropy " in next(line for line in heard.sentences if line.startswith("epoch 1/1"))
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "plain", **settings)
    [row] = history_of(tmp_path / "plain")
    assert "train_cross_entropy" not in row, "it is the loss"


def test_a_summed_loss_is_that_of_a_step_in_validation_too(dataset, tokenizer, tmp_path):
    settings = {"lr": 1e-9, "dropout": 0.0, "baseline": "none", "batch_size": 16, **FAST}
    rows = {"validation_data": dataset / "train.csv", **settings}
    tokkit.finetune(dataset / "train.csv", tokenizer, out=tmp_path / "m", reduction="sum", **rows)
    [row] = history_of(tmp_path / "m")
    assert float(row["train_loss"]) == pytest.approx(float(row["validation_loss"]), rel=0.02)
    assert float(row["train_loss"]) == pytest.approx(16 * float(row["train_cross_entropy"]), rel=0.02)


def test_step_logs_have_accuracy_and_macro_f1(dataset, tokenizer, tmp_path, heard):
    tokkit.finetune(dataset, tokenizer, out=tmp_path / "m", log_every=4, progress=heard, **FAST)
    logged = [line for line in heard.sentences if line.startswith("step 4/")]
    assert re.fullmatch(
        r"step 4/8: loss [\d.]+, accuracy 0\.\d{4}, macro F1 0\.\d{4}, rate [\d.e-]+", logged[0]
    )


@pytest.mark.parametrize("name", ["single-label", "multi-label", "tags"])
def test_counts_by_class_give_the_macro_f1_of_scikit_learn(name):
    generator = torch.Generator().manual_seed(0)
    logits = (
        torch.randn(40, 6, 3, generator=generator)
        if name == "tags"
        else torch.randn(40, 3, generator=generator)
    )
    targets = torch.randint(0, 3, logits.shape[:-1], generator=generator)
    predicted, truth = logits.argmax(-1).flatten(), targets.flatten().clone()
    if name == "multi-label":
        targets = (torch.randn(40, 3, generator=generator) > 0).float()
        predicted, truth = logits >= 0, targets
    if name == "tags":
        targets[:, 3:] = -100
        predicted, truth = logits.argmax(-1)[:, :3].flatten(), targets[:, :3].flatten()
    hits, true, found = TASKS[name].class_counts(logits, targets).double()
    expected = f1_score(truth.numpy(), predicted.numpy(), average="macro")
    assert float((2 * hits / (true + found)).mean()) == pytest.approx(expected)


def test_the_chosen_loss_is_named_with_all_that_changes_it():
    focal = {"loss": "focal", "gamma": 1.5}
    named = [
        ("single-label", {}, "cross-entropy"),
        ("tags", {"class_weights": "sqrt"}, "cross-entropy, class weights sqrt"),
        ("single-label", {"label_smoothing": 0.1}, "cross-entropy, label smoothing 0.1"),
        ("tags", {**focal, "alpha": "balanced"}, "focal loss (gamma 1.5), alpha balanced"),
        ("multi-label", {**focal, "reduction": "sum"}, "binary focal loss (gamma 1.5), summed over a step"),
    ]
    for task, settings, name in named:
        assert losses.name(TASKS[task], FinetuneOptions(**settings)) == name
    assert set(losses._NAMES) == {loss for family in losses.LOSSES.values() for loss in family.values()}


def test_folds_have_one_picture_of_the_curves_and_one_of_the_scores(dataset, tokenizer, tmp_path):
    tokkit.finetune(dataset / "train.csv", tokenizer, out=tmp_path / "m", folds=2, **FAST)
    for name in ("curves.png", "folds.png"):
        height, width, _ = matplotlib.image.imread(tmp_path / "m" / name).shape
        assert (height, width > 1500) == (540, True)


def test_the_thick_line_of_several_folds_is_their_mean():
    histories = [
        [{"epoch": e, "validation_loss": 1 / e + fold} for e in (1, 2, 3)[: 3 - fold]] for fold in (0, 1)
    ]
    svg = plots.curves(histories, "svg", "focal loss").decode()
    assert "mean of 2 folds" in svg
    assert svg == plots.curves(histories, "svg", "focal loss").decode()
