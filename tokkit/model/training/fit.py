"""A training carried out: evaluated, the best kept, saved on the way, and gone on with after a kill.

    train to the next stop -> evaluate -> keep the best -> save -> train on, until the end or out of patience

What is known at a stop, the history and the best model, is part of the checkpoint written there.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.errors import InputError, Interrupted, TokkitError
from tokkit.model.network.batching import part_of
from tokkit.model.network.inference import budget_for, predict_logits
from tokkit.model.training import checkpoints, history, selection
from tokkit.model.training.best import Best
from tokkit.model.training.checkpoints import Checkpoint, Checkpoints
from tokkit.model.training.gradients import TrainingRows
from tokkit.model.training.loop import Reached, Training, no_number
from tokkit.model.training.precision import choose_precision
from tokkit.model.training.processes import as_the_first
from tokkit.progress import SILENT, Progress

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from tokkit.model.network.classifier import Classifier
    from tokkit.model.options.finetune_options import FinetuneOptions
    from tokkit.tokenizer.encoding.encode import Encoded

_MODEL, _OPTIMIZER = "model.safetensors", "optimizer.safetensors"
_LOOKED_AT = 8
"""Rows answered before a checkpoint that is not due for an evaluation is kept."""
_GO_ON = "the checkpoint after step {step} is kept: the same command goes on from there"
KEPT = "checkpoint"
"""Where ``--keep-optimizer`` leaves the last checkpoint in a model folder."""


@dataclass(frozen=True)
class Plan:
    """What is trained and on what it is validated.

    lr, device, budget  as `Training` takes them
    validation          the rows scored, their ``truth`` what the model is to answer
    identity             what a checkpoint has to agree with, but for what is chosen here
    metric              the score that picks the best evaluation
    """

    classifier: Classifier
    rows: TrainingRows
    validation: Encoded
    truth: Any
    spec: FinetuneOptions
    lr: float
    device: torch.device
    budget: int
    metric: str
    identity: Mapping[str, Any]


@dataclass
class Fitted:
    """What came of a training; the best model stands in the staging folder.

    steps, epochs   made, an earlier run's included
    padding_share   share of the tokens computed in training that were padding
    trained_rows    of this run alone, in ``seconds`` of training
    """

    best: Best
    history: list[dict[str, Any]]
    steps: int
    epochs: float
    padding_share: float
    trained_rows: int
    seconds: float
    precision: str


def fit(plan: Plan, staging: Path, work: Checkpoints | None, progress: Progress) -> Fitted:
    """Trains to the end and puts the best model into ``staging``.

    work  where checkpoints are kept; None for none

    Raises `InputError` for a loss that is no longer a number, for a checkpoint of another training and for
    too little memory; `UsageError` for options that cannot be had; `OutputError` where a checkpoint cannot
    be written; `Interrupted`. The checkpoints stay, and it is said how to go on from them.
    """
    course = _Course(plan, staging, work, progress)
    try:
        course.begin()
        return course.finish()
    except BaseException as error:
        kept = work.newest_step() if work is not None else None
        if work is not None and kept is None:
            work.discard()
        elif work is not None and isinstance(error, InputError) and course.under_way:
            raise InputError(
                f"{error.message}; the checkpoint after step {kept} is kept",
                hint=f"{error.hint} --resume {work.folder} goes on from there, --resume none begins anew",
            ) from error
        elif isinstance(error, KeyboardInterrupt | Interrupted):
            raise Interrupted(f"interrupted; {_GO_ON.format(step=kept)}") from error
        elif not isinstance(error, TokkitError) or course.under_way:
            progress.say(_GO_ON.format(step=kept))
        raise


@dataclass
class _Course:
    plan: Plan
    staging: Path
    work: Checkpoints | None
    progress: Progress
    under_way: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)
    best: Best | None = None
    _last: Reached | None = None

    def begin(self) -> None:
        """Looks for a checkpoint, settles on a precision, and builds the training, at any step."""
        plan, spec = self.plan, self.plan.spec
        if spec.metric is not None:
            selection.value_of(_scores_of_nothing(plan), plan.metric)
        found = self.work.find(plan.identity, spec.resume, self.progress) if self.work is not None else None
        if found is not None and spec.precision == "auto":
            self.precision = str(found.state["precision"])
        else:
            steps = spec.epochs * -(-len(plan.rows.encoded) // spec.batch_size)
            self.precision = choose_precision(
                spec.precision, plan.classifier, plan.rows, plan.device, plan.budget, steps, self.progress
            )
        self.training = Training(
            plan.classifier, plan.rows, spec, plan.lr, plan.device, plan.budget, self.precision
        )
        if found is not None:
            self._restore(found)
        if self.work is not None:
            self.work.settle(found, spec.resume, self.progress)
        self.begun_at = self.training.step
        self.under_way = True

    def finish(self) -> Fitted:
        """Trains on to the end."""
        import numpy as np

        plan, seconds = self.plan, 0.0
        clock = time.monotonic()
        stops = iter(()) if self._out_of_patience() else self.training.run(self.progress)
        for reached in stops:
            seconds += time.monotonic() - clock
            self._last = reached
            self._log(reached)
            if reached.evaluate:
                self._evaluate(reached)
            if reached.save and self.work is not None:
                if not reached.evaluate:
                    few = np.arange(min(_LOOKED_AT, len(plan.validation)))
                    self._answers(part_of(plan.validation, few), SILENT)
                self.work.save(reached.step, plan.identity, self._state(), self._write)
            if self._out_of_patience():
                times = "evaluation" if plan.spec.patience == 1 else f"{plan.spec.patience} evaluations"
                self.progress.say(f"no better {plan.metric} in {times}: stopped")
                break
            clock = time.monotonic()
        last = self._last
        assert last is not None
        if self.best is None:
            self._evaluate(last)
        assert self.best is not None
        self._publish()
        rows = len(plan.rows.encoded)
        return Fitted(
            best=self.best,
            history=self.history,
            steps=last.step,
            epochs=last.epoch,
            padding_share=round(1 - last.tokens / last.computed_tokens, 6),
            trained_rows=round((last.step - self.begun_at) * rows * plan.spec.epochs / self.training.steps),
            seconds=seconds,
            precision=self.precision,
        )

    def _log(self, reached: Reached) -> None:
        every = self.plan.spec.log_every
        if every and reached.step % every == 0:
            self.progress.say(
                f"step {reached.step}/{self.training.steps}: loss {reached.loss:.4f}, rate {reached.lr:.3g}"
            )

    def _evaluate(self, reached: Reached) -> None:
        """Scores the model on the validation rows; it is written where it is the best so far."""
        plan, task = self.plan, self.plan.classifier.task
        logits = self._answers(plan.validation, self.progress)
        scores = task.scores(logits, plan.truth, plan.classifier.labels)
        self.history.append(history.row(reached, scores, task.shown))
        self.progress.say(history.line(plan.spec.epochs, self.history[-1]))
        if selection.is_better(scores, self.best.scores if self.best else None, plan.metric):
            better = Best(len(self.history) - 1, scores, logits, self._place_of_best(reached.step))
            better.write(plan.classifier)
            if self.best is not None:
                self.best.discard()
            self.best = better

    def _answers(self, rows: Encoded, progress: Progress) -> NDArray[np.float32]:
        """The (answers, classes) logits of the model as it stands.

        Raises `InputError` where they are no numbers: finite weights may give none, and are not to be kept.
        """
        import numpy as np

        plan = self.plan
        logits = predict_logits(
            *(plan.classifier, rows, plan.device),
            *(budget_for(plan.device, plan.spec.tokens_per_batch), progress),
            rows_per_batch=plan.spec.eval_batch_size,
        )
        logits = as_the_first(logits, plan.device)
        if not np.isfinite(logits).all():
            raise no_number("the answers are", self.training.step, self.training.steps, plan.lr, exact=False)
        return logits

    def _place_of_best(self, step: int) -> Path:
        return self.staging / f"best-{step}"

    def _out_of_patience(self) -> bool:
        patience = self.plan.spec.patience
        return bool(patience and self.best and len(self.history) - 1 - self.best.place >= patience)

    def _state(self) -> dict[str, Any]:
        """What a checkpoint tells beside its tensors."""
        assert self._last is not None
        return {
            "training": self.training.state()[1],
            "precision": self.precision,
            "reached": vars(self._last),
            "history": self.history,
            "best": self.best.told() if self.best else None,
        }

    def _write(self, checkpoint: Path) -> None:
        """Puts the tensors of the moment, and the best model, into a checkpoint's folder."""
        self._write_tensors(checkpoint)
        if self.best is not None:
            self.best.keep_in(checkpoint)

    def _write_tensors(self, checkpoint: Path) -> None:
        from safetensors.torch import save_file, save_model

        save_model(self.plan.classifier.model, str(checkpoint / _MODEL))
        save_file(self.training.state()[0], str(checkpoint / _OPTIMIZER))

    def _restore(self, found: Checkpoint) -> None:
        """The state that `_write` and `_state` wrote."""
        from safetensors.torch import load_file, load_model

        try:
            load_model(self.plan.classifier.model, str(found.path / _MODEL))
        except RuntimeError as error:
            raise InputError(
                f"{found.path}: its weights are of another model", hint="--resume none begins anew"
            ) from error
        state = found.state
        self.training.load_state(load_file(str(found.path / _OPTIMIZER)), state["training"])
        self.history = list(state["history"])
        self._last = Reached(**state["reached"])
        self.best = Best.kept_in(found.path, state["best"], self._place_of_best(found.step))

    def _publish(self) -> None:
        """The best model stands in the staging folder itself; beside it the last state, if asked for."""
        assert self.best is not None
        self.best.publish(self.staging)
        if self.plan.spec.keep_optimizer:
            kept = self.staging / KEPT
            kept.mkdir()
            checkpoints.write_checkpoint(
                kept, self.training.step, self.plan.identity, self._state(), self._write_tensors
            )


def _scores_of_nothing(plan: Plan) -> dict[str, Any]:
    """The scores of a model that answers nothing: which scores there are is known before any step."""
    import numpy as np

    task, labels = plan.classifier.task, plan.classifier.labels
    answers = len(plan.validation) if task.by_row else len(plan.validation.ids)
    nothing = np.zeros((answers, len(labels)), dtype=np.float32)
    return task.scores(nothing, plan.truth, labels)
