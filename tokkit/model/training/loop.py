"""The training loop: steps of a fixed number of rows, computed in pieces, the result independent of them.

A step's loss is the sum over its rows divided by their number (with class weights, by the sum of the
weights), so cutting it into pieces changes rounding only. The stock Trainer divides otherwise when it
accumulates (transformers issue 47688).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.batching import batch_of, pieces_within
from tokkit.model.losses.loss import Loss
from tokkit.model.spec import FinetuneSpec
from tokkit.model.tasks.task import Targets
from tokkit.progress import Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.model.classifier import Classifier


@dataclass(frozen=True)
class TrainingRows:
    """encoded   the rows' ids
    targets   what the model is to answer
    loss      what is minimized
    """

    encoded: Encoded
    targets: Targets
    loss: Loss


@dataclass(frozen=True)
class Epoch:
    """loss and accuracy as they were while training, dropout included; computed and real tokens."""

    number: int
    steps: int
    loss: float
    accuracy: float
    lr: float
    tokens: int
    computed_tokens: int


def train(
    classifier: Classifier,
    rows: TrainingRows,
    spec: FinetuneSpec,
    lr: float,
    device: torch.device,
    budget: int,
    progress: Progress,
) -> Iterator[Epoch]:
    """Trains the classifier's model in place, one epoch per item drawn.

    Rows are shuffled each epoch; the last step may be smaller. Raises `InputError` for a loss that is no
    longer a number.
    """
    import numpy as np
    import torch
    from transformers import get_scheduler

    model: Any = classifier.model
    model.to(device)
    optimizer = torch.optim.AdamW(
        _parameter_groups(model, spec.weight_decay), lr=lr, fused=device.type != "mps"
    )
    per_epoch = -(-len(rows.encoded) // spec.batch_size)
    total = per_epoch * spec.epochs
    name = "constant_with_warmup" if spec.schedule == "constant" else spec.schedule
    warmup = round(total * spec.warmup_ratio)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=total)
    rng = np.random.default_rng(spec.seed)
    step = _Step(classifier, rows, device, budget)
    for number in range(1, spec.epochs + 1):
        model.train()
        order = rng.permutation(len(rows.encoded))
        step.reset()
        with stage(progress, f"epoch {number}/{spec.epochs}", len(order), "rows"):
            for start in range(0, len(order), spec.batch_size):
                stop_if_cancelled(progress)
                chosen = order[start : start + spec.batch_size]
                loss = step.backward(chosen)
                if not np.isfinite(loss):
                    done = (number - 1) * per_epoch + start // spec.batch_size + 1
                    raise InputError(
                        f"the loss is no number any more at step {done}",
                        hint=f"a lower rate: --lr {lr / 10:g}",
                    )
                if spec.max_grad_norm:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), spec.max_grad_norm)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad(set_to_none=True)
                rate = scheduler.get_last_lr()[0]
                progress.advance(len(chosen), loss=f"{step.mean_loss:.4f}", lr=f"{rate:.2g}")
        yield Epoch(number, per_epoch, step.mean_loss, step.accuracy, rate, step.tokens, step.computed_tokens)


class _Step:
    """Forward and backward of one step's rows, in pieces, and the running figures of an epoch."""

    def __init__(
        self,
        classifier: Classifier,
        rows: TrainingRows,
        device: torch.device,
        budget: int,
    ) -> None:
        self._classifier, self._rows, self._device, self._budget = classifier, rows, device, budget
        self.reset()

    def reset(self) -> None:
        self._loss_sum = self._right = self._seen = self._items = 0.0
        self.tokens = self.computed_tokens = 0

    @property
    def mean_loss(self) -> float:
        return self._loss_sum / max(self._seen, 1)

    @property
    def accuracy(self) -> float:
        return self._right / max(self._items, 1)

    def backward(self, chosen: NDArray[np.int64]) -> float:
        """Adds the gradient of the step's loss to the model's; gives that loss back."""
        rows, classifier = self._rows, self._classifier
        denominator = rows.loss.denominator(rows.targets.of(chosen, int(rows.encoded.lengths[chosen].max())))
        total = 0.0
        for piece in pieces_within(chosen, rows.encoded.lengths, self._budget):
            batch = batch_of(rows.encoded, piece, classifier.pad_id)
            targets = rows.targets.of(piece, batch.width).to(self._device)
            logits = classifier.logits(batch, self._device)
            summed = rows.loss.summed(logits, targets)
            (summed / denominator).backward()
            total += float(summed.detach()) / denominator
            right, items = classifier.task.right(logits.detach(), targets)
            self._right += int(right)
            self._items += items
            self.tokens += int(batch.mask.sum())
            self.computed_tokens += batch.mask.numel()
        self._loss_sum += total * len(chosen)
        self._seen += len(chosen)
        return total


def _parameter_groups(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with and without weight decay: none on biases and norms, as in BERT."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    plain = [p for name, p in named if p.ndim < 2 or name.endswith("bias")]
    decayed = [p for name, p in named if not (p.ndim < 2 or name.endswith("bias"))]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
