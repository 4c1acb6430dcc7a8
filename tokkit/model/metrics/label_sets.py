"""Scores of a classifier that may give a text several labels, or none, by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tokkit.model.metrics.calibration import calibration_error, fit_temperature
from tokkit.model.metrics.thresholds import tune

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def evaluate_label_sets(
    logits: NDArray[np.float32], targets: NDArray[np.float32], labels: Sequence[str]
) -> dict[str, Any]:
    """Every score of (rows, classes) logits against (rows, classes) targets, 1 where a row has the label.

    A label is predicted where its share is at least one half. ``accuracy`` counts the rows whose whole set
    is right; ``loss`` is the mean over rows and classes of the binary cross-entropy, in nats, as transformers
    has it; ``mean_average_precision`` is over the classes that have rows. ``thresholds`` and the temperature
    fit these rows best: for use on others.
    """
    import numpy as np
    from sklearn import metrics

    truth = targets > 0.5
    predicted = logits >= 0
    shares = sigmoid(logits)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, predicted, zero_division=0
    )
    average = {
        i: float(metrics.average_precision_score(truth[:, i], shares[:, i]))
        for i in range(len(labels))
        if truth[:, i].any()
    }
    confidence = np.maximum(shares, 1 - shares)
    return {
        "rows": len(targets),
        "loss": _rounded(set_losses(logits, targets).mean()),
        **_overall(truth, predicted),
        "mean_average_precision": _rounded(np.mean(list(average.values())) if average else 0.0),
        "majority": _majority(truth, labels),
        "classes": {
            label: {
                "precision": _rounded(precision[i]),
                "recall": _rounded(recall[i]),
                "f1": _rounded(f1[i]),
                "average_precision": _rounded(average[i]) if i in average else None,
                "support": int(support[i]),
            }
            for i, label in enumerate(labels)
        },
        "calibration": {
            "ece": _rounded(calibration_error(confidence.ravel(), (predicted == truth).ravel())),
            "temperature": _rounded(
                fit_temperature(logits, lambda scaled: float(set_losses(scaled, targets).mean()))
            ),
        },
        "thresholds": tune(shares, truth, labels),
    }


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of each label by itself, float64; no exponential of it overflows."""
    import numpy as np

    shares: NDArray[np.float64] = 0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))
    return shares


def set_losses(logits: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """(rows,) binary cross-entropy of each row, the mean over its classes, in nats."""
    import numpy as np

    wide = logits.astype(np.float64)
    losses = np.maximum(wide, 0) - wide * targets + np.log1p(np.exp(-np.abs(wide)))
    mean: NDArray[np.float64] = losses.mean(axis=1)
    return mean


def _overall(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> dict[str, float]:
    from sklearn import metrics

    return {
        "accuracy": _rounded((truth == predicted).all(axis=1).mean()),
        **{
            f"{average}_f1": _rounded(metrics.f1_score(truth, predicted, average=average, zero_division=0))
            for average in ("macro", "micro", "weighted")
        },
    }


def _majority(truth: NDArray[np.bool_], labels: Sequence[str]) -> dict[str, Any]:
    """What always giving the most frequent label alone reaches."""
    import numpy as np

    most = int(truth.sum(axis=0).argmax())
    guess = np.zeros_like(truth)
    guess[:, most] = True
    return {"label": labels[most], **_overall(truth, guess)}


def _rounded(value: Any) -> float:
    return round(float(value), 6)
