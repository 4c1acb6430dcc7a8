"""The training loop: steps of a fixed number of rows, whose gradients `gradients` adds up.

Order, rate and dropout of a step are functions of the seed and the step's number, so weights, optimizer and
that number are all there is to a training: one that goes on from them ends in the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError
from tokkit.model.options.finetune_options import FinetuneOptions, steps_between
from tokkit.model.training import optimizer, sampling
from tokkit.model.training.gradients import Gradients, TrainingRows
from tokkit.model.training.precision import accelerator_for
from tokkit.model.training.schedule import rate
from tokkit.progress import Progress, stage, stop_if_cancelled

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.model.network.classifier import Classifier

_LOOK_EVERY = 20
"""Steps after which an accelerator is asked for the loss: to ask is to wait for it."""

_LARGE_LR = 1e-3
"""A rate that few trainings come to grief at."""


@dataclass(frozen=True)
class Reached:
    """Where a training stands after ``step`` steps, and how it did since the evaluation before.

    epoch             passes over the rows: 2, or 1.5 in the middle of the second
    loss, accuracy    as they were while training, dropout included
    lr                the highest rate of the last step
    tokens            real ones since the first step
    computed_tokens   with padding
    evaluate, save    what is due now
    """

    step: int
    epoch: float
    loss: float
    accuracy: float
    lr: float
    tokens: int
    computed_tokens: int
    evaluate: bool
    save: bool


class Training:
    """One training of a classifier's model in place."""

    def __init__(
        self,
        classifier: Classifier,
        rows: TrainingRows,
        spec: FinetuneOptions,
        lr: float,
        device: torch.device,
        budget: int,
        precision: str = "fp32",
    ) -> None:
        """Raises `UsageError` for a sampler, a precision or frozen layers that cannot be had here."""
        self._classes = sampling.classes_of(spec.sampler, rows.targets)
        self.accelerator = accelerator_for(device, precision)
        self._device = self.accelerator.device
        self._rows, self._spec, self._lr = rows, spec, lr
        self._model: Any = classifier.model
        self._model.to(self._device)
        self._optimizer = self.accelerator.prepare_optimizer(
            optimizer.adamw(self._model, spec, lr, self._device)
        )
        self._per_epoch = -(-len(rows.encoded) // spec.batch_size)
        self.steps = self._per_epoch * spec.epochs
        self._warmup = round(self.steps * spec.warmup_ratio)
        self._evaluates = steps_between("--eval-every", spec.eval_every, self._per_epoch)
        self._saves = steps_between("--save-every", spec.save_every, self._per_epoch)
        self._drawn: tuple[int, NDArray[np.int64]] | None = None
        """An epoch, counted from 0, and the order of its rows."""
        self._gradients = Gradients(classifier, rows, budget, self.accelerator, pad_to_max=spec.pad_to_max)
        self.step = 0

    def run(self, progress: Progress) -> Iterator[Reached]:
        """Trains to the end; gives a `Reached` wherever something is due, and at the end of each epoch.

        The last step of an epoch may be smaller. Raises `InputError` for a loss that is no longer a number
        (nothing was given since it was) and for too little memory.
        """
        while self.step < self.steps:
            epoch, place = divmod(self.step, self._per_epoch)
            end = self._next_stop()
            size = self._spec.batch_size
            rows = min((end - self.step + place) * size, len(self._rows.encoded)) - place * size
            self._model.train()
            with stage(progress, f"epoch {epoch + 1}/{self._spec.epochs}", rows, "rows"):
                while self.step < end:
                    stop_if_cancelled(progress)
                    self._advance(progress)
                self._check_finite()
            reached = self._reached()
            if reached.evaluate:
                self._gradients.forget()
            yield reached

    def _next_stop(self) -> int:
        """The next step after which something is due, or an epoch ends."""
        every = (self._per_epoch, self._evaluates, self._saves, self._spec.log_every)
        return min(self.steps, *((self.step // n + 1) * n for n in every if n))

    def _advance(self, progress: Progress) -> None:
        """One optimizer step."""
        chosen = self._chosen()
        share = rate(self._spec.schedule, self.step, self.steps, self._warmup)
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak"] * share
        self._seed()
        self._gradients.add(chosen)
        if self._spec.max_grad_norm:
            self.accelerator.clip_grad_norm_(self._model.parameters(), self._spec.max_grad_norm)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.step += 1
        if self._device.type == "cpu" or self.step % _LOOK_EVERY == 0:
            loss = self._mean_loss()
            progress.advance(len(chosen), loss=f"{loss:.4f}", lr=f"{self._rate():.2g}")
        else:
            progress.advance(len(chosen))

    def _chosen(self) -> NDArray[np.int64]:
        """The rows of this step."""
        epoch, place = divmod(self.step, self._per_epoch)
        if self._drawn is None or self._drawn[0] != epoch:
            rows = len(self._rows.encoded)
            order = sampling.order(self._spec.sampler, self._classes, rows, self._spec.seed, epoch)
            self._drawn = epoch, order
        size = self._spec.batch_size
        return self._drawn[1][place * size : (place + 1) * size]

    def _seed(self) -> None:
        """Makes dropout a function of the seed, the step and the process."""
        import numpy as np
        import torch

        mixed = np.random.SeedSequence((self._spec.seed, self.step, self.accelerator.process_index))
        torch.manual_seed(int(mixed.generate_state(1, np.uint64)[0]))

    def _reached(self) -> Reached:
        epoch = self.step / self._per_epoch
        return Reached(
            step=self.step,
            epoch=int(epoch) if epoch.is_integer() else round(epoch, 4),
            lr=self._rate(),
            **vars(self._gradients.seen()),
            evaluate=bool(self._evaluates) and self._is_due(self._evaluates),
            save=bool(self._saves) and self._is_due(self._saves),
        )

    def _is_due(self, every: int | None) -> bool:
        return self.step == self.steps or (every is not None and self.step % every == 0)

    def _rate(self) -> float:
        return max(float(group["lr"]) for group in self._optimizer.param_groups)

    def _mean_loss(self) -> float:
        """Of this process, since the last evaluation. Raises `InputError` where it is no number."""
        import math

        loss = self._gradients.mean_loss
        if not math.isfinite(loss):
            raise self._no_number()
        return loss

    def _check_finite(self) -> None:
        """Nothing is evaluated or kept of weights that are no numbers any more."""
        import torch

        trained = [p.detach() for p in self._model.parameters() if p.requires_grad]
        finite = torch.stack([torch.isfinite(p).all() for p in trained]).all()
        if not (finite & torch.isfinite(self._gradients.sums).all()):
            raise self._no_number()

    def _no_number(self) -> InputError:
        return no_number("the loss is", self.step, self.steps, self._lr, exact=self._device.type == "cpu")

    def state(self) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
        """What the optimizer has gathered, ``exp_avg:WEIGHT``, and the rest as plain values."""
        names = {id(parameter): name for name, parameter in self._model.named_parameters()}
        tensors = {
            f"{kind}:{names[id(parameter)]}": value.detach().cpu().contiguous()
            for parameter, kinds in self._optimizer.state.items()
            for kind, value in kinds.items()
        }
        scaler = self.accelerator.scaler
        return tensors, {
            "step": self.step,
            "sums": self._gradients.sums.tolist(),
            "tokens": self._gradients.tokens,
            "computed_tokens": self._gradients.computed_tokens,
            "scaler": scaler.state_dict() if scaler is not None else None,
        }

    def load_state(self, tensors: dict[str, torch.Tensor], plain: dict[str, Any]) -> None:
        """Goes on from a `state`; the model's weights are the caller's."""
        parameters = dict(self._model.named_parameters())
        for key, value in tensors.items():
            kind, name = key.split(":", 1)
            where = "cpu" if kind == "step" and self._device.type == "cpu" else self._device
            self._optimizer.state[parameters[name]][kind] = value.to(where)
        self.step, gradients = plain["step"], self._gradients
        gradients.tokens, gradients.computed_tokens = plain["tokens"], plain["computed_tokens"]
        gradients.sums = gradients.sums.new_tensor(plain["sums"])
        if self.accelerator.scaler is not None and plain["scaler"] is not None:
            self.accelerator.scaler.load_state_dict(plain["scaler"])


def train(
    classifier: Classifier,
    rows: TrainingRows,
    spec: FinetuneOptions,
    lr: float,
    device: torch.device,
    budget: int,
    progress: Progress,
) -> Iterator[Reached]:
    """Trains the classifier's model in place in fp32; as `Training.run`."""
    return Training(classifier, rows, spec, lr, device, budget).run(progress)


def no_number(what: str, step: int, steps: int, lr: float, *, exact: bool) -> InputError:
    """A training that has gone astray: ``what`` "the loss is", by which step, and what to try.

    exact  whether it was a number a step before
    """
    return InputError(
        f"{what} no number any more {'at' if exact else 'by'} step {step} of {steps}",
        hint=f"a lower rate: --lr {min(lr / 10, _LARGE_LR):g}",
    )
