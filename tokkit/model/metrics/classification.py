"""Scores of a classifier, by scikit-learn, beside those of always guessing the most frequent class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tokkit.model.metrics.calibration import calibration_error, fit_temperature
from tokkit.model.metrics.thresholds import tune_binary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def evaluate_logits(
    logits: NDArray[np.float32], targets: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Any]:
    """Every score of (rows, classes) logits against (rows,) class ids.

    ``loss`` is the mean cross-entropy in nats; F1 of a class that is neither true nor predicted is 0, and
    macro F1 is the mean over all of the model's classes. ``calibration`` holds the temperature, and of two
    classes ``thresholds`` the threshold, that fit these rows best: for use on others.
    """
    import numpy as np
    from sklearn import metrics

    predicted = logits.argmax(axis=1)
    shares = softmax(logits)
    ids = np.arange(len(labels))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        targets, predicted, labels=ids, zero_division=0
    )
    return {
        "rows": len(targets),
        "loss": _rounded(row_losses(logits, targets).mean()),
        **_overall(targets, predicted, ids),
        "majority": _majority(targets, labels),
        "classes": {
            label: {
                "precision": _rounded(precision[i]),
                "recall": _rounded(recall[i]),
                "f1": _rounded(f1[i]),
                "support": int(support[i]),
            }
            for i, label in enumerate(labels)
        },
        "confusion": {
            "labels": list(labels),
            "matrix": metrics.confusion_matrix(targets, predicted, labels=ids).tolist(),
        },
        "calibration": {
            "ece": _rounded(calibration_error(shares.max(axis=1), predicted == targets)),
            "temperature": _rounded(
                fit_temperature(logits, lambda scaled: float(row_losses(scaled, targets).mean()))
            ),
        },
        **({"thresholds": tune_binary(shares, targets, labels)} if len(labels) == 2 else {}),
    }


def row_losses(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """(rows,) cross-entropy of each row, in nats."""
    import numpy as np

    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalizer = np.log(np.exp(shifted).sum(axis=1))
    losses: NDArray[np.float64] = normalizer - shifted[np.arange(len(targets)), targets]
    return losses


def _overall(targets: Any, predicted: Any, ids: Any) -> dict[str, float]:
    from sklearn import metrics

    return {
        "accuracy": _rounded(metrics.accuracy_score(targets, predicted)),
        "macro_f1": _rounded(
            metrics.f1_score(targets, predicted, labels=ids, average="macro", zero_division=0)
        ),
        "weighted_f1": _rounded(
            metrics.f1_score(targets, predicted, labels=ids, average="weighted", zero_division=0)
        ),
    }


def _majority(targets: NDArray[np.int64], labels: Sequence[str]) -> dict[str, Any]:
    import numpy as np

    most = int(np.bincount(targets, minlength=len(labels)).argmax())
    return {"label": labels[most], **_overall(targets, np.full_like(targets, most), np.arange(len(labels)))}


def _rounded(value: Any) -> float:
    return round(float(value), 6)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(rows, classes) probabilities in float64; the largest logit is taken off first, so none overflows."""
    import numpy as np

    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    shares: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares
