"""Validation scores of a fine-tuned checkpoint, median over seeds, next to cheaper baselines.

    python -m tests.benchmarks.finetune_quality DATASET CHECKPOINT --lr 2e-4 --seeds 3
    python -m tests.benchmarks.finetune_quality DATASET CHECKPOINT --lr 2e-4 --seeds 0 --folds 5

With ``--folds`` the train split is cross-validated, and the model of each fold and their ensemble are
scored on the validation split, which none of them has seen. The baselines are those of `features` on the
same rows: the majority class, a bag of words, and a logistic regression on the frozen hidden states of the
checkpoint. With ``--tokenizer`` and no checkpoint (``-``), an encoder of ``--size`` is trained from
scratch, without probe.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import tokkit
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.model.features.baseline_rows import baseline_rows, feature_rows
from tokkit.model.training.linear_model import LinearModel
from tokkit.progress import SILENT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("checkpoint", help="- for an encoder that starts from nothing")
    parser.add_argument("--tokenizer")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--lr", type=float)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--max-length", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    checkpoint = None if arguments.checkpoint == "-" else arguments.checkpoint
    with tempfile.TemporaryDirectory() as folder:
        tell_baselines(arguments, checkpoint, Path(folder))
        if arguments.seeds:
            tell_finetuning(arguments, checkpoint, Path(folder))
        if arguments.folds:
            tell_folds(arguments, checkpoint, Path(folder))


def tell_baselines(arguments: argparse.Namespace, checkpoint: str | None, folder: Path) -> None:
    """The most frequent class, words, and the probe where there is something to probe."""
    started = time.perf_counter()
    rows = feature_rows(read_dataset(arguments.dataset, DatasetOptions(), SILENT))
    baselines = baseline_rows(rows, arguments.dataset, "validation", seed=42, progress=SILENT)
    training, held_out = baselines.training, baselines.held_out
    linear = LinearModel(training.targets, held_out.targets, baselines.labels)
    words = linear.bag_of_words(training.texts, held_out.texts)
    tell(f'majority class ("{words["majority"]["label"]}")', words["majority"])
    tell("bag of words", words, time.perf_counter() - started)
    if checkpoint is not None:
        started = time.perf_counter()
        found = tokkit.features(
            *(checkpoint, arguments.dataset, folder / "features.parquet"),
            **{"probe": True, "max_length": arguments.max_length, "threads": arguments.threads},
        )
        tell("probe of frozen states", found.probe or {}, time.perf_counter() - started)


def tell_finetuning(arguments: argparse.Namespace, checkpoint: str | None, folder: Path) -> None:
    """Each seed, and the median of each score."""
    scores = []
    for seed in range(1, arguments.seeds + 1):
        out = folder / f"model-{seed}"
        result = tokkit.finetune(
            *(arguments.dataset, arguments.tokenizer, checkpoint, out), **settings(arguments, seed=seed)
        )
        scores.append(result.metrics)
        tell(f"fine-tuned, seed {seed}", result.metrics, result.seconds)
    names = ("accuracy", "macro_f1")
    tell("fine-tuned, median", {name: statistics.median(each[name] for each in scores) for name in names})


def tell_folds(arguments: argparse.Namespace, checkpoint: str | None, folder: Path) -> None:
    """The models of the folds, the mean of their scores, and the ensemble, on the validation split."""
    dataset = read_dataset(arguments.dataset, DatasetOptions(), SILENT)
    [train] = dataset.split("train").files
    [validation] = dataset.split("validation").files
    out = folder / "folds"
    result = tokkit.finetune(
        *(train, arguments.tokenizer, checkpoint, out), **settings(arguments, folds=arguments.folds)
    )
    tell("out of fold", result.metrics, result.seconds)
    *members, ensemble = tokkit.evaluate(out, validation, threads=arguments.threads).metrics.values()
    for number, scores in enumerate(members, 1):
        tell(f"fold {number}", scores)
    names = ("accuracy", "macro_f1")
    tell("mean of the folds", {name: statistics.mean(each[name] for each in members) for name in names})
    tell("ensemble", ensemble)


def settings(arguments: argparse.Namespace, **more: Any) -> dict[str, Any]:
    """The settings of a fine-tuning, without baselines: they were reported before."""
    names = ("lr", "epochs", "max_length", "size", "threads")
    return {**{name: getattr(arguments, name) for name in names}, "baseline": "none", **more}


def tell(what: str, scores: dict[str, Any], seconds: float | None = None) -> None:
    took = "" if seconds is None else f"  {seconds:6.0f} s"
    print(f"{what:24} accuracy {scores['accuracy']:.4f}, macro F1 {scores['macro_f1']:.4f}{took}", flush=True)


if __name__ == "__main__":
    main()
