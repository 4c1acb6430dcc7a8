"""Scores of classifiers with one label per row, or several, as scikit-learn computes them.

Logits are (rows, classes) float32. True labels are (rows,) class ids where every row has one label, and
(rows, classes), 1 where the row has the label, where it may have several. Scores are rounded to six decimals.

>>> scores = classifier_scores(np.log([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 0]), ["joy", "anger"])
>>> scores["accuracy"], scores["classes"]["joy"]["recall"]
(0.5, 0.5)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import SEPARATOR
from tokkit.model.metrics.calibration import (
    calibration_error,
    confidences,
    fit_temperature,
    tune,
    tune_binary,
)

# Tokens, special ones included, up to which rows are in the first bucket of lengths.
_FIRST_BUCKET = 8

Logits = NDArray[np.float32]


@dataclass(frozen=True)
class Decisions:
    """The same shape for one label per row and for several.

    truth      (rows, classes) whether the row has the label
    predicted  (rows, classes) whether the label is predicted
    """

    truth: NDArray[np.bool_]
    predicted: NDArray[np.bool_]

    @classmethod
    def of(cls, logits: Logits, targets: NDArray[Any]) -> Decisions:
        """The likeliest class of rows with one label; of several, those with a probability of one half."""
        if targets.ndim == 1:
            classes = np.arange(logits.shape[1])
            return cls(targets[:, None] == classes, logits.argmax(axis=1)[:, None] == classes)
        return cls(targets > 0.5, logits >= 0)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(rows,) whether exactly the true labels are predicted."""
        return (self.truth == self.predicted).all(axis=1)

    @property
    def vary(self) -> bool:
        """Whether two rows have different predictions."""
        return bool((self.predicted != self.predicted[:1]).any())

    @cached_property
    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(classes,) rows of each class that are both, that have it, that get it."""
        both = self.truth & self.predicted
        return both.sum(axis=0), self.truth.sum(axis=0), self.predicted.sum(axis=0)

    @property
    def f1(self) -> NDArray[np.float64]:
        """(classes,) 0 for a class that is neither true nor predicted."""
        hits, true, predicted = self.counts
        return _ratio(2 * hits, true + predicted)

    def averages(self, names: Sequence[str]) -> dict[str, float]:
        """``{"accuracy": ..., "macro_f1": ...}``: F1 over classes alike, weighted by their true rows, or over
        all rows."""
        hits, true, predicted = self.counts
        # Without any true row there is nothing to weight by: the plain mean, as in scikit-learn.
        averages = {
            "macro": weighted_mean(self.f1),
            "weighted": weighted_mean(self.f1, true if true.any() else None),
            "micro": _ratio(2 * hits.sum(), true.sum() + predicted.sum()),
        }
        f1 = {f"{name}_f1": rounded(averages[name]) for name in names}
        return {"accuracy": rounded(self.correct.mean()), **f1}

    def by_class(
        self, labels: Sequence[str], average_precisions: Sequence[float | None]
    ) -> dict[str, dict[str, Any]]:
        """Label -> its scores, with the average precisions where there are any."""
        hits, true, predicted = self.counts
        columns = {"precision": _ratio(hits, predicted), "recall": _ratio(hits, true), "f1": self.f1}
        scores: dict[str, dict[str, Any]] = {}
        for i, label in enumerate(labels):
            scores[label] = {name: rounded(column[i]) for name, column in columns.items()}
            if average_precisions:
                area = average_precisions[i]
                scores[label]["average_precision"] = None if area is None else rounded(area)
            scores[label]["support"] = int(true[i])
        return scores


def softmax(logits: Logits) -> NDArray[np.float64]:
    """(rows, classes) probabilities of classes that exclude each other."""
    # As scipy.special, whose import takes half a second.
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def sigmoid(logits: Logits) -> NDArray[np.float64]:
    """The probability of each label independently of the others, of the shape of the logits."""
    # The same as 1 / (1 + exp(-x)), whose exponential overflows for large negative logits.
    return 0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))


def cross_entropy(logits: Logits, targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """(rows,) cross-entropy of each row with class ids, in nats."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalizer = np.log(np.exp(shifted).sum(axis=1))
    return normalizer - shifted[np.arange(len(targets)), targets]


def binary_cross_entropy(logits: Logits, targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """(rows,) binary cross-entropy of each row, the mean over its classes, in nats."""
    wide = logits.astype(np.float64)
    # log(1 + exp(-|x|)) is at most log 2, whatever the sign of the logit.
    losses = np.maximum(wide, 0) - wide * targets + np.log1p(np.exp(-np.abs(wide)))
    return losses.mean(axis=1)


def confusion_matrix(
    targets: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """(classes, classes) items by true (row) and predicted (column) class id.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2)
    array([[1, 1],
           [0, 1]])
    """
    return np.bincount(targets * classes + predicted, minlength=classes**2).reshape(classes, classes)


def row_losses(logits: Logits, targets: NDArray[Any]) -> NDArray[np.float64]:
    """(rows,) `cross_entropy` where every row has one label, else `binary_cross_entropy`."""
    return cross_entropy(logits, targets) if targets.ndim == 1 else binary_cross_entropy(logits, targets)


def classifier_scores(logits: Logits, targets: NDArray[Any], labels: Sequence[str]) -> dict[str, Any]:
    """Every score of logits against the true labels.

    ``loss`` is the mean of `row_losses`, ``accuracy`` the share of rows whose labels are all correct. F1 of a
    class that is neither true nor predicted is 0, and macro F1 is the mean over all classes of the model;
    ``mean_average_precision`` is that over the classes that have rows. ``majority`` is what always predicting
    the most frequent class reaches; ``predicts_only`` is there where all predictions are the same, and the
    true labels are not. The temperature of ``calibration`` and the decision ``thresholds``, of
    several labels or two classes, fit these very rows: apply them to others.
    """
    exclusive = targets.ndim == 1
    shares = softmax(logits) if exclusive else sigmoid(logits)
    decisions = Decisions.of(logits, targets)
    truth = decisions.truth
    averages = ("macro", "weighted") if exclusive else ("macro", "micro", "weighted")
    precisions = (
        [] if exclusive else [average_precision(truth[:, i], shares[:, i]) for i in range(len(labels))]
    )
    known = [precision for precision in precisions if precision is not None]
    majority = int(decisions.counts[1].argmax())
    always = np.zeros_like(truth)
    always[:, majority] = True
    scores: dict[str, Any] = {
        "rows": len(targets),
        "loss": rounded(row_losses(logits, targets).mean()),
        **decisions.averages(averages),
        **({} if exclusive else {"mean_average_precision": rounded(np.mean(known) if known else 0.0)}),
        "majority": {"label": labels[majority], **Decisions(truth, always).averages(averages)},
        "classes": decisions.by_class(labels, precisions),
    }
    if not decisions.vary and (truth != truth[0]).any():
        names = [label for label, predicted in zip(labels, decisions.predicted[0], strict=True) if predicted]
        scores["predicts_only"] = SEPARATOR.join(names)
    if exclusive:
        matrix = confusion_matrix(targets, logits.argmax(axis=1), len(labels))
        scores["confusion"] = {"labels": list(labels), "matrix": matrix.tolist()}
    temperature = fit_temperature(logits, lambda scaled: float(row_losses(scaled, targets).mean()))
    error = calibration_error(*confidences(shares, truth, exclusive))
    scores["calibration"] = {"ece": rounded(error), "temperature": rounded(temperature)}
    if not exclusive:
        scores["thresholds"] = tune(shares, truth, labels)
    elif len(labels) == 2:
        scores["thresholds"] = tune_binary(shares, targets, labels)
    return scores


def average_precision(positive: NDArray[np.bool_], shares: NDArray[np.float64]) -> float | None:
    """The area under the steps of precision over recall, from 0 to 1; None where there is no positive row.

    positive  (rows,) whether the row has the label
    shares    (rows,) its probability

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    if not positive.any():
        return None
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
            in_bucket = Decisions(decisions.truth[rows], decisions.predicted[rows])
            _, true, predicted = in_bucket.counts
            f1 = in_bucket.f1[true + predicted > 0]
            score["accuracy"] = rounded(in_bucket.correct.mean())
            score["macro_f1"] = rounded(weighted_mean(f1)) if len(f1) else 0.0
        scores.append(score)
    return scores


def _ratio(part: Any, whole: Any) -> Any:
    """``part / whole``, 0 where there is nothing to divide by."""
    return part / np.maximum(whole, 1)


def weighted_mean(values: Iterable[float], weights: Iterable[int] | None = None) -> float:
    """The same float whatever the order of the classes is, which a plain sum depends on.

    Without ``weights``, all values are weighted alike.
    """
    values = list(values)
    weights = [1] * len(values) if weights is None else list(weights)
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights)


def rounded(value: Any) -> float:
    return round(float(value), 6)
