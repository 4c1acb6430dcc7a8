"""Logistic regressions as baselines: on frozen vectors, and on words alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.evaluation.metrics import evaluate_logits
from tokkit.progress import SILENT, Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_STEPS = 2000
BAG_STRENGTH = 10.0
"""C of the words' regression: TF-IDF values are small, and with scikit-learn's 1 it is held back too much."""


def probe(
    training: NDArray[np.float32],
    held_out: NDArray[np.float32],
    targets: NDArray[np.int64],
    truth: NDArray[np.int64],
    labels: Sequence[str],
    *,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Scores, as `evaluate` gives them, of a logistic regression on standardized vectors.

    training, held_out   (rows, width) vectors
    targets, truth       (rows,) class ids; each of ``labels`` stands in ``targets``
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_MOST_STEPS))
    _fit(regression, training, targets, "probe", threads, progress)
    return evaluate_logits(regression.predict_log_proba(held_out), truth, labels)


def bag_of_words(
    training: Sequence[str],
    held_out: Sequence[str],
    targets: NDArray[np.int64],
    truth: NDArray[np.int64],
    labels: Sequence[str],
    *,
    strength: float = BAG_STRENGTH,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Scores, as `evaluate` gives them, of a logistic regression on TF-IDF of words and word pairs.

    training, held_out   texts; the others as of `probe`
    strength             C of scikit-learn: the larger, the less it is held back

    Every sign that is neither letter nor white space is a word of its own, so that emoji count too. Raises
    `InputError` for texts without any word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")
    regression = make_pipeline(words, LogisticRegression(C=strength, max_iter=_MOST_STEPS))
    try:
        _fit(regression, training, targets, "bag of words", threads, progress)
    except ValueError as error:
        raise InputError(f"the texts hold no words to tell classes by: {error}") from error
    return evaluate_logits(regression.predict_log_proba(held_out), truth, labels)


def _fit(
    regression: Any,
    rows: Any,
    targets: NDArray[np.int64],
    name: str,
    threads: int | None,
    progress: Progress,
) -> None:
    """Fits it, and says it where it needs more steps than it is given."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        regression.fit(rows, targets)
    if any(issubclass(each.category, ConvergenceWarning) for each in caught):
        progress.say(f"{name}: not converged after {_MOST_STEPS} steps; its scores may be a little low")
