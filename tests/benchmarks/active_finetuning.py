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
from tests.benchmarks import finetuned_runs
from tests.benchmarks.finetuned_runs import trained
from tests.benchmarks.paired import Counts, counts_of, print_differences
from tokkit.model.folder.receipt import PREDICTIONS


def main() -> None:
    parser = finetuned_runs.parser(__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=_round, nargs="+", default=[(10.0, 3), (20.0, 5), (40.0, 5)])
    parser.add_argument("--all-epochs", type=int, default=0)
    arguments = parser.parse_args()
    train = finetuned_runs.read(arguments)
    rows = train.sample(fraction=1.0, shuffle=True, seed=arguments.seed)
    (share, epochs), *others = arguments.rounds
    count = round(share / 100 * rows.height)
    labeled, pool = rows[:count], rows[count:]
    model = trained(arguments, f"random-{share:g}", labeled, epochs=epochs)
    runs = {f"random-{share:g}": predictions_of(model)}
    for share, epochs in others:
        random, picks = f"random-{share:g}", f"picked-{share:g}"
        count = round(share / 100 * rows.height)
        labeled, pool = picked(arguments, model, labeled, pool, picks, count)
        model = trained(arguments, picks, labeled, epochs=epochs)
        runs[random] = predictions_of(trained(arguments, random, rows[:count], epochs=epochs))
        runs[picks] = predictions_of(model)
        print_differences({name: runs[name] for name in (random, picks)}, random)
    if arguments.all_epochs:
        runs["all"] = predictions_of(trained(arguments, "all", rows, epochs=arguments.all_epochs))
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


if __name__ == "__main__":
    main()
