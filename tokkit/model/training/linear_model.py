"""Linear models of rows, on vectors or on words, with regularization chosen by cross-validation.

Logistic regression where a row has one label, one per label where it may have several, ridge regression where
it has a number.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from tokkit.errors import InputError
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import RowTargets, Task
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled

_MAX_ITERATIONS = 2000
# C of scikit-learn by whether columns are standardized, the strongest regularization first.
_PROBE = {True: (0.01, 0.1, 1.0), False: (1.0, 10.0, 100.0)}
_WORDS = {False: (1.0, 10.0, 100.0)}
# Rows that C is chosen on; of more, a sample of so many.
_CHOICE_ROWS = 2000
# Rows from which on 3 folds are enough.
_MANY_ROWS = 1000
# Numbers in the training vectors up to which one thread of BLAS is faster than several.
_SMALL = 1 << 20


@dataclass(frozen=True)
class LinearModel:
    """Trains a linear model on some rows and scores it on others, as `evaluate` does.

    targets, truth   values of the task's targets, of the training rows and of the held-out rows; each of
                     ``labels`` occurs in ``targets``

    Scores have, besides those of the task, ``C``, of ridge regression 1 / alpha, and ``standardized``.
    """

    targets: NDArray[Any]
    truth: NDArray[Any]
    labels: Sequence[str]
    task: Task = DEFAULT
    threads: int | None = None
    progress: Progress = SILENT

    def probe(self, training: NDArray[Any], held_out: NDArray[Any]) -> dict[str, Any]:
        """Scores on vectors, (rows, width) each."""
        return self._scores(training, held_out, _PROBE, "probe")

    def bag_of_words(self, training: Sequence[str], held_out: Sequence[str]) -> dict[str, Any]:
        """Scores on TF-IDF of words and word pairs.

        Every character that is neither letter nor white space is a word of its own, so that emoji count.
        Raises `InputError` for texts without any word.
        """
        # Here alone, so that runs without a baseline do not load scikit-learn.
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")
        try:
            vectors = words.fit_transform(training)
        except ValueError as error:
            raise InputError(f"the texts have no words to distinguish classes by: {error}") from error
        return self._scores(vectors, words.transform(held_out), _WORDS, "bag of words")

    def out_of_fold(self, vectors: NDArray[Any], folds: NDArray[np.int64]) -> NDArray[np.float64]:
        """(rows, classes) probabilities of the training rows, each by a model of the rows of other folds.

        vectors   (rows, width)
        folds     (rows,) the fold of each row, from 0

        A class that a model did not see has the probability 0.
        """
        candidates = [(scaled, strength) for scaled, strengths in _PROBE.items() for strength in strengths]
        shares = np.zeros((len(vectors), len(self.labels)))
        threads = 1 if vectors.size <= _SMALL else self.threads
        with quiet_learner("probe", threads, self.progress):
            learners = [self._learner(*candidate) for candidate in candidates]
            learner = learners[best_learner(learners, vectors, self.targets, by_class=True)]
            with stage(self.progress, "training on the vectors", int(folds.max()) + 1, "folds"):
                for fold in range(int(folds.max()) + 1):
                    stop_if_cancelled(self.progress)
                    held_out = folds == fold
                    learner.fit(vectors[~held_out], self.targets[~held_out])
                    known = learner.classes_ if self.task.exclusive else np.arange(len(self.labels))
                    shares[np.ix_(held_out, known)] = learner.predict_proba(vectors[held_out])
                    self.progress.advance(1)
        return shares

    def _scores(
        self, training: Any, held_out: Any, grid: Mapping[bool, Sequence[float]], name: str
    ) -> dict[str, Any]:
        """Scores of the model with the best C, fitted on all training rows."""
        candidates = [(scaled, strength) for scaled, strengths in grid.items() for strength in strengths]
        threads = 1 if training.size <= _SMALL else self.threads
        with quiet_learner(name, threads, self.progress):
            learners = [self._learner(*candidate) for candidate in candidates]
            chosen = best_learner(learners, training, self.targets, by_class=self.task.has_classes)
            learner = learners[chosen].fit(training, self.targets)
            if not self.task.has_classes:
                logits = learner.predict(held_out)[:, None]
            else:  # a probability of 0 would make the loss infinite, which JSON has no number for
                logits = self.task.logits_from(learner.predict_proba(held_out))
        scaled, strength = candidates[chosen]
        scores = self.task.scores(logits, RowTargets(self.truth), self.labels)
        return {**scores, "C": strength, "standardized": scaled}

    def _learner(self, standardized: bool, strength: float) -> Any:
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model: Any = Ridge(alpha=1 / strength)
        if self.task.has_classes:
            logistic = LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS)
            model = logistic if self.task.exclusive else OneVsRestClassifier(logistic)
        return make_pipeline(StandardScaler(), model) if standardized else make_pipeline(model)


def best_learner(learners: Sequence[Any], rows: Any, targets: NDArray[Any], *, by_class: bool) -> int:
    """Which of the learners of scikit-learn is best in cross-validation; the first of equals.

    rows      (rows, width) vectors, sparse or not
    by_class  whether accuracy plus macro F1 decides, else R²

    Too few rows for folds give the middle one.
    """
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

    sample = np.random.default_rng(0).permutation(len(targets))[:_CHOICE_ROWS]
    rows, targets = rows[np.sort(sample)], targets[np.sort(sample)]
    if sparse.issparse(rows):
        # Words of other rows have no weight to fit.
        rows = rows[:, np.unique(rows.indices)]
    folds = 3 if len(targets) >= _MANY_ROWS else 5
    stratified = by_class and targets.ndim == 1
    if (np.unique(targets, return_counts=True)[1].max() if stratified else len(targets)) < folds:
        return len(learners) // 2
    splitter = (StratifiedKFold if stratified else KFold)(folds, shuffle=True, random_state=0)
    scoring = _accuracy_and_f1 if by_class else None
    # A class of one row leaves a fold without it: a fit that fails counts 0 for every learner.
    settings = {"cv": splitter, "scoring": scoring, "error_score": 0.0}
    scores = [cross_val_score(learner, rows, targets, **settings).mean() for learner in learners]
    return int(np.argmax(scores))


def _accuracy_and_f1(learner: Any, rows: Any, truth: NDArray[Any]) -> float:
    from sklearn.metrics import accuracy_score, f1_score

    predicted = learner.predict(rows)
    return float(accuracy_score(truth, predicted) + f1_score(truth, predicted, average="macro"))


@contextmanager
def quiet_learner(name: str, threads: int | None, progress: Progress) -> Iterator[None]:
    """Without the warnings of scikit-learn; that a fit did not converge is reported."""
    # BLAS starts a thread per core by itself, which --threads is to limit.
    with threadpool_limits(threads), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    if any(warning.category.__name__ == "ConvergenceWarning" for warning in caught):
        progress.say(
            f"{name}: not converged after {_MAX_ITERATIONS} iterations; its scores may be a little low"
        )
