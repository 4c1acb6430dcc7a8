"""`finetune`: from labeled rows and a tokenizer to a classifier, or to one per fold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokkit.data.encoding.read_ids import read_rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import UsageError
from tokkit.model.folder.receipt import fold_folders
from tokkit.model.folder.recorded_run import recorded_run
from tokkit.model.folds.cross_validate import FoldsResult, cross_validate
from tokkit.model.folds.fold_rows import folds_request
from tokkit.model.network.classifier import Classifier, choose_device
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.options.process_options import ProcessOptions
from tokkit.model.requests.checks import check_finetune
from tokkit.model.requests.ids import for_ids
from tokkit.model.tasks import task_of
from tokkit.model.training.data_parallel import on_processes, train_in_processes
from tokkit.model.training.dry_run import dry_run as forecast
from tokkit.model.training.encoded_rows import cached
from tokkit.model.training.train_model import (
    FinetuneRequest,
    FinetuneResult,
    local_paths,
    train_model,
)
from tokkit.model.training.training_rows import training_and_validation
from tokkit.options import apply_known, apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.runtime.dry_run import DryRunResult
from tokkit.runtime.processes import process_count


def finetune(
    dataset: str | Path | None = None,
    tokenizer: str | Path | None = None,
    model: str | Path | None = None,
    out: str | Path = "model",
    options: FinetuneOptions | None = None,
    *,
    validation_data: str | Path | None = None,
    like: str | Path | None = None,
    read_options: DatasetOptions | None = None,
    process_options: ProcessOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    dry_run: bool = False,
    progress: Progress = SILENT,
    **settings: Any,
) -> FinetuneResult | FoldsResult | DryRunResult:
    """Fine-tune ``model``, or a small encoder built for the tokenizer, and write the folder ``out``.

    Trains on the train split, validates after every epoch on the validation split, and keeps the epoch
    that is best by ``metric``; a test split is not used. With ``folds``, and for a data set of folds that
    `split` wrote, ``out`` has one model per fold (`cross_validate`). ``settings`` are fields of
    `FinetuneOptions` and `DatasetOptions`. On the same machine with the same number of threads, the same call
    gives the same bytes.

    dry_run   run a few steps, write nothing, and return the time, memory and disk that all of it would take
    like      a folder that `finetune` wrote, or its tokkit.json: what this call leaves out is as it was there

    Raises `InputError` for data, a tokenizer or a model that do not fit each other, `OutputError` where
    ``out`` exists, `UsageError` where no data set, or neither tokenizer nor model is named.
    """
    process_options, settings = apply_known(ProcessOptions, process_options, settings)
    if like is not None:
        run = recorded_run(like, progress)
        # Not where torchrun has started the processes, and a dry run measures one of them.
        if not process_options.set_fields and process_count() == 1 and not dry_run:
            process_options = run.process_options
        validation_data = validation_data or (run.names["validation_data"] if dataset is None else None)
        dataset = dataset or run.names["dataset"]
        tokenizer, model = tokenizer or run.names["tokenizer"], model or run.names["model"]
        settings, threads = {**run.settings, **settings}, threads or run.threads
    if dataset is None:
        raise UsageError("name a data set to train on", hint="name it first")
    options, read_options = apply_to_both(FinetuneOptions, options, DatasetOptions, read_options, settings)
    check_finetune(
        *(dataset, tokenizer, model, out, options, process_options),
        validation_data=validation_data,
        force=force,
        dry_run=dry_run,
    )
    choose_device(options.device)
    options = for_ids(options, (dataset, validation_data), tokenizer or model, progress)
    options, threads = on_processes(options, process_options, threads, progress)
    if options.folds is not None or fold_folders(dataset):
        folds = folds_request(
            dataset,
            tokenizer,
            model,
            options,
            read_options,
            process_options=process_options,
            threads=threads,
            progress=progress,
        )
        if dry_run:
            first, models = folds.folded.folds[0], len(folds.folded.folds)
            return forecast(folds, first.training, first.validation, out, models=models)
        return cross_validate(folds, Path(out), force=force)
    loaded = read_rows(dataset, read_options, progress)
    training, validation = training_and_validation(
        loaded, validation_data, read_options, options.seed, progress, task_of(options.task, loaded)
    )
    # Described in the receipt, and never overwritten by ``out``.
    inputs = [*loaded.files, *local_paths(tokenizer, model, validation_data, options.class_weights)]
    request = FinetuneRequest(
        source=dataset,
        validation_data=validation_data,
        dataset=loaded,
        tokenizer=tokenizer,
        model=model,
        options=options,
        read_options=read_options,
        inputs=tuple(inputs),
        threads=threads,
        progress=progress,
        encoder=Classifier.encode if options.no_cache else cached,
        process_options=process_options,
    )
    if dry_run:
        return forecast(request, training, validation, out)
    if process_options.several:
        return train_in_processes(request, training, validation, Path(out), force=force)
    return train_model(request, training, validation, Path(out), force=force)
