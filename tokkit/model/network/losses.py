"""Losses, and the one that the options, the task and the training rows call for.

A loss comes in two halves, so that a step may be computed in pieces: a sum over items, and its denominator.
The loss of a step is ``sum over all its pieces / denominator of the whole step``; cutting the step changes
rounding only. An item is a row, or a token where every token has a label.

A new loss is a subclass of `Loss`, an entry of `LOSSES` and its name among the choices of
`FinetuneOptions.loss`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tokkit.data.dataset import Dataset
from tokkit.data.rebalancing.weights import BALANCED
from tokkit.errors import UsageError
from tokkit.model.network import class_weights
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks.task import UNLABELED, Task
from tokkit.progress import Progress

# The loss of a step, from the losses of its items.
#
# mean  their mean; with class weights the weighted mean, as in torch
# sum   their sum, which grows with the batch
# none  weighted items are not divided by their weights: the plain mean of the step
REDUCTIONS = ("mean", "sum", "none")

# Scale of the shift of logit adjustment; 1 aims at the balanced error (Menon et al. 2021, theorem 1).
TAU = 1.0

# Keeps the gradient of ``(1 - p)^gamma`` finite where p is 1 and gamma below 1.
_LEAST = 1e-12


@dataclass(frozen=True)
class LossInputs:
    """What losses are built from.

    values  all targets of the training rows, as `class_weights.class_counts` takes them
    """

    options: FinetuneOptions
    values: NDArray[Any]
    labels: Sequence[str]

    @cached_property
    def weights(self) -> Tensor | None:
        """(classes,) ``--class-weights``."""
        return _tensor(class_weights.class_weights(self.options.class_weights, self.values, self.labels))

    @cached_property
    def counts(self) -> Tensor:
        """(classes,) training items of each class."""
        counts = class_weights.class_counts(self.values, len(self.labels))
        return torch.tensor(counts.tolist(), dtype=torch.float32)

    @cached_property
    def alpha(self) -> Tensor | None:
        """(classes,) class weights of the focal loss: ``--alpha`` or ``--class-weights``, not both."""
        alpha = self.options.alpha
        if alpha is None:
            return self.weights
        if self.options.class_weights != class_weights.NONE:
            raise UsageError(
                "--alpha and --class-weights are the same thing to the focal loss",
                hint="leave one of them out",
            )
        if alpha == BALANCED:
            return _tensor(class_weights.class_weights(BALANCED, self.values, self.labels))
        return _tensor(class_weights.numbers_by_label("--alpha", alpha, self.labels, [BALANCED]))

    @cached_property
    def binary_alpha(self) -> Tensor | None:
        """(labels,) from 0 to 1; the weight w of having a label against lacking it is w / (1 + w)."""
        alpha = self.alpha
        if alpha is None:
            return None
        # Weights above 1 cannot be an alpha; w : 1 is the same ratio as w / (1 + w) : 1 / (1 + w).
        if self.options.alpha in (None, BALANCED):
            return alpha / (1 + alpha)
        if float(alpha.max()) > 1:
            raise UsageError(
                f"--alpha {self.options.alpha}: with several labels per row, each number is from 0 to 1: the "
                "weight of rows with the label; rows without it weigh 1 - alpha"
            )
        return alpha


@dataclass
class Loss(ABC):
    """One loss; `LOSSES` has them by task and name.

    reduction  one of `REDUCTIONS`
    """

    reduction: str = field(default="mean", kw_only=True)

    @classmethod
    @abstractmethod
    def build(cls, inputs: LossInputs) -> Loss:
        """Build from options and training targets; raises `UsageError` for options that do not apply."""

    @abstractmethod
    def items(self, logits: Tensor, targets: Tensor) -> Tensor:
        """(items,) float32 loss of each item in nats, 0 for ignored ones."""

    def count(self, targets: Tensor) -> int:
        """Number of items that are not ignored: of class ids those with one, else all rows."""
        return len(targets) if targets.is_floating_point() else int((targets != UNLABELED).sum())

    def weight(self, targets: Tensor) -> float:
        """Divisor of ``mean``: the number of items, or the sum of their class weights."""
        return float(self.count(targets))

    def summed(self, logits: Tensor, targets: Tensor) -> Tensor:
        """0-dimensional float32 loss of a piece, summed over its items, in nats."""
        return self.items(logits, targets).sum()

    def denominator(self, targets: Tensor) -> float:
        """Divisor of the sum over all targets of a step; 1 where all are ignored."""
        if self.reduction == "sum":
            return 1.0
        return (self.weight(targets) if self.reduction == "mean" else float(self.count(targets))) or 1.0


@dataclass
class WeightedLoss(Loss):
    """A loss with ``--class-weights`` and ``--label-smoothing``."""

    weights: Tensor | None = None
    smoothing: float = 0.0

    @classmethod
    def build(cls, inputs: LossInputs) -> Loss:
        options = inputs.options
        return cls(inputs.weights, options.label_smoothing, reduction=options.reduction)

    def weights_on(self, device: torch.device) -> Tensor | None:
        """The weights, on the device of the logits."""
        return None if self.weights is None else self.weights.to(device)


class CrossEntropy(WeightedLoss):
    """Cross-entropy as torch defines it: logits (..., classes), targets (...) class ids or `UNLABELED`.

    weights    (classes,) float32, None for equal weights; the mean is then weighted too
    smoothing  share of the target spread over all classes (Szegedy et al. 2016)
    """

    def items(self, logits: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits.reshape(-1, logits.shape[-1]).float(),
            targets.reshape(-1),
            weight=self.weights_on(logits.device),
            ignore_index=UNLABELED,
            reduction="none",
            label_smoothing=self.smoothing,
        )

    def weight(self, targets: Tensor) -> float:
        if self.weights is None:
            return super().weight(targets)
        # On the CPU: indexing on an accelerator would wait for it before the forward pass.
        return float(self.weights.cpu()[targets.cpu()[targets.cpu() != UNLABELED]].sum())


@dataclass
class LogitAdjusted(CrossEntropy):
    """Cross-entropy of ``logits + TAU log(share of each class)`` (Menon et al. 2021, equation 10).

    The shift takes class frequency out of what the model learns; predictions use the logits without it, and
    rare classes do as well as frequent ones.

    counts  (classes,) training items of each class
    """

    counts: Tensor = field(kw_only=True)

    def __post_init__(self) -> None:
        at_least_one = self.counts.float().clamp(min=1)  # the logarithm of a class without items is finite
        self._shift = TAU * (at_least_one / at_least_one.sum()).log()

    @classmethod
    def build(cls, inputs: LossInputs) -> Loss:
        weights, options = inputs.weights, inputs.options
        return cls(weights, options.label_smoothing, reduction=options.reduction, counts=inputs.counts)

    def items(self, logits: Tensor, targets: Tensor) -> Tensor:
        return super().items(logits.float() + self._shift.to(logits.device), targets)


class BinaryCrossEntropy(WeightedLoss):
    """Several labels per row, each a yes or no; the loss of a row is the mean over its labels.

    logits (rows, labels), targets (rows, labels): 1 where a row has the label, else 0.

    weights    (labels,) weight of rows with the label (torch's ``pos_weight``), None for 1
    smoothing  share of each target that is moved towards one half
    """

    def items(self, logits: Tensor, targets: Tensor) -> Tensor:
        losses = functional.binary_cross_entropy_with_logits(
            logits.float(),
            targets.float() * (1 - self.smoothing) + self.smoothing / 2,
            pos_weight=self.weights_on(logits.device),
            reduction="none",
        )
        return losses.mean(dim=-1)


@dataclass
class Focal(Loss):
    """loss = - alpha_y (1 - p_y)^gamma log p_y over the softmax of all classes (Lin et al. 2017, equation 5).

    gamma  0 is cross-entropy; the larger, the less easy items count
    alpha  (classes,) float32, None for 1; the mean is not divided by it
    """

    gamma: float = 2.0
    alpha: Tensor | None = None

    @classmethod
    def build(cls, inputs: LossInputs) -> Loss:
        return cls(inputs.options.gamma, inputs.alpha, reduction=inputs.options.reduction)

    def unweighted(self, log_p: Tensor) -> Tensor:
        """- (1 - p)^gamma log p; ``expm1`` is exact where p is close to 1."""
        return -((-log_p.expm1()).clamp(min=_LEAST) ** self.gamma) * log_p

    def items(self, logits: Tensor, targets: Tensor) -> Tensor:
        flat, wanted = logits.reshape(-1, logits.shape[-1]).float(), targets.reshape(-1)
        labeled = wanted != UNLABELED
        # `gather` needs a valid class id everywhere; these items are zeroed at the end.
        wanted = wanted.where(labeled, 0)
        losses = self.unweighted(flat.log_softmax(dim=-1).gather(1, wanted.unsqueeze(1)).squeeze(1))
        if self.alpha is not None:
            losses = losses * self.alpha.to(losses.device)[wanted]
        return losses.where(labeled, 0.0)


class BinaryFocal(Focal):
    """loss = - alpha_t (1 - p_t)^gamma log p_t of every label (Lin et al. 2017, equation 5).

    p_t    probability of the truth, "has the label" or "lacks it"
    alpha  (labels,) weight where a row has the label, 1 - alpha where it lacks it; None for 1 and 1
    """

    @classmethod
    def build(cls, inputs: LossInputs) -> Loss:
        return cls(inputs.options.gamma, inputs.binary_alpha, reduction=inputs.options.reduction)

    def items(self, logits: Tensor, targets: Tensor) -> Tensor:
        positive = targets > 0.5
        # log p of the truth in one stable call: sigmoid(-x) is 1 - sigmoid(x).
        losses = self.unweighted(functional.logsigmoid(logits.float().where(positive, -logits.float())))
        if self.alpha is not None:
            alpha = self.alpha.to(losses.device)
            # alpha is the weight of the positive side only, as in the paper.
            losses = losses * torch.where(positive, alpha, 1 - alpha)
        return losses.mean(dim=-1)


class SquaredError(Loss):
    """logits (rows, outputs), targets (rows,) or (rows, outputs); the loss of a row is the mean over outputs.

    Up to constants it is the cross-entropy of a normal distribution around the prediction.
    """

    @classmethod
    def build(cls, inputs: LossInputs) -> Loss:
        options = inputs.options
        for name, value in (
            ("class-weights", options.class_weights != class_weights.NONE),
            ("label-smoothing", options.label_smoothing),
        ):
            if value:
                raise UsageError(f"--{name}: numbers have no classes", hint="leave it out")
        return cls(reduction=options.reduction)

    def items(self, logits: Tensor, targets: Tensor) -> Tensor:
        return (logits.float() - targets.float().reshape(logits.shape)).square().mean(dim=-1)


# Family of losses that a task has (`Task.loss`) -> the loss of each ``--loss``, the default first.
LOSSES: Mapping[str, Mapping[str, type[Loss]]] = {
    "ce": {"ce": CrossEntropy, "focal": Focal, "logit-adjusted": LogitAdjusted},
    "bce": {"ce": BinaryCrossEntropy, "focal": BinaryFocal},
    "mse": {"ce": SquaredError},
}

_NAMES = {
    CrossEntropy: "cross-entropy",
    LogitAdjusted: "logit-adjusted cross-entropy",
    BinaryCrossEntropy: "binary cross-entropy",
    Focal: "focal loss",
    BinaryFocal: "binary focal loss",
    SquaredError: "squared error",
}


def plain(task: Task) -> Loss:
    """The loss of the task without weights or smoothing, as `evaluate` reports it."""
    return next(iter(LOSSES[task.loss].values()))()


def name(task: Task, options: FinetuneOptions) -> str:
    """The chosen loss as a curve is labeled, with all that makes it differ from the plain one.

    >>> name(SingleLabel(), FinetuneOptions(loss="focal", class_weights="balanced"))
    'focal loss (gamma 2), class weights balanced'
    """
    loss = LOSSES[task.loss][options.loss]
    focal = issubclass(loss, Focal)
    parts = [_NAMES.get(loss, options.loss) + (f" (gamma {options.gamma:g})" if focal else "")]
    if focal and options.alpha is not None:
        parts.append(f"alpha {options.alpha}")
    if options.class_weights != class_weights.NONE:
        # of a file its name: the same run from another folder has the same curves
        parts.append(f"class weights {Path(options.class_weights).name}")
    if options.label_smoothing and not focal:
        parts.append(f"label smoothing {options.label_smoothing:g}")
    return ", ".join([*parts, *(["summed over a step"] if options.reduction == "sum" else [])])


def build(inputs: LossInputs, task: Task) -> Loss:
    """Build the loss, with class weights and frequencies from the training targets.

    Raises `UsageError` for a loss that the task does not have, and for an ``alpha`` that lacks a label or
    names an unknown one; `InputError` for a file of weights that does not fit.
    """
    # --loss focal is `Focal` for one label and `BinaryFocal` for several: the task picks the family.
    family, loss = LOSSES[task.loss], inputs.options.loss
    if loss not in family:
        raise UsageError(
            f"--loss {loss}: {task.name} has no such loss",
            hint="choose one:\n" + "\n".join(f"--loss {name}" for name in family),
        )
    return family[loss].build(inputs)


def warn_of_conflicts(inputs: LossInputs, dataset: Dataset, progress: Progress) -> None:
    """Warn of options that the loss ignores, of class weights left unused, and of weights that multiply."""
    options = inputs.options
    focal = options.loss == "focal"
    if options.alpha is not None and not focal:
        progress.say(f"--alpha {options.alpha}: only --loss focal uses it")
    if options.label_smoothing and focal:
        progress.say(f"--label-smoothing {options.label_smoothing:g}: the focal loss does not use it")
    class_weights.warn_unused(options.class_weights, dataset, progress)
    weighted: dict[str, Tensor | None] = {}
    if options.loss == "logit-adjusted":
        weighted["--loss logit-adjusted"] = inputs.counts
    if options.class_weights != class_weights.NONE:
        weighted[f"--class-weights {options.class_weights}"] = inputs.weights
    if focal and options.alpha is not None:
        weighted[f"--alpha {options.alpha}"] = inputs.alpha
    by_option = {name: values.tolist() for name, values in weighted.items() if values is not None}
    class_weights.warn_multiplied(by_option, options.sampler, dataset, progress)


def _tensor(values: Sequence[float] | None) -> Tensor | None:
    return None if values is None else torch.tensor(values, dtype=torch.float32)
