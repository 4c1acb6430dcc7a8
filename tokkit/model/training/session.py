"""One training: steps, evaluations, the best model kept, checkpoints on the way, and resuming from them.

    train to the next stop -> evaluate -> keep the best -> save -> train on, until the end or out of patience

What is known at a stop, the history and the best model included, is part of the checkpoint saved there.
"""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file, load_model, save_file, save_model

from tokkit.errors import InputError, Interrupted, TokkitError
from tokkit.model.network.batches import part_of
from tokkit.model.network.classifier import budget_for
from tokkit.model.training import evaluations
from tokkit.model.training.accelerator import choose_precision, predict_shared
from tokkit.model.training.checkpoints import Checkpoint, Checkpoints, identity_of, write_checkpoint
from tokkit.model.training.evaluations import Best
from tokkit.model.training.setup import TrainingSetup, validation_loss
from tokkit.model.training.steps import StepReport, Steps, diverged
from tokkit.model.training.trackers import Reporter
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded

_MODEL, _OPTIMIZER = "model.safetensors", "optimizer.safetensors"
# Rows predicted before a checkpoint that is not due for an evaluation is saved.
_CHECKED_ROWS = 8
_RESUMES = "the checkpoint after step {step} is kept: the same command continues from there"
# Where ``--keep-optimizer`` leaves the last checkpoint in a model folder.
LAST_CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class TrainingResult:
    """Outcome of a training, whose best model is in the staging folder.

    steps, epochs   of the whole training, an earlier run's included
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


@dataclass
class TrainingSession:
    """A training on its way: all state that changes from stop to stop.

    staging   the folder that gets the best model
    history   a row per evaluation
    """

    setup: TrainingSetup
    staging: Path
    checkpoints: Checkpoints
    progress: Progress = SILENT
    reporter: Reporter = field(default_factory=Reporter)
    history: list[dict[str, Any]] = field(default_factory=list)
    best: Best | None = None
    steps: Steps | None = None
    _last: StepReport | None = None

    @property
    def metric(self) -> str:
        """The score that picks the best evaluation."""
        return self.setup.options.metric or self.setup.classifier.task.metric

    def run(self) -> TrainingResult:
        """Train to the end and put the best model into ``staging``.

        Raises `InputError` for a loss that is NaN, for a checkpoint of another training and for too little
        memory; `UsageError` for options that are not possible; `OutputError` where a checkpoint cannot be
        written; `Interrupted`. Checkpoints stay, and the error or a message says how to resume.
        """
        seconds = 0.0
        # The checkpoint, if there is one, decides where the loop below starts; it may be at its end.
        with self._resumable():
            steps = self._begin()
            first = steps.step
            with self.reporter.open(first, self.progress):
                clock = time.monotonic()
                for report in iter(()) if self._out_of_patience() else steps.run(self.progress):
                    seconds += time.monotonic() - clock
                    self._handle_stop(report)
                    if self._out_of_patience():
                        patience = self.setup.options.patience
                        times = "evaluation" if patience == 1 else f"{patience} evaluations"
                        self.progress.say(f"no better {self.metric} in {times}: stopped")
                        break
                    clock = time.monotonic()
                return self._finish(first, seconds)

    @contextmanager
    def _resumable(self) -> Iterator[None]:
        """Say with every error which checkpoint is kept, and how to resume from it."""
        try:
            yield
        except BaseException as error:
            # Also for Ctrl-C: whoever stops a long run needs to know what is kept of it.
            step = self.checkpoints.newest_step()
            if step is None:
                self.checkpoints.discard()
            elif isinstance(error, InputError) and self.steps is not None:
                resume = f"--resume {shlex.quote(str(self.checkpoints.folder))}"
                message = f"{error.message}; the checkpoint after step {step} is kept"
                lines = (error.hint or "continue from it:\n").split("\n")
                hint = "\n".join([lines[0], *(f"{line} {resume}".lstrip() for line in lines[1:])])
                raise InputError(message, hint=hint) from error
            # Of several processes, one that stops fails the others.
            elif isinstance(error, KeyboardInterrupt | Interrupted) or self.progress.cancelled():
                raise Interrupted(f"interrupted; {_RESUMES.format(step=step)}") from error
            elif not isinstance(error, TokkitError) or self.steps is not None:
                self.progress.say(_RESUMES.format(step=step))
            raise

    def _begin(self) -> Steps:
        """Find a checkpoint, choose the precision, and build the steps, from the checkpoint on."""
        options = self.setup.options
        # Before the first step: the identity includes the initial weights.
        self._identity = identity_of(self.setup)
        checkpoint = self.checkpoints.find(self._identity, options.resume, self.progress)
        if checkpoint is not None and options.precision == "auto":
            # Another machine might choose another precision now, and other bytes.
            self._precision = str(checkpoint.state["precision"])
        else:
            self._precision = choose_precision(self.setup, self.progress)
        observe = self.reporter.log if self.setup.options.report_to else None
        steps = Steps(self.setup, self._precision, observe)
        if checkpoint is not None:
            # After the steps are built: they move the model to its device, and the optimizer to its weights.
            self._restore(checkpoint, steps)
        # Only now, when nothing can fail any more that a corrected command would resume from.
        self.checkpoints.clean(checkpoint, options.resume, self.progress)
        self.steps = steps
        return steps

    def _handle_stop(self, report: StepReport) -> None:
        """Do what is due: log, evaluate, save."""
        self._last = report
        log_every = self.setup.options.log_every
        if log_every and report.step % log_every == 0:
            count = self._running.count
            f1 = "" if report.macro_f1 is None else f", macro F1 {report.macro_f1:.4f}"
            self.progress.say(
                f"step {report.step}/{count}: loss {report.loss:.4f}, accuracy {report.accuracy:.4f}{f1}, "
                f"rate {report.lr:.3g}"
            )
        if report.evaluate:
            self._evaluate(report)
        if report.save:
            if not report.evaluate:
                # Finite weights may give logits that are not; such a checkpoint would be a dead end.
                encoded = self.setup.validation.encoded
                self._logits(part_of(encoded, np.arange(min(_CHECKED_ROWS, len(encoded)))), SILENT)
            self.checkpoints.save(report.step, self._identity, self._state(), self._write_checkpoint)

    def _evaluate(self, report: StepReport) -> None:
        """Score the model on the validation rows; write it where it is the best so far."""
        classifier, validation = self.setup.classifier, self.setup.validation
        logits = self._logits(validation.encoded, self.progress)
        scores = classifier.task.scores(logits, validation.targets, classifier.labels)
        chosen = validation_loss(self.setup, logits)
        self.history.append(evaluations.history_row(report, scores, classifier.task.headline, chosen))
        # train_loss, validation_loss: trackers display train/... and validation/... in groups.
        values = {name.replace("_", "/", 1): value for name, value in self.history[-1].items() if "_" in name}
        self.reporter.log(values, report.step)
        self.progress.say(evaluations.sentence(self.setup.options.epochs, self.history[-1], scores))
        if evaluations.is_better(scores, self.best.scores if self.best else None, self.metric):
            # Written at once: the weights change with the next step.
            better = Best(len(self.history) - 1, scores, logits, self._best_folder(report.step))
            better.write(classifier)
            if self.best is not None:
                # After the better one is written, so that there is always one complete model.
                shutil.rmtree(self.best.model)
            self.best = better

    def _logits(self, rows: Encoded, progress: Progress) -> NDArray[np.float32]:
        """(rows or tokens, classes) logits of the model as it is now.

        Raises `InputError` where they are not finite: finite weights may give such logits, and must not be
        kept.
        """
        device, options = self.setup.device, self.setup.options
        budget = budget_for(device, options.tokens_per_batch)
        # Of several processes each predicts a share, and all get the same: they must agree on the best one.
        logits = predict_shared(
            self.setup.classifier, rows, device, budget, progress, options.eval_batch_size
        )
        if not np.isfinite(logits).all():
            steps = self._running
            raise diverged("logits are", steps.step, steps.count, self.setup.lr, exact=False)
        return logits

    def _best_folder(self, step: int) -> Path:
        return self.staging / f"best-{step}"

    def _out_of_patience(self) -> bool:
        patience = self.setup.options.patience
        return bool(patience and self.best and len(self.history) - 1 - self.best.index >= patience)

    def _state(self) -> dict[str, Any]:
        """What a checkpoint has as JSON."""
        return {
            "training": self._running.state(),
            "precision": self._precision,
            "reached": vars(self._last),
            "history": self.history,
            "best": self.best.state() if self.best else None,
        }

    def _write_checkpoint(self, folder: Path) -> None:
        """Write the tensors of the moment, and the best model, into the folder of a checkpoint."""
        self._write_tensors(folder)
        if self.best is not None:
            self.best.write_to(folder)

    def _write_tensors(self, folder: Path) -> None:
        # `save_model` handles tied weights, which `save_file` refuses.
        save_model(self.setup.classifier.model, str(folder / _MODEL))
        save_file(self._running.tensors(), str(folder / _OPTIMIZER))

    def _restore(self, checkpoint: Checkpoint, steps: Steps) -> None:
        """Load what `_write_checkpoint` and `_state` saved."""
        try:
            load_model(self.setup.classifier.model, str(checkpoint.path / _MODEL))
        except RuntimeError as error:
            raise InputError(
                f"{checkpoint.path}: its weights are of another model", hint="start over:\n--resume none"
            ) from error
        state = checkpoint.state
        steps.load_state(load_file(str(checkpoint.path / _OPTIMIZER)), state["training"])
        self.history = list(state["history"])
        self._last = StepReport(**state["reached"])
        self.best = Best.read_from(checkpoint.path, state["best"], self._best_folder(checkpoint.step))

    def _finish(self, first: int, seconds: float) -> TrainingResult:
        """Move the best model into ``staging``, with ``--keep-optimizer`` also the last checkpoint.

        first, seconds   the step this run began at, and the time it trained
        """
        last, steps, options = self._last, self._running, self.setup.options
        assert last is not None
        if self.best is None:  # --eval-every never
            self._evaluate(last)
        assert self.best is not None
        self.reporter.log({f"best/{name}": v for name, v in self.best.scores.items()}, last.step)
        self.best.move_to(self.staging)
        if options.keep_optimizer:
            folder = self.staging / LAST_CHECKPOINT
            folder.mkdir()
            write_checkpoint(folder, steps.step, self._identity, self._state(), self._write_tensors)
        # Rows of the steps of this run, resumed ones not counted: the basis of rows per second.
        rows = len(self.setup.training.encoded) * options.epochs
        return TrainingResult(
            best=self.best,
            history=self.history,
            steps=last.step,
            epochs=last.epoch,
            padding_share=round(1 - last.tokens / last.computed_tokens, 6),
            trained_rows=round((last.step - first) * rows / steps.count),
            seconds=seconds,
            precision=self._precision,
        )

    @property
    def _running(self) -> Steps:
        assert self.steps is not None
        return self.steps
