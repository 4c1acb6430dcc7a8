"""The training loop: optimizer steps over a fixed number of rows, in pieces within the token budget.

    order of the epoch -> rows of the step -> pieces by length -> loss, backward -> clip, AdamW

The loss of a step is the sum over its rows divided by their number (with class weights, by the sum of the
weights), so cutting a step into pieces, or sharing it between processes whose gradients are summed, changes
rounding only. The stock Trainer divides otherwise when it accumulates (transformers issue 47688).

Order, rate and dropout of a step are functions of the seed and the number of the step, so weights, optimizer
state and that number are the whole state: a training resumed from them ends in the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from tokkit.errors import InputError, counted
from tokkit.model.network import losses
from tokkit.model.network.batches import pieces_within
from tokkit.model.network.classifier import batch_of
from tokkit.model.options.finetune_options import steps_between
from tokkit.model.training import schedule
from tokkit.model.training.accelerator import accelerator_for
from tokkit.model.training.gradient_sum import GradientSum
from tokkit.model.training.setup import TrainingSetup
from tokkit.progress import Progress, stage, stop_if_cancelled

# Steps between two looks at the loss on an accelerator; each look waits for the device.
_STEPS_PER_LOOK = 20

# A rate at which few trainings diverge.
_SAFE_LR = 1e-3


@dataclass(frozen=True)
class StepReport:
    """State of a training after ``step`` steps, and its loss since the last evaluation.

    epoch             passes over the rows: 2, or 1.5 in the middle of the second
    loss, accuracy    in training, dropout included; the loss is the chosen one
    cross_entropy     the plain loss of the same predictions; the same where the chosen loss is plain
    macro_f1          of the same predictions, by token for tags; None for numbers
    lr                highest rate of the last step
    tokens            without padding, since the first step
    computed_tokens   with padding
    evaluate, save    what is due now
    """

    step: int
    epoch: float
    loss: float
    accuracy: float
    cross_entropy: float
    macro_f1: float | None
    lr: float
    tokens: int
    computed_tokens: int
    evaluate: bool
    save: bool


class Totals:
    """Running totals of this process.

    sums               (5,) loss times rows, rows, correct predictions, all predictions and the sum of their
                       plain losses, since `reset`
    class_counts       (3, classes) as `Task.class_counts`, since `reset`
    tokens             without padding, since the first step
    computed_tokens    with padding
    """

    def __init__(self, accelerator: Accelerator, classes: int) -> None:
        # float64 adds up to the same loss however a step is cut; MPS has no float64.
        dtype = torch.float32 if accelerator.device.type == "mps" else torch.float64
        self._accelerator = accelerator
        self.sums = torch.zeros(5, dtype=dtype).to(accelerator.device)
        self.class_counts = torch.zeros(3, classes, dtype=dtype).to(accelerator.device)
        self.tokens = self.computed_tokens = 0

    def reset(self) -> None:
        """Start all but the tokens from zero."""
        self.sums.zero_()
        self.class_counts.zero_()

    @property
    def mean_loss(self) -> float:
        """Of this process, since `reset`."""
        return float(self.sums[0] / self.sums[1].clamp(min=1))

    def over_processes(self) -> dict[str, Any]:
        """Loss, accuracy, macro F1 and tokens of all processes; each process calls this."""
        # One reduction for all; a reduction per number would wait for every process each time.
        sums = self._accelerator.reduce(torch.cat([self.sums, self.class_counts.flatten()]), "sum")
        loss_rows, rows, correct, predictions, plain = sums[:5].tolist()
        hits, true, predicted = sums[5:].reshape(3, -1)
        counts = self.sums.new_tensor([self.tokens, self.computed_tokens])
        tokens, computed = self._accelerator.reduce(counts, "sum").tolist()
        return {
            "loss": loss_rows / max(rows, 1),
            "accuracy": correct / max(predictions, 1),
            "cross_entropy": plain / max(predictions, 1),
            "macro_f1": float((2 * hits / (true + predicted).clamp(min=1)).mean()) if len(hits) else None,
            "tokens": int(tokens),
            "computed_tokens": int(computed),
        }


class Steps:
    """The optimizer steps of one training; they change the weights of the classifier's model."""

    def __init__(
        self,
        setup: TrainingSetup,
        precision: str = "fp32",
        observe: Callable[[dict[str, float], int], None] | None = None,
    ) -> None:
        """``observe`` is called with loss, rate and number of a step; on an accelerator every 20 steps.

        Raises `UsageError` for a sampler, a precision or frozen layers that are not possible here."""
        options = setup.options
        # Options that are not possible here are errors before the model is moved anywhere.
        self._classes = schedule.classes_of(options.sampler, setup.training.targets)
        self.accelerator = accelerator_for(setup.device, precision)
        self._device = self.accelerator.device
        self._setup, self._options = setup, options
        self._model: Any = setup.classifier.model
        self._model.to(self._device)
        self._optimizer = self.accelerator.prepare_optimizer(
            schedule.adamw(self._model, options, setup.lr, self._device)
        )
        # After `adamw`, which freezes weights: those have no gradient to sum.
        several = self.accelerator.num_processes > 1
        self._sum_gradients = GradientSum(self._model, self._device) if several else None
        self._per_epoch = schedule.steps_per_epoch(len(setup.training.encoded), options)
        self.count = self._per_epoch * options.epochs
        self._warmup = round(self.count * options.warmup_ratio)
        self._evaluate_every = steps_between("--eval-every", options.eval_every, self._per_epoch)
        self._save_every = steps_between("--save-every", options.save_every, self._per_epoch)
        # (epoch, order of its rows): the order is computed once per epoch, and again after resuming.
        self._epoch_order: tuple[int, NDArray[np.int64]] | None = None
        task = setup.classifier.task
        self._plain = losses.plain(task)
        self._totals = Totals(self.accelerator, len(setup.classifier.labels) if task.has_classes else 0)
        self._observe = observe
        # Sums of loss and rows at the last look at them.
        self._looked: tuple[float, ...] = (0.0, 0.0)
        self.step = 0

    def run(self, progress: Progress) -> Iterator[StepReport]:
        """Train to the end; yields a report wherever something is due, and at the end of each epoch.

        Raises `InputError` for a loss that is NaN (no report was yielded since it was) and for too little
        memory.
        """
        while self.step < self.count:
            end = self._next_stop()
            # An evaluation at the stop before left the model in evaluation mode.
            self._model.train()
            epoch = f"epoch {self.step // self._per_epoch + 1}/{self._options.epochs}"
            with stage(progress, epoch, self._rows_to(end), "rows"):
                while self.step < end:
                    # Ctrl-C takes effect between steps: weights and optimizer state are never half changed.
                    stop_if_cancelled(progress)
                    rows = self._begin_step()
                    # One backward per piece: the graph of a piece is freed before the next is built.
                    with _memory_errors(self._setup.budget):
                        for loss in self._losses(rows):
                            self.accelerator.backward(loss)
                    self._end_step(len(rows), progress)
                self._check_finite()
            report = self._report()
            # Loss and accuracy of the history are of the steps since the evaluation before.
            if report.evaluate:
                self._totals.reset()
                self._looked = (0.0, 0.0)
            yield report

    def _next_stop(self) -> int:
        """The next step after which something is due, or an epoch ends."""
        every = (self._per_epoch, self._evaluate_every, self._save_every, self._options.log_every)
        return min(self.count, *((self.step // n + 1) * n for n in every if n))

    def _rows_to(self, end: int) -> int:
        """Rows of the steps up to ``end``; the last step of an epoch may have fewer."""
        size, first = self._options.batch_size, self.step % self._per_epoch
        return min((end - self.step + first) * size, len(self._setup.training.encoded)) - first * size

    def _begin_step(self) -> NDArray[np.int64]:
        """Set rate and seed; returns the rows of the step."""
        # A group's `peak` differs with layer decay; all groups follow the same curve.
        share = schedule.rate(self._options.schedule, self.step, self.count, self._warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * share
        # Dropout depends on seed, step and process alone, whatever drew random numbers in between.
        mixed = np.random.SeedSequence((self._options.seed, self.step, self.accelerator.process_index))
        torch.manual_seed(int(mixed.generate_state(1, np.uint64)[0]))
        epoch, index = divmod(self.step, self._per_epoch)
        if self._epoch_order is None or self._epoch_order[0] != epoch:
            rows, options = len(self._setup.training.encoded), self._options
            # A function of seed and epoch: a resumed training computes the same order.
            order = schedule.order(options.sampler, self._classes, rows, options.seed, epoch)
            self._epoch_order = epoch, order
        size = self._options.batch_size
        return self._epoch_order[1][index * size : (index + 1) * size]

    def _losses(self, rows: NDArray[np.int64]) -> Iterator[torch.Tensor]:
        """The loss of each piece of this process's share of a step; they add up to the loss of the step."""
        setup, totals = self._setup, self._totals
        training, classifier = setup.training, setup.classifier
        lengths = training.encoded.lengths
        if self._options.pad_to_max:
            # Every piece is then as wide as a row may be, for devices that compile one shape.
            lengths = np.full_like(lengths, classifier.limits.max_length)
        # Of the whole step, not of this process's share: the pieces of all processes add up to the step.
        of_step = training.targets.of(rows, int(lengths[rows].max()))
        denominator = setup.loss.denominator(torch.from_numpy(of_step))
        # Dealt out by length, so that every process gets short and long rows alike.
        by_length = rows[np.argsort(-lengths[rows], kind="stable")]
        share = by_length[self.accelerator.process_index :: self.accelerator.num_processes]
        for piece in pieces_within(share, lengths, setup.budget):
            # A piece may consist of rows without tokens; a batch is at least one token wide.
            width = max(int(lengths[piece].max()), 1)
            batch = batch_of(training.encoded, piece, classifier.limits.pad_id, width)
            targets = torch.from_numpy(training.targets.of(piece, batch.width)).to(self._device)
            # Only the model runs in reduced precision; the loss is computed in float32.
            with self.accelerator.autocast():
                logits = classifier.logits(batch, self._device)
            loss = setup.loss.summed(logits, targets) / denominator
            correct, predictions = classifier.task.correct(logits.detach(), targets)
            # On the device, without `.item()`: reading a number makes the CPU wait for an accelerator.
            totals.sums[0] += loss.detach() * len(rows)
            totals.sums[1] += len(piece)
            totals.sums[2] += correct
            totals.sums[3] += predictions
            totals.sums[4] += self._plain.summed(logits.detach(), targets)
            if classifier.task.has_classes:
                totals.class_counts += classifier.task.class_counts(logits.detach(), targets)
            totals.tokens += int(batch.mask.sum())
            totals.computed_tokens += batch.mask.numel()
            yield loss

    def _end_step(self, rows: int, progress: Progress) -> None:
        """Change the weights by the gradient of the step."""
        # Clipping needs the norm of the whole gradient, so it comes after the sum over processes.
        if self._sum_gradients is not None:
            self._sum_gradients()
        if self._options.max_grad_norm:
            self.accelerator.clip_grad_norm_(self._model.parameters(), self._options.max_grad_norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.step += 1
        figures = {}
        if self._device.type == "cpu" or self.step % _STEPS_PER_LOOK == 0:
            loss = self._totals.mean_loss
            if not math.isfinite(loss):
                raise self._diverged()
            figures = {"loss": f"{loss:.4f}", "lr": f"{self._rate():.2g}"}
            if self._observe is not None:
                loss = self._loss_since_the_last_look()
                self._observe({"step/loss": loss, "step/lr": self._rate()}, self.step)
        progress.advance(rows, **figures)

    def _loss_since_the_last_look(self) -> float:
        """The mean loss of this process over the steps since."""
        total, rows = self._totals.sums[:2].tolist()
        (total_before, rows_before), self._looked = self._looked, (total, rows)
        return float((total - total_before) / (rows - rows_before))

    def _check_finite(self) -> None:
        """Raises `InputError` where weights or loss are not finite, before anything is evaluated or saved."""
        # One result for all weights: a look at each would wait for the device each time.
        trained = [p.detach() for p in self._model.parameters() if p.requires_grad]
        finite = torch.stack([torch.isfinite(p).all() for p in trained]).all()
        if not (finite & torch.isfinite(self._totals.sums).all()):
            raise self._diverged()

    def _diverged(self) -> InputError:
        exact = self._device.type == "cpu"  # on an accelerator the loss is looked at every few steps
        return diverged("loss is", self.step, self.count, self._setup.lr, exact=exact)

    def _report(self) -> StepReport:
        epoch = self.step / self._per_epoch
        return StepReport(
            step=self.step,
            epoch=int(epoch) if epoch.is_integer() else round(epoch, 4),
            lr=self._rate(),
            **self._totals.over_processes(),
            evaluate=bool(self._evaluate_every) and self._is_due(self._evaluate_every),
            save=bool(self._save_every) and self._is_due(self._save_every),
        )

    def _is_due(self, every: int | None) -> bool:
        return self.step == self.count or (every is not None and self.step % every == 0)

    def _rate(self) -> float:
        return max(float(group["lr"]) for group in self._optimizer.param_groups)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimizer's part of the state, named ``exp_avg:WEIGHT``."""
        names = {id(parameter): name for name, parameter in self._model.named_parameters()}
        return {
            f"{kind}:{names[id(parameter)]}": value.detach().cpu().contiguous()
            for parameter, kinds in self._optimizer.state.items()
            for kind, value in kinds.items()
        }

    def state(self) -> dict[str, Any]:
        """Everything else of the state, as JSON values."""
        # fp16 scales the loss, and adapts the scale on the way.
        scaler = self.accelerator.scaler
        return {
            "step": self.step,
            "sums": self._totals.sums.tolist(),
            "class_counts": self._totals.class_counts.tolist(),
            "tokens": self._totals.tokens,
            "computed_tokens": self._totals.computed_tokens,
            "scaler": scaler.state_dict() if scaler is not None else None,
        }

    def load_state(self, tensors: dict[str, torch.Tensor], values: dict[str, Any]) -> None:
        """Continue from `tensors` and a `state`; the caller loads the weights of the model."""
        parameters = dict(self._model.named_parameters())
        for key, value in tensors.items():
            kind, name = key.split(":", 1)
            self._optimizer.state[parameters[name]][kind] = value.to(self._device)
        self.step, totals = values["step"], self._totals
        totals.tokens, totals.computed_tokens = values["tokens"], values["computed_tokens"]
        totals.sums = totals.sums.new_tensor(values["sums"])
        self._looked = tuple(values["sums"][:2])
        # Without classes, a tensor of no columns, whose list keeps its shape.
        totals.class_counts = totals.class_counts.new_tensor(values["class_counts"])
        if self.accelerator.scaler is not None and values["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(values["scaler"])


def diverged(subject: str, step: int, steps: int, lr: float, *, exact: bool) -> InputError:
    """The error for a training whose loss or logits became NaN or infinite.

    subject  "loss is"
    exact    whether it was finite one step before
    """
    return InputError(
        f"{subject} NaN or infinite {'at' if exact else 'by'} step {step} of {steps}",
        hint=f"a lower rate:\n--lr {min(lr / 10, _SAFE_LR):g}",
    )


@contextmanager
def _memory_errors(budget: int) -> Iterator[None]:
    """Turn an out-of-memory error into one that names the option to lower."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        # CPU allocators raise a plain RuntimeError.
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "allocate" not in str(error):
            raise
        raise InputError(
            f"too little memory for {counted(budget, 'token', style=',')} at once",
            hint=f"fewer at once give the same result to rounding:\n--tokens-per-batch {max(budget // 2, 1)}",
        ) from error
