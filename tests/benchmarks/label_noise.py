"""Planted label noise: how well `audit` ranks it next to `cleanlab`, and what its review regains.

    tokkit features CHECKPOINT DATASET -o features.parquet
    python -m tests.benchmarks.label_noise features.parquet --noise 5 10 20 --seeds 3

Labels of training rows are exchanged for another one at random. Logistic regression on the frozen states
gives out-of-fold probabilities, which both rank: average precision, and the share of the planted rows in the
first 10 %. These are then reviewed, the planted labels among them restored, and the macro F1 on
the validation rows is compared, with a paired bootstrap interval.
"""

from __future__ import annotations

import argparse
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tokkit.data.splitting.stratifier import stratified_folds
from tokkit.inspection.comparison.resampling import interval
from tokkit.model.features.features_file import FeaturesFile
from tokkit.model.features.nearest_rows import Neighbors, nearest_rows
from tokkit.model.metrics.classification import Decisions
from tokkit.model.metrics.significance import bootstrap, decision_sums
from tokkit.model.training.linear_model import LinearModel
from tokkit.review.audit_options import AuditOptions
from tokkit.review.neighbor_votes import Votes, neighbor_votes
from tokkit.review.suspects import SingleLabels

CLEANLAB = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
# Share of the rows that is reviewed.
REVIEWED = 0.1


@dataclass(frozen=True)
class Rows:
    """vectors (rows, width), and class ids (rows,)"""

    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("features", type=Path)
    parser.add_argument("--noise", type=float, nargs="+", default=[5, 10, 20])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--C", type=float, default=0.1)
    arguments = parser.parse_args()
    names, train, validation = rows_of(arguments.features)
    nearest = nearest_rows(train.vectors, AuditOptions().neighbors)
    for noise in arguments.noise:
        for seed in range(arguments.seeds):
            report(names, train, validation, nearest, noise / 100, seed, arguments)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"processor time {usage.ru_utime + usage.ru_stime:.0f} s")


def rows_of(path: Path) -> tuple[list[str], Rows, Rows]:
    """The names of the classes, the training rows and the validation rows of a features file."""
    file = FeaturesFile.read(path)
    dataset, vectors = file.dataset(), file.vectors()
    labels = {name: np.array(dataset.labels(name).to_list()) for name in dataset.splits}
    names = sorted(set(labels["train"]))
    start, parts = 0, {}
    for name, of_split in labels.items():
        parts[name] = Rows(vectors[start : start + len(of_split)], np.searchsorted(names, of_split))
        start += len(of_split)
    return names, parts["train"], parts["validation"]


def planted(labels: NDArray[np.int64], classes: int, noise: float, seed: int) -> NDArray[np.int64]:
    """The labels, a share of them exchanged for another one."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(labels), round(noise * len(labels)), replace=False)
    given = labels.copy()
    given[rows] = (given[rows] + rng.integers(1, classes, len(rows))) % classes
    return given


def learner(strength: float) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500))


def out_of_fold(
    names: list[str], vectors: NDArray[np.float32], given: NDArray[np.int64], folds: int, seed: int
) -> NDArray[np.float64]:
    """(rows, classes) probabilities by models that were not trained on the row, as in `audit`."""
    rng, groups = np.random.default_rng(seed), np.arange(len(given))
    numbers = stratified_folds(groups, given, folds, rng=rng, source="the rows")
    return LinearModel(given, given, names).out_of_fold(vectors, numbers)


def print_rankings(
    names: list[str],
    shares: NDArray[np.float64],
    given: NDArray[np.int64],
    clean: NDArray[np.int64],
    counts: Votes | None = None,
) -> NDArray[np.int64]:
    """A line per ranking, from the same probabilities; returns the first rows of the last one of tokkit."""
    from cleanlab.rank import get_label_quality_scores

    wrong, accuracy = given != clean, (shares.argmax(axis=1) == given).mean()
    print(f"  {wrong.sum():,} of {len(given):,} planted, accuracy out of fold {accuracy:.3f}")
    suspects = SingleLabels(names, shares, given)
    rankings = {"tokkit": suspects.scores}
    if counts is not None:
        suspects = SingleLabels(names, shares, given, counts)
        rankings["tokkit, with neighbors"] = suspects.scores
    for method in CLEANLAB:
        adjusts = (False, True) if method != CLEANLAB[2] else (False,)
        for adjust in adjusts:
            scores = get_label_quality_scores(given, shares, method=method, adjust_pred_probs=adjust)
            rankings[f"cleanlab, {method}{', adjusted' if adjust else ''}"] = -scores
    first = round(REVIEWED * len(given))
    for name, scores in rankings.items():
        top = np.argsort(-scores, kind="stable")[:first]
        precision = average_precision_score(wrong, scores)
        print(
            f"  {name:50} average precision {precision:.4f}   in the first 10 % "
            f"{wrong[top].sum() / wrong.sum():.3f}"
        )
    flagged = suspects.issues
    print(
        f"  suspects: {flagged.sum():,}, expected precision {suspects.wrong[flagged].mean():.3f}, "
        f"planted {wrong[flagged].mean():.3f}",
        flush=True,
    )
    return np.argsort(-suspects.scores, kind="stable")[:first]


def report(
    names: list[str],
    train: Rows,
    validation: Rows,
    nearest: Neighbors,
    noise: float,
    seed: int,
    arguments: argparse.Namespace,
) -> None:
    """One line per ranking, and the scores before and after the review."""
    given = planted(train.labels, len(names), noise, seed)
    shares = out_of_fold(names, train.vectors, given, arguments.folds, seed)
    counts = neighbor_votes(nearest, given[:, None] == np.arange(len(names)))
    print(f"noise {noise:.0%}, seed {seed}")
    reviewed = print_rankings(names, shares, given, train.labels, counts)
    restored = given.copy()
    restored[reviewed] = train.labels[reviewed]
    resampled, values = {}, {}
    for name, labels in {"noisy": given, "reviewed": restored, "clean": train.labels}.items():
        model = learner(arguments.C).fit(train.vectors, labels)
        decisions = Decisions.of(model.decision_function(validation.vectors), validation.labels)
        sums = {"macro_f1": decision_sums(np.zeros(len(validation.labels)), decisions)["macro_f1"]}
        values[name] = sums["macro_f1"].value
        resampled[name] = bootstrap(sums, 2000, 0)["macro_f1"]
    for name in ("reviewed", "clean"):
        low, high = interval(resampled[name] - resampled["noisy"]) or (0, 0)
        gain = values[name] - values["noisy"]
        print(
            f"  macro F1 {values['noisy']:.4f} with noise, {values[name]:.4f} {name}: "
            f"{gain:+.4f} ({low:+.4f} to {high:+.4f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
