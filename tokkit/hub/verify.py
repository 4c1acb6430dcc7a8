"""Folders are verified before they go to the hub: they load, and do what they did when they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.backends.load_model import load_model
from tokkit.model.folder.held_out import read_predictions
from tokkit.model.folder.loaded_model import LoadedModel, encode_rows
from tokkit.model.folder.receipt import PERCENT, PREDICTIONS, ModelReceipt
from tokkit.model.options.inference_options import DecisionOptions
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder.load import load

# Rows of the held-out ones that are predicted again, and the per cent that rounding may change.
_ROWS = 8
_TOLERANCE = 0.1
# Where every machine has the same rounding to a few digits.
_ON_CPU = DecisionOptions(device="cpu")


def verify_model(folder: Path, progress: Progress) -> None:
    """Load every model of a folder, and predict some of its held-out rows again, where it has their texts.

    Raises `InputError` for a model that cannot be loaded, or predicts otherwise than in training.
    """
    for receipt in ModelReceipt.read(folder).models():
        saved = load_model(receipt, _ON_CPU, None, SILENT)
        path = receipt.folder / PREDICTIONS
        # Of tags, and of rows of ids, the texts are not what the model reads.
        if path.is_file() and saved.classifier.task.by_row:
            table = read_predictions(path, ["text", "label"]).head(_ROWS)
            if table.height and all(table["text"].to_list()):
                _check_predictions(saved, table, receipt.folder)


def verify_tokenizer(folder: Path, progress: Progress) -> None:
    """Load a tokenizer and run its self-test; raises `InputError` where that fails."""
    load(folder, progress)


def _check_predictions(saved: LoadedModel, table: pl.DataFrame, folder: Path) -> None:
    rows = Rows(
        texts=table["text"].to_list(),
        labels=table["label"].to_list(),
        positions=list(range(table.height)),
        left_out={},
        pairs=table["pair"].to_list() if "pair" in table.columns else [],
    )
    encoded = encode_rows(saved, rows, None, SILENT)
    logits = saved.logits(encoded, _ON_CPU, SILENT)
    columns = [f"{PERCENT}{label}" for label in saved.classifier.labels]
    if not set(columns) <= set(table.columns):
        return
    shares = 100 * saved.classifier.task.probabilities(logits)
    difference = float(np.abs(shares - table.select(columns).to_numpy()).max())
    if difference > _TOLERANCE:
        raise InputError(
            f"{folder}: predicts other probabilities than when it was trained, by up to "
            f"{difference:.1f} per cent: its weights or its tokenizer were changed",
            hint="copy the whole folder again; the command finetune wrote all of it",
        )
