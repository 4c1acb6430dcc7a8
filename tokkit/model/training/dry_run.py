"""`finetune --dry-run`: time, memory and disk of a training, from a few of its steps.

    rows as ids, baseline on a sample, a few optimizer steps, a few validation rows -> seconds of each
    seconds x tokens of the whole training / tokens of the sample -> forecast

The steps are real: the same batches, loss, optimizer and precision. Nothing is written, not even to the cache
of encoded rows.
"""

from __future__ import annotations

import io
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.errors import TokkitError, UsageError
from tokkit.model.folder.model_folder import tokenizer_bytes
from tokkit.model.folder.predictions import prediction_table
from tokkit.model.network.batches import part_of
from tokkit.model.network.classifier import Classifier, budget_for, predict_logits
from tokkit.model.options.finetune_options import steps_between
from tokkit.model.training.accelerator import choose_precision
from tokkit.model.training.baseline import baseline, baseline_kind
from tokkit.model.training.schedule import steps_per_epoch
from tokkit.model.training.setup import EncodedRows, TrainingSetup
from tokkit.model.training.steps import Steps
from tokkit.model.training.train_model import FinetuneRequest, classifier_for, prepare
from tokkit.progress import SILENT, Progress, peak_memory
from tokkit.runtime.dry_run import DryRunResult
from tokkit.runtime.processes import process_count

# Steps of a measurement, the first of which warm up; measurements, and seconds after which there are no more.
_STEPS, _MEASUREMENTS, _LONGEST = 2, 10, 20.0
# Rows that the baseline is trained on, and validation rows that are predicted.
_BASELINE_ROWS, _VALIDATION_ROWS = 2_000, 256
# Bytes of what is small and hardly varies: curves, history, card, receipt.
_REST = 70_000


def dry_run(
    request: FinetuneRequest, training: Rows, validation: Rows, out: str | Path, *, models: int = 1
) -> DryRunResult:
    """What training on the rows would take, as often as there are ``models`` (folds), which are alike.

    Raises as `train_model`, and `UsageError` in several processes, which would have to stop at one step.
    """
    if process_count() > 1:
        raise UsageError("--dry-run: measures one process", hint="start it without torchrun")
    started = time.monotonic()
    request = replace(request, encoder=Classifier.encode)
    progress, options = request.progress, request.options
    classifier = classifier_for(request, training)
    kind = baseline_kind(
        options.baseline, classifier, from_scratch=request.from_scratch, texts=not training.input_ids
    )
    setup = prepare(request, classifier, training, validation)
    prepared = time.monotonic() - started
    linear = _timed_baseline(kind, setup, request.threads)
    steps, trained, training_seconds = _timed_steps(setup, progress)
    sample, logits, validation_seconds = _timed_validation(setup, progress)
    count = steps_per_epoch(len(setup.training.encoded), options) * options.epochs
    every = steps_between("--eval-every", options.eval_every, count // options.epochs) or count
    # Out-of-fold predictions are those of the written models, computed once more.
    evaluations = -(-count // every) + (models > 1)
    tokens = int(setup.training.encoded.lengths.sum()) * options.epochs
    held_out = len(setup.validation.encoded) / max(len(sample.encoded), 1)
    seconds = {
        "preparation": prepared,
        "baseline": linear["seconds"] * len(training.texts) / max(linear["baseline rows"], 1),
        "training": training_seconds * tokens / max(trained["tokens"], 1),
        "validation": validation_seconds * held_out * evaluations,
    }
    result = DryRunResult(
        output=str(out),
        work={"rows": len(training.texts), "steps": count * models, "evaluations": evaluations * models},
        seconds={part: round(value * models, 1) for part, value in seconds.items()},
        memory={"process": peak_memory(), **_device_memory(setup.device)},
        disk=_disk(setup, steps, _table_bytes(setup, sample, logits) * held_out, models, count),
        measured={
            "training": {"steps": trained["steps"], "seconds": round(training_seconds, 3)},
            "validation": {"validation rows": len(sample.encoded), "seconds": round(validation_seconds, 3)},
            "baseline": linear,
        },
    )
    result.warn_of_space(progress)
    return result


def _sampled(rows: EncodedRows, setup: TrainingSetup, most: int) -> EncodedRows:
    """At most so many of the rows, by the seed."""
    if len(rows.encoded) <= most:
        return rows
    chosen = np.sort(np.random.default_rng(setup.options.seed).permutation(len(rows.encoded))[:most])
    part, encoded = rows.rows.only([rows.rows.positions[i] for i in chosen]), part_of(rows.encoded, chosen)
    classifier = setup.classifier
    return EncodedRows(part, encoded, classifier.task.targets(part, classifier.labels, "a sample", encoded))


def _timed_baseline(kind: str, setup: TrainingSetup, threads: int | None) -> dict[str, float]:
    """Rows and seconds of a baseline that is trained on a sample."""
    sample = _sampled(setup.training, setup, _BASELINE_ROWS)
    held_out = _sampled(setup.validation, setup, _BASELINE_ROWS)
    started = time.monotonic()
    try:
        trained = baseline(kind, replace(setup, training=sample, validation=held_out), threads, SILENT)
    except TokkitError:
        trained = None
    rows = len(sample.encoded) if trained else 0
    return {"baseline rows": rows, "seconds": round(time.monotonic() - started, 3) if rows else 0.0}


def _timed_steps(setup: TrainingSetup, progress: Progress) -> tuple[Steps, dict[str, int], float]:
    """The steps as they are after some, the number of measured steps and tokens, and their seconds."""
    options = replace(setup.options, log_every=_STEPS, eval_every="never", save_every="never", patience=None)
    steps = Steps(replace(setup, options=options), choose_precision(setup, progress))
    started = time.monotonic()
    marks = [(0, 0, started)]
    for report in steps.run(progress):
        marks.append((report.step, report.tokens, time.monotonic()))
        if len(marks) > _MEASUREMENTS or (len(marks) > 2 and marks[-1][2] - started > _LONGEST):
            break
    # The first steps start threads and fill caches; they count where there are no others.
    (first, before, start), (last, after, end) = marks[1 if len(marks) > 2 else 0], marks[-1]
    return steps, {"steps": last - first, "tokens": after - before}, end - start


def _timed_validation(
    setup: TrainingSetup, progress: Progress
) -> tuple[EncodedRows, NDArray[np.float32], float]:
    """Some validation rows, their logits, and the seconds that these took."""
    sample, options = _sampled(setup.validation, setup, _VALIDATION_ROWS), setup.options
    budget = budget_for(setup.device, options.tokens_per_batch)
    started = time.monotonic()
    logits = predict_logits(
        setup.classifier,
        sample.encoded,
        setup.device,
        budget,
        progress,
        rows_per_batch=options.eval_batch_size,
    )
    return sample, logits, time.monotonic() - started


def _device_memory(device: torch.device) -> dict[str, int]:
    return {"GPU": torch.cuda.max_memory_allocated(device)} if device.type == "cuda" else {}


def _table_bytes(setup: TrainingSetup, sample: EncodedRows, logits: NDArray[np.float32]) -> int:
    """Bytes of the table of predictions of these rows."""
    classifier, file = setup.classifier, io.BytesIO()
    prediction_table(classifier.task, sample.rows, classifier.labels, logits, sample.targets).write_parquet(
        file
    )
    return file.tell()


def _disk(setup: TrainingSetup, steps: Steps, predictions: float, models: int, count: int) -> dict[str, int]:
    """Bytes of the model folders, and of the checkpoints next to them at the most."""
    options, model = setup.options, setup.classifier.model
    # Tied weights are written once.
    tensors = {value.data_ptr(): value.nbytes for value in model.state_dict().values()}
    weights = sum(tensors.values())
    state = weights + sum(value.nbytes for value in steps.tensors().values())
    folder = weights + tokenizer_bytes(setup.classifier) + int(predictions) + _REST
    every = steps_between("--save-every", options.save_every, count // options.epochs)
    saved = -(-count // every) if every else 0
    # While one is saved, those to keep are still there, and links keep the best model of each.
    checkpoints = min(saved, options.keep + 1) * (state + folder)
    retained = state if options.keep_optimizer else 0
    return {"output": (folder + retained) * models, "checkpoints": checkpoints}
