"""From a data set and settings to folds of rows and the job that trains on them."""

from __future__ import annotations

from pathlib import Path

from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import UsageError
from tokkit.model.folds import drawing
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.training import encoded_cache, processes
from tokkit.model.training.encoded_once import EncodedOnce
from tokkit.model.training.job import Job, check_asked, local_paths
from tokkit.progress import Progress, SayOnce


def folds_job(
    dataset: str | Path,
    tokenizer: str | Path | None,
    model: str | Path | None,
    spec: FinetuneOptions,
    validation_data: str | Path | None,
    options: DatasetOptions,
    threads: int | None,
    progress: Progress,
) -> tuple[Job, drawing.FoldedRows]:
    """The rows in folds, and the job that trains on them; each text of theirs will be encoded once."""
    check_asked(tokenizer, model, spec)
    if processes.count() > 1:
        raise UsageError(
            f"{processes.count()} processes train one model together, and folds are several models",
            hint="start it without torchrun",
        )
    once = SayOnce(progress)
    if validation_data is not None:
        raise UsageError(
            f"--validation-data {validation_data}: each fold is validated on its own rows",
            hint="leave it out, or leave --folds out; tokkit evaluate scores the folds on other rows",
        )
    if spec.resume not in ("auto", "none"):
        raise UsageError(
            f"--resume {spec.resume}: a checkpoint is of one training, not of folds",
            hint="leave it out: finished folds and the checkpoints of the one under way are found",
        )
    if drawing.is_ready(dataset):
        folded = drawing.ready(dataset, options, spec, once)
    else:
        folded = drawing.drawn(read_dataset(dataset, options, once, lists=True), spec, once)
    inputs = [*folded.files, *local_paths(tokenizer, model, spec.class_weights)]
    encoder = EncodedOnce(folded.parts, encoded_cache.encode if spec.no_cache else encoded_cache.cached)
    return Job(folded.dataset, tokenizer, model, spec, options, tuple(inputs), threads, once, encoder), folded
