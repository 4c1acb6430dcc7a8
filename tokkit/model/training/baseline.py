"""The baseline of a fine-tuned model: a linear model of the same rows, on frozen vectors or on words.

Logistic regression where a row has one label, one per label where it may have several, ridge regression where
it has a number. A fine-tuning that does not beat its baseline has learned little.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tokkit.data.dataset import Rows
from tokkit.errors import InputError, UsageError
from tokkit.model.network.classifier import Classifier, budget_for, part_of
from tokkit.model.network.hidden_states import Body, StatesOptions, hidden_states
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import RowTargets, Task
from tokkit.model.training.setup import TrainingSetup
from tokkit.progress import SILENT, Progress, stage
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.views.reports.evaluation import score_name

PROBE, WORDS, NONE = "probe", "bag-of-words", "none"
# Training rows of a baseline; of more rows, a sample of so many.
MAX_ROWS = 100_000

_MAX_ITERATIONS = 2000
# C of the regression on words: TF-IDF values are small, and scikit-learn's 1 regularizes too much.
BAG_STRENGTH = 10.0
_INPUTS = {PROBE: "frozen hidden states", WORDS: "TF-IDF"}


def baseline_kind(requested: str, classifier: Classifier, *, from_scratch: bool) -> str:
    """The baseline for ``--baseline``; ``auto`` is the probe where there are trained weights, else words.

    Raises `UsageError` for a requested baseline that is not possible; ``auto`` is none then.
    """
    by_row = classifier.task.by_row
    if requested == "auto":
        return NONE if not by_row else WORDS if from_scratch else PROBE
    if requested != NONE and not by_row:
        raise UsageError(
            f"--baseline {requested}: predicts per row, but {classifier.task.name} needs it per token",
            hint="--baseline none",
        )
    if requested == PROBE and from_scratch:
        raise UsageError(
            "--baseline probe: the hidden states of an encoder with new weights are random",
            hint="--baseline bag-of-words",
        )
    return requested


def baseline(
    kind: str, setup: TrainingSetup, threads: int | None, progress: Progress
) -> dict[str, Any] | None:
    """``kind``, ``rows`` it was trained on, and its scores on the validation rows; None for `NONE`.

    `PROBE` reads the mean hidden states of the classifier's body as it is now, `WORDS` reads TF-IDF. Words
    replace a probe of a body without hidden states, which is reported, as are texts without any word.
    """
    if kind == NONE:
        return None
    classifier, training, held_out = setup.classifier, setup.training, setup.validation
    rows = _sampled(len(training.encoded), setup.options.seed)
    scores: dict[str, Any] = {}
    linear = LinearModel(
        targets=training.targets.values[rows],
        truth=held_out.targets.values,
        labels=classifier.labels,
        task=classifier.task,
        threads=threads,
        progress=progress,
    )
    with stage(progress, "training the baseline"):
        if kind == PROBE:
            try:
                vectors = _mean_states(setup, part_of(training.encoded, rows), progress)
                scores = linear.probe(vectors, _mean_states(setup, held_out.encoded, progress))
            except InputError as error:
                progress.say(f"a probe is not possible, TF-IDF is the baseline instead: {error.message}")
                kind = WORDS
        if kind == WORDS:
            texts = _texts(training.rows)
            try:
                scores = linear.bag_of_words([texts[row] for row in rows], _texts(held_out.rows))
            except InputError as error:
                progress.say(f"no baseline: {error.message}")
                return None
    figures = {name: value for name, value in scores.items() if isinstance(value, float)}
    headline = ", ".join(f"{score_name(name)} {figures[name]:.4f}" for name in classifier.task.headline)
    learner = "logistic regression" if classifier.task.has_classes else "ridge regression"
    progress.say(f"baseline ({_INPUTS[kind]} + {learner}): {headline} on the validation rows")
    return {"kind": kind, "rows": len(rows), **figures}


def _texts(rows: Rows) -> list[str]:
    """Text of each row; for pairs both, joined by a space."""
    if not rows.pairs:
        return rows.texts
    return [f"{text} {pair}" for text, pair in zip(rows.texts, rows.pairs, strict=True)]


def _sampled(rows: int, seed: int) -> NDArray[np.int64]:
    """At most `MAX_ROWS` row numbers, ascending; the same seed samples the same."""
    if rows <= MAX_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, MAX_ROWS, replace=False))


def _mean_states(setup: TrainingSetup, encoded: Encoded, progress: Progress) -> NDArray[np.float32]:
    """(rows, width) mean of the hidden states of each row."""
    classifier, device = setup.classifier, setup.device
    model: Any = classifier.model
    encoder = model.to(device).eval().base_model
    if model.config.is_encoder_decoder:
        encoder = encoder.get_encoder()
    body = Body("the model", encoder, classifier.tokenizer, classifier.limits)
    budget = budget_for(device, setup.options.tokens_per_batch)
    return hidden_states(encoded, body, StatesOptions(device, budget), progress)


@dataclass(frozen=True)
class LinearModel:
    """Trains a linear model on some rows and scores it on others, as `evaluate` does.

    targets, truth   values of the task's targets, of the training rows and of the held-out rows; each of
                     ``labels`` occurs in ``targets``
    """

    targets: NDArray[Any]
    truth: NDArray[Any]
    labels: Sequence[str]
    task: Task = DEFAULT
    threads: int | None = None
    progress: Progress = SILENT

    def probe(self, training: NDArray[Any], held_out: NDArray[Any]) -> dict[str, Any]:
        """Scores on standardized vectors, (rows, width) each."""
        learner = self._learner(strength=1.0)
        self._fit(learner, training, "probe")
        return self._scores(learner, held_out)

    def bag_of_words(
        self, training: Sequence[str], held_out: Sequence[str], strength: float = BAG_STRENGTH
    ) -> dict[str, Any]:
        """Scores on TF-IDF of words and word pairs.

        strength  C of scikit-learn: the larger, the less regularized

        Every character that is neither letter nor white space is a word of its own, so that emoji count.
        Raises `InputError` for texts without any word.
        """
        learner = self._learner(strength, on_words=True)
        try:
            self._fit(learner, training, "bag of words")
        except ValueError as error:
            raise InputError(f"the texts have no words to distinguish classes by: {error}") from error
        return self._scores(learner, held_out)

    def _learner(self, strength: float, *, on_words: bool = False) -> Any:
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
        if not self.task.has_classes:
            return make_pipeline(inputs, Ridge(alpha=1 / strength))
        logistic = LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS)
        return make_pipeline(inputs, logistic if self.task.exclusive else OneVsRestClassifier(logistic))

    def _fit(self, learner: Any, rows: Any, name: str) -> None:
        """Fit it, with a message where it does not converge."""
        # BLAS starts a thread per core by itself, which --threads is to limit.
        with threadpool_limits(self.threads), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            learner.fit(rows, self.targets)
        if any(warning.category.__name__ == "ConvergenceWarning" for warning in caught):
            self.progress.say(
                f"{name}: not converged after {_MAX_ITERATIONS} iterations; its scores may be a little low"
            )

    def _scores(self, learner: Any, rows: Any) -> dict[str, Any]:
        if not self.task.has_classes:
            logits = learner.predict(rows)[:, None]
        elif self.task.exclusive:
            logits = learner.predict_log_proba(rows)
        else:
            logits = self.task.logits_from(learner.predict_proba(rows))
        return self.task.scores(logits, RowTargets(self.truth), self.labels)
