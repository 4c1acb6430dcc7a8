"""The gradient of a step, added up over pieces of its rows and over processes, and what the step saw.

A step's loss is the sum over its rows divided by their number (with class weights, by the sum of the
weights), so cutting it into pieces, or dealing it out to processes whose gradients are added up, changes
rounding only. The stock Trainer divides otherwise when it accumulates (transformers issue 47688).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.network.batching import batch_of, pieces_within
from tokkit.model.network.losses import Loss
from tokkit.model.tasks.task import Targets
from tokkit.tokenizer.encoding.encode import Encoded

if TYPE_CHECKING:
    import numpy as np
    from accelerate import Accelerator
    from numpy.typing import NDArray

    from tokkit.model.network.classifier import Classifier


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
class Seen:
    """What all processes saw: loss and accuracy since `Gradients.forget`, tokens since the first step."""

    loss: float
    accuracy: float
    tokens: int
    computed_tokens: int


class Gradients:
    """Adds a step's gradient to that of the classifier's model, which stands on the accelerator's device.

    sums               (4,) loss times rows, rows, right answers and all answers, since `forget`
    tokens             real ones of this process since the first step
    computed_tokens    with padding
    """

    def __init__(
        self,
        classifier: Classifier,
        rows: TrainingRows,
        budget: int,
        accelerator: Accelerator,
        *,
        pad_to_max: bool = False,
    ) -> None:
        import torch

        self._classifier, self._rows, self._budget = classifier, rows, budget
        self._accelerator, self._pad_to_max = accelerator, pad_to_max
        kind = torch.float32 if accelerator.device.type == "mps" else torch.float64
        self.sums = torch.zeros(4, dtype=kind).to(accelerator.device)
        self.tokens = self.computed_tokens = 0

    def add(self, chosen: NDArray[np.int64]) -> None:
        """The gradient of a step of these rows; each process computes its share, and all have the sum.

        Raises `InputError` for too little memory.
        """
        with _memory_named(self._budget):
            self._backward(chosen)
        self._add_up()

    def _backward(self, chosen: NDArray[np.int64]) -> None:
        import numpy as np

        rows, classifier, accelerator = self._rows, self._classifier, self._accelerator
        lengths = rows.encoded.lengths
        if self._pad_to_max:
            lengths = np.full_like(lengths, classifier.max_length)
        denominator = rows.loss.denominator(rows.targets.of(chosen, int(lengths[chosen].max())))
        by_length = chosen[np.argsort(-lengths[chosen], kind="stable")]
        mine = by_length[accelerator.process_index :: accelerator.num_processes]
        for piece in pieces_within(mine, lengths, self._budget):
            batch = batch_of(rows.encoded, piece, classifier.pad_id, max(int(lengths[piece].max()), 1))
            targets = rows.targets.of(piece, batch.width).to(accelerator.device)
            with accelerator.autocast():
                logits = classifier.logits(batch, accelerator.device)
            loss = rows.loss.summed(logits, targets) / denominator
            accelerator.backward(loss)
            right, answers = classifier.task.right(logits.detach(), targets)
            self.sums[0] += loss.detach() * len(chosen)
            self.sums[1] += len(piece)
            self.sums[2] += right
            self.sums[3] += answers
            self.tokens += int(batch.mask.sum())
            self.computed_tokens += batch.mask.numel()

    def _add_up(self) -> None:
        """Every process has the sum of all their gradients, and none for a weight that none of them used."""
        import torch

        if self._accelerator.num_processes == 1:
            return
        model: Any = self._classifier.model
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        used = torch.tensor([float(p.grad is not None) for p in trained], device=self._accelerator.device)
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in trained]
        flat = torch.cat([used, *(gradient.reshape(-1) for gradient in gradients)])
        used, *parts = self._accelerator.reduce(flat, "sum").split(
            [len(trained), *(gradient.numel() for gradient in gradients)]
        )
        for parameter, by_any, part in zip(trained, used.tolist(), parts, strict=True):
            parameter.grad = part.view_as(parameter) if by_any else None

    @property
    def mean_loss(self) -> float:
        """Of this process, since `forget`; to ask an accelerator is to wait for it."""
        return float(self.sums[0] / self.sums[1].clamp(min=1))

    def seen(self) -> Seen:
        """Every process asks at once."""
        reduce = self._accelerator.reduce
        loss_rows, rows, right, answers = reduce(self.sums, "sum").tolist()
        counts = self.sums.new_tensor([self.tokens, self.computed_tokens])
        tokens, computed = reduce(counts, "sum").tolist()
        return Seen(loss_rows / max(rows, 1), right / max(answers, 1), int(tokens), int(computed))

    def forget(self) -> None:
        """Loss and accuracy begin anew."""
        self.sums.zero_()


@contextmanager
def _memory_named(budget: int) -> Iterator[None]:
    """Too little memory is said with the option to lower."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "allocate" not in str(error):
            raise
        raise InputError(
            f"too little memory for {budget:,} tokens at once",
            hint=f"--tokens-per-batch {max(budget // 2, 1)}: the result is the same to rounding",
        ) from error
