"""The baseline of a fine-tuned model: a linear model of the same rows, on frozen vectors or on words.

A fine-tuning that does not beat its baseline has learned little.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.errors import InputError, UsageError
from tokkit.model.network.batches import part_of
from tokkit.model.network.classifier import Classifier, budget_for
from tokkit.model.network.hidden_states import Body, StatesOptions, hidden_states
from tokkit.model.tasks.tags import tag_scores
from tokkit.model.training.linear_model import LinearModel
from tokkit.model.training.setup import TrainingSetup
from tokkit.model.training.tag_baseline import linear_tags, word_majority
from tokkit.progress import Progress, stage
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.views.names import score_name

PROBE, WORDS, TAGGER, NONE = "probe", "bag-of-words", "linear-tagger", "none"
# Training rows of a baseline; of more rows, a sample of so many.
MAX_ROWS = 100_000
# Sentences of about twenty words each.
_MAX_TAGGED_ROWS = 10_000

_INPUTS = {PROBE: "frozen hidden states", WORDS: "TF-IDF"}


def baseline_kind(requested: str, classifier: Classifier, *, from_scratch: bool, texts: bool = True) -> str:
    """The baseline for ``--baseline``; ``auto`` is the probe where there are trained weights, else words.

    texts   whether rows have texts, and not only ids, of which there is no baseline of words

    Of words, tags have the linear tagger. Raises `UsageError` for a requested baseline that is not possible.
    """
    if requested == "auto":
        requested = WORDS if from_scratch or not classifier.task.by_row else PROBE
        if requested == WORDS and not texts:
            return NONE
    if requested == WORDS and not texts:
        raise UsageError(
            f"--baseline {WORDS}: the data set has ids and no texts", hint="without it:\n--baseline none"
        )
    if requested == PROBE and not classifier.task.by_row:
        raise UsageError(
            f"--baseline probe: predicts per row, but {classifier.task.name} needs it per token",
            hint="a baseline of words:\n--baseline bag-of-words",
        )
    if requested == WORDS and not classifier.task.by_row:
        return TAGGER
    if requested == PROBE and from_scratch:
        raise UsageError(
            "--baseline probe: the hidden states of an encoder with new weights are random",
            hint="a baseline of words:\n--baseline bag-of-words",
        )
    return requested


def baseline(
    kind: str, setup: TrainingSetup, threads: int | None, progress: Progress
) -> dict[str, Any] | None:
    """``kind``, ``rows`` it was trained on, and its scores on the validation rows; None for `NONE`.

    `PROBE` reads the mean hidden states of the classifier's body as it is now, `WORDS` reads TF-IDF. Words
    replace a probe of a body without hidden states, which is reported, as are texts without any word.
    `TAGGER` has the scores of the majority tag of each word too, under ``word_majority``.
    """
    if kind == NONE:
        return None
    if kind == TAGGER:
        return _tagger(setup, threads, progress)
    classifier, training, held_out = setup.classifier, setup.training, setup.validation
    rows = _sampled(len(training.encoded), setup.options.seed, MAX_ROWS)
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
                if training.rows.input_ids:
                    progress.say(f"no baseline: {error.message}")
                    return None
                progress.say(f"a probe is not possible, TF-IDF is the baseline instead: {error.message}")
                kind = WORDS
        if kind == WORDS:
            texts = _texts(training.rows)
            try:
                scores = linear.bag_of_words([texts[row] for row in rows], _texts(held_out.rows))
            except InputError as error:
                progress.say(f"no baseline: {error.message}")
                return None
    learner = "logistic regression" if classifier.task.has_classes else "ridge regression"
    chosen = f"C = {scores['C']:g}{', standardized' if scores['standardized'] else ''}"
    figures = {name: value for name, value in scores.items() if isinstance(value, float)}
    _report(f"{_INPUTS[kind]} + {learner}, {chosen}", figures, setup, progress)
    return {"kind": kind, "rows": len(rows), **figures, "standardized": scores["standardized"]}


def _tagger(setup: TrainingSetup, threads: int | None, progress: Progress) -> dict[str, Any]:
    """``kind``, ``rows``, the scores of the linear tagger, and in ``word_majority`` those of the majority."""
    training, held_out, classifier = setup.training.rows, setup.validation.rows, setup.classifier
    rows = _sampled(len(training.tokens), setup.options.seed, _MAX_TAGGED_ROWS).tolist()
    words, true = [training.tokens[row] for row in rows], list(map(classifier.task.names, held_out.labels))
    tags = [classifier.task.names(training.labels[row]) for row in rows]
    with stage(progress, "training the baseline"):
        majority = word_majority(words, tags, held_out.tokens)
        linear = linear_tags(words, tags, held_out.tokens, threads, progress)
    scores = {}
    for title, predicted in (("majority tag per word", majority), ("linear tagger", linear)):
        scores[title] = tag_scores(true, predicted, classifier.labels)
        _report(title, scores[title], setup, progress)
    simple, better = scores.values()
    return {"kind": TAGGER, "rows": len(rows), **better, "word_majority": simple}


def _report(title: str, figures: Mapping[str, float], setup: TrainingSetup, progress: Progress) -> None:
    headline = setup.classifier.task.headline
    named = ", ".join(f"{score_name(name)} {figures[name]:.4f}" for name in headline)
    progress.say(f"baseline ({title}): {named} on the validation rows")


def _texts(rows: Rows) -> list[str]:
    """Text of each row; for pairs both, joined by a space."""
    if not rows.pairs:
        return rows.texts
    return [f"{text} {pair}" for text, pair in zip(rows.texts, rows.pairs, strict=True)]


def _sampled(rows: int, seed: int, limit: int) -> NDArray[np.int64]:
    """At most so many row numbers, ascending; the same seed samples the same."""
    if rows <= limit:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))


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
