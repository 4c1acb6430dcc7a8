"""What a fine-tuned model is shown beside: what a linear model makes of the same rows.

A fine-tuning that does not beat it has learned little that the words, or the model as it was, did not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import Rows
from tokkit.errors import InputError, UsageError
from tokkit.model.network.batching import RowLimits, part_of
from tokkit.model.network.hidden_states import Body, StatesOptions, hidden_states
from tokkit.model.network.inference import budget_for
from tokkit.model.tasks.task import Task
from tokkit.model.training.linear import bag_of_words, probe
from tokkit.progress import Progress, stage
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.views.reports.evaluation import score_name

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.model.network.classifier import Classifier

PROBE, WORDS, NONE = "probe", "bag-of-words", "none"
MOST_ROWS = 100_000
"""Training rows that it learns from; of more, so many are drawn."""


@dataclass(frozen=True)
class Part:
    """Rows to learn from, or to be scored on.

    texts    of pairs both, a space between them
    targets  the values of the task's targets
    """

    texts: list[str]
    encoded: Encoded
    targets: NDArray[Any]

    @classmethod
    def of(cls, rows: Rows, encoded: Encoded, targets: NDArray[Any]) -> Part:
        pairs = rows.pairs
        texts = (
            [f"{one} {other}" for one, other in zip(rows.texts, pairs, strict=True)] if pairs else rows.texts
        )
        return cls(texts, encoded, targets)

    def drawn(self, most: int, seed: int) -> Part:
        """At most so many of the rows, in their order; the same seed draws the same."""
        import numpy as np

        rows = len(self.targets)
        if rows <= most:
            return self
        places = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
        return Part([self.texts[i] for i in places], part_of(self.encoded, places), self.targets[places])


def chosen_baseline(asked: str, classifier: Classifier, trained_before: bool) -> str:
    """Which one it is to be: ``auto`` is the probe where there are trained weights to probe, else words.

    Raises `UsageError` for one that is asked for and cannot be had; ``auto`` is none then.
    """
    possible = classifier.task.by_row
    if asked == "auto":
        return NONE if not possible else PROBE if trained_before else WORDS
    if asked != NONE and not possible:
        raise UsageError(
            f"--baseline {asked}: gives an answer to each row, and {classifier.task.name} are asked for "
            "by token",
            hint="--baseline none",
        )
    if asked == PROBE and not trained_before:
        raise UsageError(
            "--baseline probe: an encoder that starts from nothing has no states worth a regression",
            hint="--baseline bag-of-words",
        )
    return asked


def baseline(
    kind: str,
    classifier: Classifier,
    training: Part,
    held_out: Part,
    *,
    seed: int,
    device: torch.device,
    tokens_per_batch: int | None,
    threads: int | None,
    progress: Progress,
) -> dict[str, Any] | None:
    """Its ``kind``, the ``rows`` it learned from and its scores on those held out; None for `NONE`.

    `PROBE` reads the mean of the hidden states of the classifier's body as it stands; `WORDS` reads TF-IDF,
    and stands in where a body gives no hidden states, which is said, as are texts without any word.
    """
    if kind == NONE:
        return None
    training = training.drawn(MOST_ROWS, seed)
    task = classifier.task
    shared: dict[str, Any] = {
        "targets": training.targets,
        "truth": held_out.targets,
        "labels": classifier.labels,
        "task": task,
        "threads": threads,
        "progress": progress,
    }
    with stage(progress, "training the baseline"):
        if kind == PROBE:
            try:
                budget = budget_for(device, tokens_per_batch)
                seen, unseen = (
                    _vectors(classifier, part.encoded, device, budget, progress)
                    for part in (training, held_out)
                )
                scores = probe(seen, unseen, **shared)
            except InputError as error:
                progress.say(f"no hidden states to probe, TF-IDF is the baseline instead: {error.message}")
                kind = WORDS
        if kind == WORDS:
            try:
                scores = bag_of_words(training.texts, held_out.texts, **shared)
            except InputError as error:
                progress.say(f"no baseline: {error.message}")
                return None
    figures = {name: value for name, value in scores.items() if isinstance(value, float)}
    reached = ", ".join(f"{score_name(name)} {figures[name]:.4f}" for name in task.shown)
    progress.say(f"baseline ({_description(kind, task)}): {reached} on the validation rows")
    return {"kind": kind, "rows": len(training.targets), **figures}


def _description(kind: str, task: Task) -> str:
    """
    >>> _description("bag-of-words", TASKS["single-label"])
    'TF-IDF + logistic regression'
    """
    inputs = "frozen hidden states" if kind == PROBE else "TF-IDF"
    return f"{inputs} + {'logistic' if task.has_classes else 'ridge'} regression"


def _vectors(
    classifier: Classifier, encoded: Encoded, device: torch.device, budget: int, progress: Progress
) -> NDArray[np.float32]:
    """(rows, width) the mean of each row's hidden states."""
    model: Any = classifier.model
    tokenizer = classifier.tokenizer
    limits = RowLimits.of(model.config, tokenizer, classifier.max_length)
    encoder = model.to(device).eval().base_model
    if model.config.is_encoder_decoder:
        encoder = encoder.get_encoder()
    body = Body("the model", encoder, tokenizer, limits)
    return hidden_states(encoded, body, StatesOptions(device, budget), progress)
