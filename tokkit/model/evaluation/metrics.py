"""Scores of a classifier, by scikit-learn, beside those of always guessing the most frequent class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tokkit.model.inference import softmax

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BINS = 15


def evaluate_logits(
    logits: NDArray[np.float32], targets: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Any]:
    """Every score of (rows, classes) logits against (rows,) class ids.

    ``loss`` is the mean cross-entropy in nats; F1 of a class that is neither true nor predicted is 0, and
    macro F1 is the mean over all of the model's classes.
    """
    import numpy as np
    from sklearn import metrics

    predicted = logits.argmax(axis=1)
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
            "ece": _rounded(calibration_error(logits, targets)),
            "temperature": _rounded(fit_temperature(logits, targets)),
        },
    }


def row_losses(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """(rows,) cross-entropy of each row, in nats."""
    import numpy as np

    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    normalizer = np.log(np.exp(shifted).sum(axis=1))
    losses: NDArray[np.float64] = normalizer - shifted[np.arange(len(targets)), targets]
    return losses


def calibration_error(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """Expected calibration error over 15 bins of equal width (Guo et al. 2017), from 0 to 1."""
    import numpy as np

    shares = softmax(logits)
    confidence = shares.max(axis=1)
    right = shares.argmax(axis=1) == targets
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [
        (bins == b).mean() * abs(right[bins == b].mean() - confidence[bins == b].mean())
        for b in range(_BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps))


def fit_temperature(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The temperature that, dividing the logits, minimizes the loss on these rows (Guo et al. 2017)."""
    import numpy as np
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log_t: float(row_losses(logits / np.float32(np.exp(log_t)), targets).mean()),
        bounds=(-3.0, 3.0),
        method="bounded",
    )
    return float(np.exp(found.x))


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
