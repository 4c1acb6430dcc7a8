"""The baseline of a fine-tuned model: a linear model of the same rows, on frozen vectors or on words.

A fine-tuning that does not beat its baseline has learned little.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.errors import InputError, UsageError
from tokkit.model.network.batching import RowLimits, part_of
from tokkit.model.network.classifier import Classifier
from tokkit.model.network.hidden_states import Body, StatesOptions, hidden_states
from tokkit.model.network.inference import budget_for
from tokkit.model.training.encoded_rows import EncodedRows
from tokkit.model.training.linear import bag_of_words, probe
from tokkit.progress import Progress, stage
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.views.reports.evaluation import score_name

PROBE, WORDS, NONE = "probe", "bag-of-words", "none"
MAX_ROWS = 100_000
"""Training rows of a baseline; of more rows, a sample of so many."""

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
