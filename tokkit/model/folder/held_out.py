"""The rows held out in training, which a model folder keeps with what the model predicts for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from tokkit.errors import InputError
from tokkit.model.folder.receipt import PREDICTIONS
from tokkit.sources.formats.columnar import read_table


def read_predictions(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """A table of predictions; raises `InputError` for a file that cannot be read, or lacks a column."""
    table = read_table(path)
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(f'{path}: no column "{missing[0]}"; it was not written by tokkit finetune')
    return table


def held_out_texts(folder: Path) -> frozenset[str]:
    """The texts of the held-out rows; empty where the folder does not have them."""
    path = folder / PREDICTIONS
    return frozenset(read_predictions(path, ["text"])["text"]) if path.is_file() else frozenset()
