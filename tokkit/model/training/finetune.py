"""`finetune`: from labelled rows and a tokenizer to a classifier."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data.loading.load import DatasetOptions, load_dataset
from tokkit.errors import UsageError
from tokkit.model import labelled
from tokkit.model.inference import choose_device
from tokkit.model.spec import FinetuneSpec
from tokkit.model.training.run import FinetuneResult, Run
from tokkit.options import merged_pair
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder import self_test

if TYPE_CHECKING:
    pass

_PACKAGES = ("numpy", "polars", "scikit-learn", "tokenizers", "torch", "transformers")


def finetune(
    dataset: str | Path,
    tokenizer: str | Path | None = None,
    model: str | Path | None = None,
    out: str | Path = "model",
    spec: FinetuneSpec | None = None,
    *,
    validation_data: str | Path | None = None,
    options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> FinetuneResult:
    """Fine-tunes ``model``, or a small encoder built for the tokenizer, and writes the folder ``out``.

    Trains on the train split, validates after every epoch on the validation split, and keeps the epoch
    that is best by ``metric``; a test split is never looked at. ``settings`` are fields of
    `FinetuneSpec` and `DatasetOptions`. On the same machine at the same thread count, the same call gives
    the same bytes.

    Raises `InputError` for data, a tokenizer or a model that do not fit each other, `OutputError` where
    ``out`` exists, `UsageError` where neither tokenizer nor model is named.
    """
    spec, options = merged_pair(FinetuneSpec, spec, DatasetOptions, options, settings)
    if tokenizer is None and model is None:
        raise UsageError(
            "name a tokenizer to build an encoder for, or a model to fine-tune",
            hint="tokkit finetune DATASET --tokenizer out/",
        )
    files.check_output(Path(out), force=force, kind="folder")
    choose_device(spec.device)
    loaded = load_dataset(dataset, options, progress)
    training, validation = labelled.training_and_validation(
        loaded, validation_data, options, spec.seed, progress
    )
    inputs = [
        *loaded.files,
        *_local(tokenizer),
        *_local(model),
        *_local(validation_data),
        *_local(spec.class_weights),
    ]
    with files.folder(Path(out), force=force, inputs=inputs) as staging:
        run = Run.prepare(loaded, training, validation, tokenizer, model, spec, threads, progress)
        result = run.train(staging, str(out), progress)
        files.write_receipt(
            staging,
            command="finetune",
            settings={
                **asdict(spec),
                **asdict(options),
                "class_weights": Path(spec.class_weights).name,
                "lr": run.lr,
                "max_length": run.classifier.max_length,
            },
            inputs=inputs,
            packages=_PACKAGES,
            result={
                "metrics": result.metrics,
                "best_epoch": result.best_epoch,
                "left_out": result.left_out,
                "self_test": self_test(run.classifier.tokenizer.backend),
            },
            run={
                "seconds": result.seconds,
                "rows_per_second": result.rows_per_second,
                "device": str(run.device),
                "tokens_per_batch": run.budget,
                "tokenizer": str(tokenizer or model),
                "model": str(model) if model is not None else None,
            },
        )
    return result


def _local(name: str | Path | None) -> list[Path]:
    """The path of an input where it is one here, for the receipt and so that it is never overwritten."""
    return [Path(name)] if name is not None and Path(name).exists() else []
