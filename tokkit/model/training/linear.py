"""Linear models as baselines, on frozen vectors and on words alone.

Logistic regression where a row has one label, one regression per label where it may have several, ridge
regression where it has a number.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tokkit.errors import InputError
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import RowTargets, Task
from tokkit.progress import SILENT, Progress

_MOST_STEPS = 2000
BAG_STRENGTH = 10.0
"""C of the regression on words: TF-IDF values are small, and scikit-learn's 1 regularizes too much."""


def probe(
    training: NDArray[Any],
    held_out: NDArray[Any],
    *,
    targets: NDArray[Any],
    truth: NDArray[Any],
    labels: Sequence[str],
    task: Task = DEFAULT,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Scores, as `evaluate` gives them, of a linear model on standardized vectors.

    training, held_out   (rows, width) vectors
    targets, truth       the values of the task's targets; each of ``labels`` occurs in ``targets``
    """
    learner = _learner(task, strength=1.0)
    _fit(learner, training, targets, "probe", threads, progress)
    return task.scores(_logits(task, learner, held_out), RowTargets(truth), labels)


def bag_of_words(
    training: Sequence[str],
    held_out: Sequence[str],
    *,
    targets: NDArray[Any],
    truth: NDArray[Any],
    labels: Sequence[str],
    task: Task = DEFAULT,
    strength: float = BAG_STRENGTH,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Scores, as `evaluate` gives them, of a linear model on TF-IDF of words and word pairs.

    training, held_out   texts; the others as of `probe`
    strength             C of scikit-learn: the larger, the less regularized

    Every character that is neither letter nor white space is a word of its own, so that emoji count. Raises
    `InputError` for texts without any word.
    """
    learner = _learner(task, strength, on_words=True)
    try:
        _fit(learner, training, targets, "bag of words", threads, progress)
    except ValueError as error:
        raise InputError(f"the texts have no words to distinguish classes by: {error}") from error
    return task.scores(_logits(task, learner, held_out), RowTargets(truth), labels)


def _learner(task: Task, strength: float, *, on_words: bool = False) -> Any:
    """A pipeline of scikit-learn; ``strength`` is C, for ridge regression 1 / alpha."""
    # Here alone, so that runs without a baseline do not load scikit-learn.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs: Any = StandardScaler()
    if on_words:
        inputs = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")
    if not task.has_classes:
        return make_pipeline(inputs, Ridge(alpha=1 / strength))
    logistic = LogisticRegression(C=strength, max_iter=_MOST_STEPS)
    return make_pipeline(inputs, logistic if task.exclusive else OneVsRestClassifier(logistic))


def _fit(
    learner: Any, rows: Any, targets: NDArray[Any], name: str, threads: int | None, progress: Progress
) -> None:
    """Fit it, with a message where it does not converge."""
    # BLAS starts a thread per core by itself, which --threads is to limit.
    with threadpool_limits(threads), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learner.fit(rows, targets)
    if any(warning.category.__name__ == "ConvergenceWarning" for warning in caught):
        progress.say(f"{name}: not converged after {_MOST_STEPS} steps; its scores may be a little low")


def _logits(task: Task, learner: Any, rows: Any) -> NDArray[Any]:
    """(rows, classes) logits, as a model of the task gives them."""
    if not task.has_classes:
        values: NDArray[Any] = learner.predict(rows)[:, None]
        return values
    return (
        learner.predict_log_proba(rows) if task.exclusive else task.logits_from(learner.predict_proba(rows))
    )
