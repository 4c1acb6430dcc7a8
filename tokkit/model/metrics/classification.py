"""Scores of classifiers with one label per row, or several, as scikit-learn computes them.

Logits are (rows, classes) float32. True labels are (rows,) class ids where every row has one label, and
(rows, classes), 1 where the row has the label, where it may have several. Scores are rounded to six decimals.

>>> scores = single_label_scores(np.log([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 0]), ["joy", "anger"])
>>> scores["accuracy"], scores["classes"]["joy"]["recall"]
(0.5, 0.5)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.model.metrics.calibration import (
    calibration_error,
    confidences,
    fit_temperature,
    tune,
    tune_binary,
)

# Tokens, special ones included, up to which rows are in the first bucket of lengths.
_FIRST_BUCKET = 8


@dataclass(frozen=True)
class Decisions:
    """The same shape for one label per row and for several.

    truth      (rows, classes) whether the row has the label
    predicted  (rows, classes) whether the label is predicted
    """

    truth: NDArray[np.bool_]
    predicted: NDArray[np.bool_]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(rows,) whether exactly the true labels are predicted."""
        correct: NDArray[np.bool_] = (self.truth == self.predicted).all(axis=1)
        return correct


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(rows, classes) probabilities of classes that exclude each other."""
    # Without its maximum no row overflows: the largest exponential is exp(0).
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    shares: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probability of each label independently of the others, of the shape of the logits."""
    # The same as 1 / (1 + exp(-x)), whose exponential overflows for large negative logits.
    shares: NDArray[np.float64] = 0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))
    return shares


def cross_entropy(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """(rows,) cross-entropy of each row with class ids, in nats."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalizer = np.log(np.exp(shifted).sum(axis=1))
    losses: NDArray[np.float64] = normalizer - shifted[np.arange(len(targets)), targets]
    return losses


def binary_cross_entropy(logits: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """(rows,) binary cross-entropy of each row, the mean over its classes, in nats."""
    wide = logits.astype(np.float64)
    # log(1 + exp(-|x|)) is at most log 2, whatever the sign of the logit.
    losses = np.maximum(wide, 0) - wide * targets + np.log1p(np.exp(-np.abs(wide)))
    mean: NDArray[np.float64] = losses.mean(axis=1)
    return mean


def confusion_matrix(
    targets: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """(classes, classes) items by true (row) and predicted (column) class id.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    return np.bincount(targets * classes + predicted, minlength=classes**2).reshape(classes, classes)


def single_label_scores(
    logits: NDArray[np.float32], targets: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Any]:
    """Every score of logits against (rows,) class ids.

    ``loss`` is the mean cross-entropy in nats. F1 of a class that is neither true nor predicted is 0, and
    macro F1 is the mean over all classes of the model. ``majority`` is what always predicting the most
    frequent class reaches. The temperature of ``calibration`` and, for two classes, the decision threshold in
    ``thresholds`` fit these very rows: apply them to others.
    """
    classes, shares = len(labels), softmax(logits)
    matrix = confusion_matrix(targets, logits.argmax(axis=1), classes)
    counts = _Counts.of_matrix(matrix)
    majority = int(counts.true.argmax())
    guess = np.zeros_like(matrix)
    guess[:, majority] = counts.true
    averages = ("macro", "weighted")
    return {
        "rows": len(targets),
        "loss": rounded(cross_entropy(logits, targets).mean()),
        "accuracy": rounded(counts.hits.sum() / len(targets)),
        **counts.f1_averages(averages),
        "majority": {
            "label": labels[majority],
            "accuracy": rounded(counts.true[majority] / len(targets)),
            **_Counts.of_matrix(guess).f1_averages(averages),
        },
        "classes": counts.by_class(labels),
        "confusion": {"labels": list(labels), "matrix": matrix.tolist()},
        "calibration": {
            "ece": rounded(calibration_error(shares.max(axis=1), logits.argmax(axis=1) == targets)),
            "temperature": rounded(
                fit_temperature(logits, lambda scaled: float(cross_entropy(scaled, targets).mean()))
            ),
        },
        **({"thresholds": tune_binary(shares, targets, labels)} if classes == 2 else {}),
    }


def multi_label_scores(
    logits: NDArray[np.float32], targets: NDArray[np.float32], labels: Sequence[str]
) -> dict[str, Any]:
    """Every score of logits against (rows, classes) targets, 1 where a row has the label.

    A label is predicted where its probability is at least one half. ``accuracy`` is the share of rows whose
    labels are all correct; ``loss`` is the mean binary cross-entropy over rows and classes, in nats, as in
    transformers; ``mean_average_precision`` is the mean over the classes that have rows. ``thresholds`` and
    the temperature fit these very rows: apply them to others.
    """
    truth, predicted, shares = targets > 0.5, logits >= 0, sigmoid(logits)
    counts = _Counts.of_decisions(truth, predicted)
    majority = int(counts.true.argmax())
    guess = np.zeros_like(truth)
    guess[:, majority] = True
    averages = ("macro", "micro", "weighted")
    precisions = [
        average_precision(truth[:, i], shares[:, i]) if truth[:, i].any() else None
        for i in range(len(labels))
    ]
    known = [precision for precision in precisions if precision is not None]
    return {
        "rows": len(targets),
        "loss": rounded(binary_cross_entropy(logits, targets).mean()),
        "accuracy": rounded((truth == predicted).all(axis=1).mean()),
        **counts.f1_averages(averages),
        "mean_average_precision": rounded(np.mean(known) if known else 0.0),
        "majority": {
            "label": labels[majority],
            "accuracy": rounded((truth == guess).all(axis=1).mean()),
            **_Counts.of_decisions(truth, guess).f1_averages(averages),
        },
        "classes": counts.by_class(labels, precisions),
        "calibration": {
            "ece": rounded(calibration_error(*confidences(shares, truth, exclusive=False))),
            "temperature": rounded(
                fit_temperature(logits, lambda scaled: float(binary_cross_entropy(scaled, targets).mean()))
            ),
        },
        "thresholds": tune(shares, truth, labels),
    }


def average_precision(positive: NDArray[np.bool_], shares: NDArray[np.float64]) -> float:
    """The area under the steps of precision over recall, from 0 to 1; there is a positive row.

    positive  (rows,) whether the row has the label
    shares    (rows,) its probability

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    order = np.argsort(-shares, kind="stable")
    hits, ordered = np.cumsum(positive[order]), shares[order]
    # Rows of equal probability are predicted together: a step ends where the next one is lower.
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    recall = hits[ends] / hits[-1]
    return float((np.diff(recall, prepend=0.0) * (hits[ends] / (ends + 1))).sum())


def scores_by_length(
    lengths: NDArray[np.int64], losses: NDArray[np.float64], decisions: Decisions | None
) -> list[dict[str, Any]]:
    """``{from, to, rows, loss, accuracy, macro_f1}`` of rows by their number of tokens, shortest first.

    lengths  (rows,) tokens of each row after truncation
    losses   (rows,)

    Buckets end at 8, 16, 32, ... tokens; empty ones are left out. Macro F1 is the mean over the classes that
    are true or predicted in the bucket. Without decisions there is the loss alone.
    """
    bucket_of = np.ceil(np.log2(np.maximum(lengths, _FIRST_BUCKET) / _FIRST_BUCKET)).astype(np.int64)
    scores = []
    for bucket in np.unique(bucket_of).tolist():
        rows = bucket_of == bucket
        end = _FIRST_BUCKET << bucket
        score = {"from": end // 2 + 1 if bucket else 1, "to": end, "rows": int(rows.sum())}
        score["loss"] = rounded(losses[rows].mean())
        if decisions is not None:
            truth, predicted = decisions.truth[rows], decisions.predicted[rows]
            counts = _Counts.of_decisions(truth, predicted)
            f1 = counts.f1[counts.true + counts.predicted > 0]
            score["accuracy"] = rounded((truth == predicted).all(axis=1).mean())
            score["macro_f1"] = rounded(f1.mean()) if len(f1) else 0.0
        scores.append(score)
    return scores


@dataclass(frozen=True)
class _Counts:
    """hits, true, predicted  (classes,) rows of each class that are both, that have it, that get it"""

    hits: NDArray[np.int64]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]

    @classmethod
    def of_matrix(cls, confusion: NDArray[np.int64]) -> _Counts:
        return cls(confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0))

    @classmethod
    def of_decisions(cls, truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> _Counts:
        return cls((truth & predicted).sum(axis=0), truth.sum(axis=0), predicted.sum(axis=0))

    @property
    def f1(self) -> NDArray[np.float64]:
        return _ratio(2 * self.hits, self.true + self.predicted)

    def f1_averages(self, averages: Sequence[str]) -> dict[str, float]:
        """``{"macro_f1": ..., ...}``: over classes alike, weighted by their true rows, or over all rows."""
        # Without any true row there is nothing to weight by: the plain mean, as in scikit-learn.
        weights = self.true if self.true.any() else None
        found = {
            "macro": self.f1.mean(),
            "weighted": np.average(self.f1, weights=weights),
            "micro": _ratio(2 * self.hits.sum(), self.true.sum() + self.predicted.sum()),
        }
        return {f"{average}_f1": rounded(found[average]) for average in averages}

    def by_class(
        self, labels: Sequence[str], average_precisions: Sequence[float | None] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Label -> its scores; None for the average precision of a class without rows."""
        precision, recall = _ratio(self.hits, self.predicted), _ratio(self.hits, self.true)
        scores: dict[str, dict[str, Any]] = {}
        for i, label in enumerate(labels):
            scores[label] = {
                "precision": rounded(precision[i]),
                "recall": rounded(recall[i]),
                "f1": rounded(self.f1[i]),
            }
            if average_precisions is not None:
                area = average_precisions[i]
                scores[label]["average_precision"] = None if area is None else rounded(area)
            scores[label]["support"] = int(self.true[i])
        return scores


def _ratio(part: Any, whole: Any) -> Any:
    """``part / whole``, 0 where there is nothing to divide by."""
    return part / np.maximum(whole, 1)


def rounded(value: Any) -> float:
    return round(float(value), 6)
