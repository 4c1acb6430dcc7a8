"""The models of all folds: one after another, or several at a time in processes of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.errors import Interrupted, counted
from tokkit.model.folder.receipt import ModelReceipt, fold_name
from tokkit.model.folds.fold_rows import FoldsRequest
from tokkit.model.folds.model_queue import train_queued
from tokkit.model.network import pretrained
from tokkit.model.network.classifier import choose_device
from tokkit.model.options.process_options import ProcessOptions
from tokkit.model.training.accelerator import precision_for
from tokkit.model.training.train_model import FinetuneRequest, FinetuneResult, train_model
from tokkit.progress import SILENT, Progress
from tokkit.runtime.workers import Job


@dataclass(frozen=True)
class QueuedFolds:
    """What trains each fold into its folder in ``work``.

    identity  decides which folds of an interrupted run are still valid
    out       the folder in results, or ``name``, where that differs from it
    """

    request: FoldsRequest
    work: Path
    identity: str
    out: str
    name: str | None

    def called(self, number: int) -> str:
        """How messages call a fold."""
        return f"{f'{self.name}, ' if self.name else ''}fold {number} of {len(self.request.folded.folds)}"

    def model(self, number: int) -> str:
        """The model folder of a fold in its result."""
        return f"{self.name or self.out}/{fold_name(number)}"

    def finished(self, number: int) -> FinetuneResult | None:
        """The result of a fold that an earlier run has finished, from its receipt; None without one."""
        folder = self.work / fold_name(number)
        receipt = finished(folder, self._mark(number), self.request)
        return FinetuneResult.recorded(receipt, self.model(number)) if receipt else None

    def train(self, number: int, progress: Progress) -> FinetuneResult:
        """Train one of the folds; in a process of its own, with the precision of the first."""
        request = replace(self.request, progress=progress, process_options=ProcessOptions())
        options = request.options
        if number > 1 and options.precision == "auto":
            width = pretrained.hidden_width(request.model, options)
            chosen = precision_for(choose_device(options.device), width, SILENT)
            request = replace(request, options=replace(options, precision=chosen))
        return self.train_with(request, number)

    def train_with(self, request: FoldsRequest, number: int) -> FinetuneResult:
        """Train one of the folds as ``request`` has it."""
        folder, fold = self.work / fold_name(number), request.folded.folds[number - 1]
        request.progress.say(
            f"{self.called(number)}: {counted(len(fold.training.texts), 'row', style=',')} to train on, "
            f"{len(fold.validation.texts):,} to validate on"
        )
        return train_model(
            request,
            *(fold.training, fold.validation, folder),
            force=folder.exists(),
            name=self.model(number),
            record={"fold": number, "fingerprint": self._mark(number)},
        )

    def _mark(self, number: int) -> str:
        return f"{self.identity}-{number}"


def train_folds(
    request: FoldsRequest, work: Path, identity: str, *, out: str, name: str | None
) -> list[FinetuneResult]:
    """The results of all folds, with their model folders in ``work``; finished ones are reused."""
    queued = QueuedFolds(request, work, identity, out, name)
    if request.process_options.count > 1:
        return _train_at_once(queued)
    results: list[FinetuneResult] = []
    progress = request.progress
    for number in range(1, len(request.folded.folds) + 1):
        if result := queued.finished(number):
            progress.say(_already_finished(queued.called(number)))
        else:
            try:
                result = queued.train_with(request, number)
            except Interrupted as error:
                raise Interrupted(
                    f"interrupted in {queued.called(number)}; {len(results)} are finished, "
                    "and the same command continues after them"
                ) from error
        results.append(result)
        # The precision of the first fold is that of all, also where another machine continues.
        options = replace(request.options, precision=results[0].precision)
        request = replace(request, options=options)
    return results


def finished(folder: Path, expected: str, request: FinetuneRequest) -> ModelReceipt | None:
    """The receipt of a folder that an earlier run finished with this fingerprint; None for any other.

    One of other settings or rows is discarded, which is reported, as is any with ``--resume none``.
    """
    if not (folder / files.RECEIPT).is_file():
        return None
    receipt = ModelReceipt.read(folder)
    if request.options.resume == "auto" and receipt.fingerprint == expected:
        return receipt
    none = request.options.resume == "none"
    reason = "--resume none" if none else "it has other settings or rows"
    request.progress.say(f"{folder.name} of an unfinished run is discarded: {reason}")
    return None


def _train_at_once(queued: QueuedFolds) -> list[FinetuneResult]:
    """The results of all folds, of which as many are trained at a time as there are processes."""
    request = queued.request
    results: dict[int, FinetuneResult] = {}
    jobs = []
    for number in range(1, len(request.folded.folds) + 1):
        called = queued.called(number)
        if result := queued.finished(number):
            results[number] = result
            jobs.append(Job(called, None, [_already_finished(called)]))
        else:
            jobs.append(Job(called, {"number": number}))
    options = request.options
    if first := results.get(1):
        options = replace(options, precision=first.precision)
    content = replace(queued, request=replace(request, options=options, progress=SILENT))

    def keep(job: int, fields: Mapping[str, Any]) -> None:
        results[job + 1] = FinetuneResult(**fields)

    train_queued(request, content, jobs, keep, "folds")
    return [results[number] for number in sorted(results)]


def _already_finished(called: str) -> str:
    return f"{called}: finished by an earlier run, not trained again"
