"""`finetune`: from labelled rows and a tokenizer to a classifier, or to one a fold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import UsageError
from tokkit.model.folds.cross_validate import FoldsResult, cross_validate
from tokkit.model.folds.drawing import is_ready
from tokkit.model.folds.prepared import folds_job
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import task_of
from tokkit.model.training import encoded_cache
from tokkit.model.training import training_rows as labelled
from tokkit.model.training.job import Job, check_asked, local_paths
from tokkit.model.training.run import FinetuneResult
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress


def finetune(
    dataset: str | Path,
    tokenizer: str | Path | None = None,
    model: str | Path | None = None,
    out: str | Path = "model",
    spec: FinetuneOptions | None = None,
    *,
    validation_data: str | Path | None = None,
    options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> FinetuneResult | FoldsResult:
    """Fine-tunes ``model``, or a small encoder built for the tokenizer, and writes the folder ``out``.

    Trains on the train split, validates after every epoch on the validation split, and keeps the epoch
    that is best by ``metric``; a test split is never looked at. With ``folds``, and for a data set of folds
    that `split` wrote, ``out`` holds a model a fold (`cross_validate`). ``settings`` are fields of
    `FinetuneOptions` and `DatasetOptions`. On the same machine at the same thread count, the same call gives
    the same bytes.

    Raises `InputError` for data, a tokenizer or a model that do not fit each other, `OutputError` where
    ``out`` exists, `UsageError` where neither tokenizer nor model is named.
    """
    spec, options = apply_to_both(FinetuneOptions, spec, DatasetOptions, options, settings)
    files.check_output(Path(out), force=force, kind="folder")
    if spec.folds is not None or is_ready(dataset):
        job, folded = folds_job(dataset, tokenizer, model, spec, validation_data, options, threads, progress)
        return cross_validate(job, folded, Path(out), force=force)
    if spec.group_column is not None:
        raise UsageError("--group-column: keeps rows in one fold", hint="--folds 5 makes folds")
    check_asked(tokenizer, model, spec)
    loaded = read_dataset(dataset, options, progress, lists=True)
    training, validation = labelled.training_and_validation(
        loaded, validation_data, options, spec.seed, progress, task_of(spec.task, loaded)
    )
    inputs = [*loaded.files, *local_paths(tokenizer, model, validation_data, spec.class_weights)]
    encoder = encoded_cache.encode if spec.no_cache else encoded_cache.cached
    job = Job(loaded, tokenizer, model, spec, options, tuple(inputs), threads, progress, encoder)
    return job.train(training, validation, Path(out), force=force, shown=str(out))
