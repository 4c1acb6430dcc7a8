"""Scores of a checkpoint fine-tuned on tagged tokens, counted by tokkit and by `seqeval`.

    python -m tests.benchmarks.finetune_tags TRAIN.conll VALIDATION.conll CHECKPOINT --lr 2e-4 --seeds 1

Both count the same predictions, those of the best epoch on the validation file.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import polars as pl
from seqeval.metrics import f1_score, precision_score, recall_score

import tokkit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("checkpoint")
    parser.add_argument("--lr", type=float)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, arguments.seeds + 1):
            tell_seed(arguments, seed, Path(folder) / f"model-{seed}")


def tell_seed(arguments: argparse.Namespace, seed: int, out: Path) -> None:
    """One training, and both counts of its predictions."""
    result = tokkit.finetune(
        *(arguments.train, None, arguments.checkpoint, out),
        **{"validation_data": arguments.validation, "lr": arguments.lr, "epochs": arguments.epochs},
        **{"seed": seed, "threads": arguments.threads},
    )
    ours = {name: result.metrics[f"span_{name}"] for name in ("f1", "precision", "recall")}
    rows = pl.read_parquet(out / "predictions.parquet")
    true, predicted = ([tags.split() for tags in rows[name]] for name in ("label", "predicted"))
    counts = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
    theirs = {name: float(count(true, predicted)) for name, count in counts.items()}
    print(f"seed {seed}, {result.seconds:.0f} s, {result.metrics['rows']:,} validation rows")
    for name, value in ours.items():
        print(f"  span {name:10} tokkit {value:.6f}   seqeval {theirs[name]:.6f}", flush=True)


if __name__ == "__main__":
    main()
