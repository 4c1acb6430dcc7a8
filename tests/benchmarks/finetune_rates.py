"""Scores of a checkpoint fine-tuned at several rates, the default among them.

    python -m tests.benchmarks.finetune_rates TRAIN VALIDATION CHECKPOINT --runs RUNS --seeds 3
    python -m tests.benchmarks.finetune_rates TRAIN VALIDATION CHECKPOINT --runs RUNS --sample 2000

All other settings are the defaults of `finetune`. Each run writes a model folder in RUNS; a run that is there
is not repeated, so that an interrupted benchmark goes on. ``--sample`` takes that many rows of each file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tokkit
from tests.benchmarks.paired import counts_of, print_differences, score
from tokkit.files import read_receipt

DEFAULT = "default"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train")
    parser.add_argument("validation")
    parser.add_argument("checkpoint")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--rates", type=float, nargs="+", default=[5e-5, 1e-4, 2e-4, 4e-4])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--sample", type=int, help="rows of each file")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    seeds = range(1, arguments.seeds + 1)
    defaults = [run(arguments, None, seed) for seed in seeds]
    default = read_receipt(defaults[0])["result"]["settings"]["lr"]
    # The default rate written out gives the same bytes.
    others = [rate for rate in arguments.rates if abs(rate / default - 1) > 1e-9]
    folders = {f"{DEFAULT} {default:g}": defaults}
    folders |= {f"{rate:g}": [run(arguments, rate, seed) for seed in seeds] for rate in others}
    tags = "span_f1" in read_receipt(defaults[0])["result"]["metrics"]
    runs = {
        name: [counts_of(folder / "predictions.parquet", tags=tags) for folder in each]
        for name, each in folders.items()
    }
    for measure in runs[f"{DEFAULT} {default:g}"][0]:
        means = {name: score([each[measure] for each in counts]) for name, counts in runs.items()}
        best = max(means, key=means.__getitem__)
        behind = means[best] - means[f"{DEFAULT} {default:g}"]
        print(f"{measure}: the best is {best}; the default is {100 * behind:.2f} points below it")
    print_differences(runs, f"{DEFAULT} {default:g}")


def run(arguments: argparse.Namespace, rate: float | None, seed: int) -> Path:
    """The folder of one training, which is done where it is missing."""
    folder: Path = arguments.runs / f"{DEFAULT if rate is None else f'{rate:g}'}-{seed}"
    if not folder.exists():
        arguments.runs.mkdir(parents=True, exist_ok=True)
        result = tokkit.finetune(
            *(arguments.train, None, arguments.checkpoint, folder),
            validation_data=arguments.validation,
            **{"lr": rate, "seed": seed, "epochs": arguments.epochs, "threads": arguments.threads},
            sample=f"{arguments.sample}:1" if arguments.sample else None,
            baseline="none",
        )
        names = [name for name in ("accuracy", "macro_f1", "span_f1") if name in result.metrics]
        scores = ", ".join(f"{name} {result.metrics[name]:.4f}" for name in names)
        print(f"{folder.name}: {scores}, {result.precision}, {result.seconds:.0f} s", flush=True)
    return folder


if __name__ == "__main__":
    main()
