"""Rows picked by margin and diversity, as `suggest-rows` picks them, next to random ones.

    tokkit features CHECKPOINT DATASET -o features.parquet
    python -m tests.benchmarks.active_picks features.parquet --step 400 --seeds 5

Logistic regression on the frozen states is trained on the rows labeled so far, ranks the others, and gets the
next ones; both ways begin with the same random rows. Scored on the validation rows after every step, next to
the model of all labels.
"""

from __future__ import annotations

import argparse
import resource
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from tests.benchmarks.label_noise import Rows, learner, rows_of
from tokkit.model.tasks import DEFAULT
from tokkit.review.row_picks import diverse, row_margins, smallest

CANDIDATES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("features", type=Path)
    parser.add_argument("--step", type=int, default=400)
    parser.add_argument("--most", type=float, default=40, help="per cent of the rows to label")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--C", type=float, default=0.1)
    arguments = parser.parse_args()
    _, train, validation = rows_of(arguments.features)
    rows = len(train.labels)
    everything = score(train, validation, np.arange(rows), arguments.C)
    print(f"all {rows:,} labels: accuracy {everything[0]:.4f}, macro F1 {everything[1]:.4f}")
    steps = int(arguments.most / 100 * rows) // arguments.step
    curves = {
        name: np.array(
            [curve(train, validation, name, steps, seed, arguments) for seed in range(arguments.seeds)]
        )
        for name in ("random", "margin", "diverse")
    }
    header = "   ".join(f"{name:^25}" for name in curves)
    print(
        f"{'labels':>14}   {header}\n{'':14}   "
        + "   ".join(f"{'accuracy':>12} {'macro F1':>12}" for _ in curves)
    )
    for step in range(steps):
        labels = (step + 1) * arguments.step
        cells = "   ".join(
            " ".join(f"{values[:, step, i].mean():.4f}±{values[:, step, i].std():.3f}" for i in (0, 1))
            for values in curves.values()
        )
        print(f"{labels:6,} {labels / rows:6.1%}   {cells}", flush=True)
    for name, values in curves.items():
        close = np.flatnonzero(values[:, :, 1].mean(axis=0) >= everything[1] - 0.01)
        print(f"{name}: macro F1 within 1 point of all labels with {share(close, arguments.step, rows)}")
        close = np.flatnonzero(values[:, :, 0].mean(axis=0) >= everything[0] - 0.01)
        print(f"{name}: accuracy within 1 point of all labels with {share(close, arguments.step, rows)}")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"processor time {usage.ru_utime + usage.ru_stime:.0f} s")


def share(steps: NDArray[np.int64], step: int, rows: int) -> str:
    return "none of the steps" if not len(steps) else f"{(steps[0] + 1) * step / rows:.1%} of the labels"


def score(train: Rows, validation: Rows, labeled: NDArray[np.int64], strength: float) -> tuple[float, float]:
    """Accuracy and macro F1 of a model of these rows."""
    model = learner(strength).fit(train.vectors[labeled], train.labels[labeled])
    predicted = model.predict(validation.vectors)
    accuracy = float((predicted == validation.labels).mean())
    return accuracy, float(f1_score(validation.labels, predicted, average="macro"))


def curve(
    train: Rows, validation: Rows, how: str, steps: int, seed: int, arguments: argparse.Namespace
) -> list[tuple[float, float]]:
    """The scores after every step."""
    order = np.random.default_rng(seed).permutation(len(train.labels))
    labeled = order[: arguments.step]
    scores = []
    for step in range(1, steps + 1):
        scores.append(score(train, validation, labeled, arguments.C))
        if step == steps:
            return scores
        if how == "random":
            labeled = order[: (step + 1) * arguments.step]
            continue
        model = learner(arguments.C).fit(train.vectors[labeled], train.labels[labeled])
        pool = np.setdiff1d(np.arange(len(train.labels)), labeled)
        margins = row_margins(DEFAULT, model.predict_proba(train.vectors[pool]))
        candidates = smallest(margins, (CANDIDATES if how == "diverse" else 1) * arguments.step)
        if how == "diverse":
            picks = diverse(train.vectors[pool[candidates]], margins[candidates], arguments.step, seed)
            candidates = candidates[picks.rows]
        labeled = np.concatenate([labeled, pool[candidates]])
    return scores


if __name__ == "__main__":
    main()
