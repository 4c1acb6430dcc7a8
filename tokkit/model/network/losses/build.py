"""The loss that a fine-tuning asks for, built for its task and its training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import Dataset
from tokkit.data.rebalancing.weights import BALANCED
from tokkit.errors import UsageError
from tokkit.model.network.losses import FORMS, weights
from tokkit.model.network.losses.binary import BinaryCrossEntropy, BinaryFocal
from tokkit.model.network.losses.by_label import numbers_by_label
from tokkit.model.network.losses.cross_entropy import CrossEntropy
from tokkit.model.network.losses.focal import Focal
from tokkit.model.network.losses.logit_adjusted import LogitAdjusted
from tokkit.model.network.losses.loss import Loss
from tokkit.model.network.losses.squared_error import SquaredError
from tokkit.progress import Progress

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from tokkit.model.options.finetune_options import FinetuneOptions
    from tokkit.model.tasks.task import Task

"""One of ``joy=0.25,anger=0.5``; a label may hold commas and equals signs itself."""


@dataclass(frozen=True)
class _Asked:
    """spec    what was asked for
    values  of the training targets, as `weights.class_counts` takes them
    """

    spec: FinetuneOptions
    values: NDArray[Any]
    labels: Sequence[str]

    @property
    def weights(self) -> torch.Tensor | None:
        return _tensor(weights.class_weights(self.spec.class_weights, self.values, self.labels))

    @property
    def alpha(self) -> torch.Tensor | None:
        """What the focal loss weighs classes with: ``--alpha``, or ``--class-weights``; not both."""
        if self.spec.alpha is None:
            return self.weights
        if self.spec.class_weights != weights.NONE:
            raise UsageError(
                "--alpha and --class-weights are the same thing to the focal loss",
                hint="leave one of them out",
            )
        if self.spec.alpha == BALANCED:
            return _tensor(weights.class_weights(BALANCED, self.values, self.labels))
        return _tensor(numbers_by_label("--alpha", self.spec.alpha, self.labels, [BALANCED]))

    @property
    def binary_alpha(self) -> torch.Tensor | None:
        """From 0 to 1 for each label; the weight w of having a label against lacking it is w / (1 + w)."""
        alpha = self.alpha
        if alpha is None:
            return None
        if self.spec.alpha in (None, BALANCED):
            return alpha / (1 + alpha)
        if float(alpha.max()) > 1:
            raise UsageError(
                f"--alpha {self.spec.alpha}: of several labels a row each is from 0 to 1, the weight of rows "
                "that have the label, beside 1 - alpha of those that lack it"
            )
        return alpha


def _regression(asked: _Asked) -> Loss:
    for name, given in (
        ("class-weights", asked.spec.class_weights != weights.NONE),
        ("label-smoothing", asked.spec.label_smoothing),
    ):
        if given:
            raise UsageError(f"--{name}: numbers have no classes", hint="leave it out")
    return SquaredError(asked.spec.reduction)


def _cross_entropy(asked: _Asked) -> Loss:
    return CrossEntropy(asked.weights, asked.spec.label_smoothing, asked.spec.reduction)


def _binary_cross_entropy(asked: _Asked) -> Loss:
    return BinaryCrossEntropy(asked.weights, asked.spec.label_smoothing, asked.spec.reduction)


def _logit_adjusted(asked: _Asked) -> Loss:
    counts = _tensor(weights.class_counts(asked.values, len(asked.labels)).tolist())
    assert counts is not None
    return LogitAdjusted(counts, asked.weights, asked.spec.label_smoothing, asked.spec.reduction)


_BUILDERS: Mapping[str, Callable[[_Asked], Loss]] = {
    CrossEntropy.name: _cross_entropy,
    Focal.name: lambda asked: Focal(asked.spec.gamma, asked.alpha, asked.spec.reduction),
    LogitAdjusted.name: _logit_adjusted,
    BinaryCrossEntropy.name: _binary_cross_entropy,
    BinaryFocal.name: lambda asked: BinaryFocal(asked.spec.gamma, asked.binary_alpha, asked.spec.reduction),
    SquaredError.name: _regression,
}
"""What makes each of `LOSSES`."""


def build(spec: FinetuneOptions, task: Task, targets: Any, labels: Sequence[str]) -> Loss:
    """The loss, with the weights and class frequencies it needs, taken from the training targets.

    targets  the task's `Targets` of the training rows; ``targets.values`` holds them all

    Raises `UsageError` for a loss that is none for this task, and for an ``alpha`` that lacks a label or
    names one there is not; `InputError` for a file of weights that does not fit.
    """
    forms = FORMS[task.loss]
    if spec.loss not in forms:
        raise UsageError(
            f"--loss {spec.loss}: {task.name} has no such loss",
            hint="; ".join(f"--loss {name}" for name in forms),
        )
    return _BUILDERS[forms[spec.loss]](_Asked(spec, targets.values, labels))


def say_what_counts(
    spec: FinetuneOptions, targets: Any, labels: Sequence[str], dataset: Dataset, progress: Progress
) -> None:
    """Warns of options that the loss does not use, of weights left unused, and of those that double up."""
    focal, adjusted = spec.loss == Focal.name, spec.loss == LogitAdjusted.name
    if spec.alpha is not None and not focal:
        progress.say(f"--alpha {spec.alpha}: only --loss focal uses it")
    if spec.label_smoothing and focal:
        progress.say(f"--label-smoothing {spec.label_smoothing:g}: the focal loss does not use it")
    weights.say_unused_weights(spec.class_weights, dataset, progress)
    asked = _Asked(spec, targets.values, labels)
    weighed: dict[str, list[float]] = {}
    if adjusted:
        weighed["--loss logit-adjusted"] = weights.class_counts(targets.values, len(labels)).tolist()
    if spec.class_weights != weights.NONE:
        weighed[f"--class-weights {spec.class_weights}"] = _listed(asked.weights)
    if focal and spec.alpha is not None:
        weighed[f"--alpha {spec.alpha}"] = _listed(asked.alpha)
    weights.say_doubled_weights(weighed, spec.sampler, dataset, progress)


def _tensor(values: Sequence[float] | None) -> torch.Tensor | None:
    import torch

    return None if values is None else torch.tensor(values, dtype=torch.float32)


def _listed(values: torch.Tensor | None) -> list[float]:
    return [] if values is None else [float(each) for each in values]
