"""Linear models as baselines, on frozen vectors and on words alone.

Logistic regression where a row has one label, one for each label where it may have several, ridge regression
where it has a number.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import RowTargets, Task
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
    targets: NDArray[Any],
    truth: NDArray[Any],
    labels: Sequence[str],
    *,
    task: Task = DEFAULT,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Scores, as `evaluate` gives them, of a linear model on standardized vectors.

    training, held_out   (rows, width) vectors
    targets, truth       the values of the task's targets: of one label (rows,) class ids, and each of
                         ``labels`` stands in ``targets``
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learner = make_pipeline(StandardScaler(), _linear(task, 1.0))
    _fit(learner, training, targets, "probe", threads, progress)
    return task.scores(_answers(task, learner, held_out), RowTargets(truth), labels)


def bag_of_words(
    training: Sequence[str],
    held_out: Sequence[str],
    targets: NDArray[Any],
    truth: NDArray[Any],
    labels: Sequence[str],
    *,
    task: Task = DEFAULT,
    strength: float = BAG_STRENGTH,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Scores, as `evaluate` gives them, of a linear model on TF-IDF of words and word pairs.

    training, held_out   texts; the others as of `probe`
    strength             C of scikit-learn: the larger, the less it is held back

    Every sign that is neither letter nor white space is a word of its own, so that emoji count too. Raises
    `InputError` for texts without any word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")
    learner = make_pipeline(words, _linear(task, strength))
    try:
        _fit(learner, training, targets, "bag of words", threads, progress)
    except ValueError as error:
        raise InputError(f"the texts hold no words to tell classes by: {error}") from error
    return task.scores(_answers(task, learner, held_out), RowTargets(truth), labels)


def _linear(task: Task, strength: float) -> Any:
    """What learns the task's targets from vectors; ``strength`` is C, of ridge regression 1 / alpha."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multiclass import OneVsRestClassifier

    if not task.has_classes:
        return Ridge(alpha=1 / strength)
    logistic = LogisticRegression(C=strength, max_iter=_MOST_STEPS)
    return logistic if task.excluding else OneVsRestClassifier(logistic)


def _answers(task: Task, learner: Any, rows: Any) -> NDArray[Any]:
    """(rows, classes) logits, as a model of the task gives them."""
    if not task.has_classes:
        values: NDArray[Any] = learner.predict(rows)[:, None]
        return values
    return learner.predict_log_proba(rows) if task.excluding else task.logits_of(learner.predict_proba(rows))


def _fit(
    learner: Any,
    rows: Any,
    targets: NDArray[Any],
    name: str,
    threads: int | None,
    progress: Progress,
) -> None:
    """Fits it, and says it where it needs more steps than it is given."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(threads), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        learner.fit(rows, targets)
    if any(issubclass(each.category, ConvergenceWarning) for each in caught):
        progress.say(f"{name}: not converged after {_MOST_STEPS} steps; its scores may be a little low")
