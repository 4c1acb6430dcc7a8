"""The baseline of a fine-tuned model: a linear model of the same rows, on frozen vectors or on words.

Logistic regression where a row has one label, one per label where it may have several, ridge regression where
it has a number. A fine-tuning that does not beat its baseline has learned little.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tokkit.errors import InputError, UsageError
from tokkit.model.network.classifier import Classifier, RowLimits, budget_for, part_of
from tokkit.model.network.hidden_states import Body, StatesOptions, hidden_states
from tokkit.model.tasks import DEFAULT
from tokkit.model.tasks.task import RowTargets, Task
from tokkit.model.training.encoded_rows import EncodedRows
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
    kind: str,
    classifier: Classifier,
    training: EncodedRows,
    held_out: EncodedRows,
    *,
    seed: int,
    device: torch.device,
    tokens_per_batch: int | None,
    threads: int | None,
    progress: Progress,
) -> dict[str, Any] | None:
    """``kind``, ``rows`` it was trained on, and its scores on the held-out rows; None for `NONE`.

    `PROBE` reads the mean hidden states of the classifier's body as it is now, `WORDS` reads TF-IDF. Words
    replace a probe of a body without hidden states, which is reported, as are texts without any word.
    """
    if kind == NONE:
        return None
    rows = _sampled(len(training.encoded), seed)
    scores: dict[str, Any] = {}
    shared: dict[str, Any] = {
        "targets": training.targets.values[rows],
        "truth": held_out.targets.values,
        "labels": classifier.labels,
        "task": classifier.task,
        "threads": threads,
        "progress": progress,
    }
    with stage(progress, "training the baseline"):
        if kind == PROBE:
            try:
                budget = budget_for(device, tokens_per_batch)
                train_vectors, test_vectors = (
                    _mean_states(classifier, encoded, device, budget, progress)
                    for encoded in (part_of(training.encoded, rows), held_out.encoded)
                )
                scores = probe(train_vectors, test_vectors, **shared)
            except InputError as error:
                progress.say(f"a probe is not possible, TF-IDF is the baseline instead: {error.message}")
                kind = WORDS
        if kind == WORDS:
            texts = training.texts
            try:
                scores = bag_of_words([texts[row] for row in rows], held_out.texts, **shared)
            except InputError as error:
                progress.say(f"no baseline: {error.message}")
                return None
    figures = {name: value for name, value in scores.items() if isinstance(value, float)}
    headline = ", ".join(f"{score_name(name)} {figures[name]:.4f}" for name in classifier.task.headline)
    learner = "logistic regression" if classifier.task.has_classes else "ridge regression"
    progress.say(f"baseline ({_INPUTS[kind]} + {learner}): {headline} on the validation rows")
    return {"kind": kind, "rows": len(rows), **figures}


def _sampled(rows: int, seed: int) -> NDArray[np.int64]:
    """At most `MAX_ROWS` row numbers, ascending; the same seed samples the same."""
    if rows <= MAX_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, MAX_ROWS, replace=False))


def _mean_states(
    classifier: Classifier, encoded: Encoded, device: torch.device, budget: int, progress: Progress
) -> NDArray[np.float32]:
    """(rows, width) mean of the hidden states of each row."""
    model: Any = classifier.model
    tokenizer = classifier.tokenizer
    limits = RowLimits.of(model.config, tokenizer, classifier.max_length)
    encoder = model.to(device).eval().base_model
    if model.config.is_encoder_decoder:
        encoder = encoder.get_encoder()
    body = Body("the model", encoder, tokenizer, limits)
    return hidden_states(encoded, body, StatesOptions(device, budget), progress)


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
    logistic = LogisticRegression(C=strength, max_iter=_MAX_ITERATIONS)
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
        progress.say(
            f"{name}: not converged after {_MAX_ITERATIONS} iterations; its scores may be a little low"
        )


def _logits(task: Task, learner: Any, rows: Any) -> NDArray[Any]:
    """(rows, classes) logits, as a model of the task gives them."""
    if not task.has_classes:
        values: NDArray[Any] = learner.predict(rows)[:, None]
        return values
    return (
        learner.predict_log_proba(rows) if task.exclusive else task.logits_from(learner.predict_proba(rows))
    )
