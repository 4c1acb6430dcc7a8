"""Fine-tuned models of a benchmark: each is a folder of its runs; one that is there is not trained again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import polars as pl

import tokkit
from tokkit.data.loading.load import read_dataset

VALIDATION = "validation"


def parser(description: str) -> argparse.ArgumentParser:
    """The arguments that `read` and `trained` use."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("dataset")
    parser.add_argument("checkpoint")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    return parser


def read(arguments: argparse.Namespace) -> pl.DataFrame:
    """Text and label of the training rows; those of the validation rows are written into the runs."""
    arguments.runs.mkdir(parents=True, exist_ok=True)
    dataset = read_dataset(arguments.dataset)
    train, validation = (
        pl.DataFrame({"text": dataset.texts(name), "label": dataset.labels(name)})
        for name in ("train", VALIDATION)
    )
    validation.write_parquet(_file(arguments, VALIDATION))
    return train


def trained(arguments: argparse.Namespace, name: str, rows: pl.DataFrame, **settings: Any) -> Path:
    """The folder of one training, scored on the validation rows unless it has folds."""
    folder: Path = arguments.runs / name
    if not folder.exists():
        rows.write_parquet(_file(arguments, name))
        if "folds" not in settings:
            settings["validation_data"] = _file(arguments, VALIDATION)
        result = tokkit.finetune(
            *(_file(arguments, name), None, arguments.checkpoint, folder),
            **{"threads": arguments.threads, "seed": arguments.seed, "baseline": "none", **settings},
        )
        print(f"{name}: {rows.height:,} rows, {result.seconds:.0f} s", flush=True)
    return folder


def _file(arguments: argparse.Namespace, name: str) -> Path:
    path: Path = arguments.runs / f"{name}.parquet"
    return path
