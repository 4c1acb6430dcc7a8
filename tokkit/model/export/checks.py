"""Whether an exported model predicts as the one it was exported from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.errors import InputError
from tokkit.model.exported.exported_model import ExportedModel
from tokkit.model.network.batches import CPU_BUDGET
from tokkit.model.network.classifier import Classifier, choose_device, predict_logits
from tokkit.model.options.inference_options import InferenceOptions
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded

# Of the logits of fp32: rounding in another order gives some 1e-6. Float32 has a relative precision: logits
# above 10, which trained models hardly have, may differ by as much of their size.
TOLERANCE, _RELATIVE = 1e-4, 1e-5


@dataclass(frozen=True)
class Checks:
    """What the rows say of both models.

    max_difference   of their logits, of which the largest is ``largest``
    label_agreement  share of the rows, of tags of the tokens, with the same prediction; None for numbers
    metric           name of the task's score, and its value ``before`` and ``after``; None without labels
    """

    rows: int
    source: str
    max_difference: float
    largest: float
    label_agreement: float | None
    metric: str
    before: float | None
    after: float | None

    def as_dict(self) -> dict[str, Any]:
        score = None if self.before is None else {"before": self.before, "after": self.after}
        named = {"macro_f1": None, self.metric: score}
        return {
            "rows": self.rows,
            "source": self.source,
            "max_difference": self.max_difference,
            "label_agreement": self.label_agreement,
            **named,
        }


def compare(
    classifier: Classifier, exported: ExportedModel, rows: Rows, source: str, progress: Progress
) -> Checks:
    """Both models on the same rows; raises as `predict_logits`."""
    task, labels = classifier.task, classifier.labels
    encoded = classifier.encode(rows, progress=progress)
    before = predict_logits(classifier, encoded, choose_device("cpu"), CPU_BUDGET, progress)
    after = exported.logits(encoded, InferenceOptions(), progress)
    metric, scores = task.metric, [None, None]
    targets = None
    if rows.labels:
        targets = task.targets(rows, labels, source, encoded)
        scores = [task.scores(logits, targets, labels)[metric] for logits in (before, after)]
    agreement = None
    if task.has_classes:
        of_models = [_predicted(classifier, rows, encoded, logits) for logits in (before, after)]
        same = [first == second for first, second in zip(*of_models, strict=True)]
        agreement = round(float(np.mean(same)), 6)
    difference, largest = (float(np.abs(values).max(initial=0)) for values in (before - after, before))
    return Checks(len(rows.texts), source, difference, largest, agreement, metric, *scores)


def _predicted(
    classifier: Classifier, rows: Rows, encoded: Encoded, logits: NDArray[np.float32]
) -> list[str]:
    """The label of each row, of tags the tag of each token."""
    task = classifier.task
    predictions = task.predictions(rows, encoded, logits, classifier.labels, raw=True)
    if task.by_row:
        return [prediction["label"] for prediction in predictions]
    return list(chain.from_iterable(prediction["tags"] for prediction in predictions))


def _allowed(largest: float) -> float:
    """The difference that rounding may make where the largest logit has this size."""
    return max(TOLERANCE, _RELATIVE * largest)


def check_fp32(checks: Checks, model: str) -> None:
    """Raises `InputError` where float32 logits differ by more than rounding."""
    allowed = _allowed(checks.largest)
    if not checks.max_difference <= allowed:
        raise InputError(
            f"{model}: the exported model computes other logits: they differ by up to "
            f"{checks.max_difference:.2g} on {checks.source}, by {allowed:g} at most are allowed",
            hint="nothing was written; this model type or head cannot be exported exactly",
        )


def check_shapes(classifier: Classifier, exported: ExportedModel) -> None:
    """Compare batches of few and many rows, from one token to the maximum length, in float32.

    Raises `InputError` for a graph that computes one shape only.
    """
    longest = classifier.limits.max_length
    lengths: Sequence[Sequence[int]] = ([1], [1, 1], [longest], [2, longest], [3, 1, 5, 2, 4], [0, 3])
    random = np.random.default_rng(0)
    for batch in lengths:
        sizes = np.minimum(batch, longest)
        ids = random.integers(0, classifier.tokenizer.vocab_size, int(sizes.sum()), dtype=np.int32)
        encoded = Encoded(ids, np.concatenate(([0], np.cumsum(sizes))), 0)
        before = predict_logits(classifier, encoded, choose_device("cpu"), len(sizes) * longest)
        after = exported.logits(encoded, InferenceOptions(tokens_per_batch=len(sizes) * longest), SILENT)
        difference, largest = (float(np.abs(values).max(initial=0)) for values in (before - after, before))
        if not difference <= _allowed(largest):
            raise InputError(
                f"{classifier.tokenizer.folder}: the exported model computes other logits for rows of "
                f"{', '.join(map(str, sizes))} tokens: they differ by {difference:.2g}",
                hint="nothing was written; this model type or head cannot be exported exactly",
            )
