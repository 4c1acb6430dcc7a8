"""Planted label noise, as in `label_noise`, ranked by the out-of-fold predictions of a fine-tuned checkpoint.

    python -m tests.benchmarks.label_noise_finetuned DATASET CHECKPOINT --runs RUNS --noise 10 --rows 8000

The first 10 % of the ranking are reviewed, the planted labels among them restored; a model of the noisy rows,
one of the reviewed and one of the clean ones are scored on the validation rows, with paired bootstrap
intervals. Each training writes a folder in RUNS; one that is there is not repeated.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tests.benchmarks import finetuned_runs
from tests.benchmarks.finetuned_runs import trained
from tests.benchmarks.label_noise import planted, print_rankings
from tests.benchmarks.paired import counts_of, print_differences
from tokkit.model.folder.receipt import PERCENT, PREDICTIONS


def main() -> None:
    parser = finetuned_runs.parser(__doc__.splitlines()[0])
    parser.add_argument("--noise", type=float, default=10, help="per cent")
    parser.add_argument("--rows", type=int, help="training rows, sampled")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2)
    arguments = parser.parse_args()
    train = finetuned_runs.read(arguments)
    # A text in two rows could not be told apart in the predictions.
    train = train.unique("text", keep="first", maintain_order=True)
    train = train.sample(arguments.rows or train.height, shuffle=True, seed=arguments.seed)
    names = sorted(set(train["label"]))
    clean = np.searchsorted(names, train["label"].to_numpy()).astype(np.int64)
    given = planted(clean, len(names), arguments.noise / 100, arguments.seed)
    noisy = train.with_columns(label=pl.Series(np.array(names)[given]))
    settings = {"epochs": arguments.epochs}
    folds = trained(arguments, f"folds-{arguments.noise:g}", noisy, folds=arguments.folds, **settings)
    print(f"noise {arguments.noise:g} %, {arguments.folds} folds of {arguments.epochs} epochs")
    first = print_rankings(names, out_of_fold(folds, noisy, names), given, clean)
    restored = given.copy()
    restored[first] = clean[first]
    runs = {}
    for name, labels in {"noisy": given, "reviewed": restored, "clean": clean}.items():
        rows = train.with_columns(label=pl.Series(np.array(names)[labels]))
        folder = trained(arguments, f"{name}-{arguments.noise:g}", rows, **settings)
        runs[name] = [counts_of(folder / PREDICTIONS, tags=False)]
    print_differences(runs, "noisy")


def out_of_fold(folds: Path, noisy: pl.DataFrame, names: list[str]) -> NDArray[np.float64]:
    """(rows, classes) the recorded probabilities, in the order of the rows."""
    recorded = pl.read_parquet(folds / PREDICTIONS).select("text", pl.col([PERCENT + name for name in names]))
    joined = noisy.select("text").join(recorded, on="text", how="left", maintain_order="left")
    shares: NDArray[np.float64] = joined.drop("text").to_numpy().astype(np.float64)
    assert shares.shape == (noisy.height, len(names))
    assert not np.isnan(shares).any()
    return shares / shares.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    main()
