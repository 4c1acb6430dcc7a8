"""Rows that `suggest-rows` picks for a fine-tuned checkpoint, next to as many random ones and to all.

    python -m tests.benchmarks.active_finetuning DATASET CHECKPOINT --runs RUNS --rounds 10:3 20:5 40:5

A round is a share of the training rows, in per cent, and the epochs they are trained for. The first one has
random rows; its model picks those that the next one adds. As many random rows, and with ``--all-epochs`` all
rows, are trained for comparison. Scored on the validation rows, with paired bootstrap intervals. Each
training writes a folder in RUNS; one that is there is not repeated.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl

import tokkit
from tests.benchmarks.paired import Counts, counts_of, print_differences
from tokkit.data.loading.load import read_dataset
from tokkit.model.folder.receipt import PREDICTIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("checkpoint")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--rounds", type=_round, nargs="+", default=[(10.0, 3), (20.0, 5), (40.0, 5)])
    parser.add_argument("--all-epochs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    arguments.runs.mkdir(parents=True, exist_ok=True)
    dataset = read_dataset(arguments.dataset)
    train, validation = (
        pl.DataFrame({"text": dataset.texts(name), "label": dataset.labels(name)})
        for name in ("train", "validation")
    )
    rows = train.sample(fraction=1.0, shuffle=True, seed=arguments.seed)
    validation.write_parquet(arguments.runs / "validation.parquet")
    (share, epochs), *others = arguments.rounds
    count = round(share / 100 * rows.height)
    labeled, pool = rows[:count], rows[count:]
    model = trained(arguments, f"random-{share:g}", labeled, epochs)
    runs = {f"random-{share:g}": predictions_of(model)}
    for share, epochs in others:
        random, picks = f"random-{share:g}", f"picked-{share:g}"
        count = round(share / 100 * rows.height)
        labeled, pool = picked(arguments, model, labeled, pool, picks, count)
        model = trained(arguments, picks, labeled, epochs)
        runs[random] = predictions_of(trained(arguments, random, rows[:count], epochs))
        runs[picks] = predictions_of(model)
        print_differences({name: runs[name] for name in (random, picks)}, random)
    if arguments.all_epochs:
        runs["all"] = predictions_of(trained(arguments, "all", rows, arguments.all_epochs))
        print_differences(runs, "all")


def predictions_of(folder: Path) -> list[dict[str, Counts]]:
    return [counts_of(folder / PREDICTIONS, tags=False)]


def _round(text: str) -> tuple[float, int]:
    share, epochs = text.split(":")
    return float(share), int(epochs)


def picked(
    arguments: argparse.Namespace,
    model: Path,
    labeled: pl.DataFrame,
    pool: pl.DataFrame,
    name: str,
    count: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Labeled rows with those that the model picks, ``count`` in all, and the rest of the pool."""
    source, review = (arguments.runs / f"{name}.{kind}" for kind in ("pool.parquet", "jsonl"))
    if not review.exists():
        pool.select("text").write_parquet(source)
        tokkit.suggest_rows(
            source, model, review, budget=count - labeled.height, threads=arguments.threads, force=True
        )
    numbers = pl.read_ndjson(review)["row"].to_list()
    rest = pool.with_row_index().filter(~pl.col("index").is_in(numbers)).drop("index")
    return pl.concat([labeled, pool[numbers]]), rest


def trained(arguments: argparse.Namespace, name: str, rows: pl.DataFrame, epochs: int) -> Path:
    """The folder of one training, which is done where it is missing."""
    folder: Path = arguments.runs / name
    if not folder.exists():
        rows.write_parquet(arguments.runs / f"{name}.parquet")
        result = tokkit.finetune(
            *(arguments.runs / f"{name}.parquet", None, arguments.checkpoint, folder),
            validation_data=arguments.runs / "validation.parquet",
            **{"epochs": epochs, "threads": arguments.threads, "seed": arguments.seed, "baseline": "none"},
        )
        scores = ", ".join(f"{key} {result.metrics[key]:.4f}" for key in ("accuracy", "macro_f1"))
        print(f"{name}: {rows.height:,} rows, {scores}, {result.seconds:.0f} s", flush=True)
    return folder


if __name__ == "__main__":
    main()
