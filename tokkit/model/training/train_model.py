"""From rows to a published model folder: everything a training needs is prepared, run, and reported."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tokkit import files
from tokkit.data.dataset import TRAIN, VALIDATION, Dataset, Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import counted
from tokkit.model.folder.card import write_card
from tokkit.model.folder.model_folder import TOKENIZER_FILES
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.metrics.named_scores import score_named
from tokkit.model.network import losses, pretrained
from tokkit.model.network.classifier import Classifier, budget_for, check_padding, choose_device, use_threads
from tokkit.model.network.heads import width_of
from tokkit.model.options.finetune_options import FinetuneOptions, default_lr
from tokkit.model.options.process_options import ProcessOptions
from tokkit.model.tasks import task_of
from tokkit.model.tasks.task import Task
from tokkit.model.training import accelerator, report
from tokkit.model.training.baseline import baseline, baseline_kind
from tokkit.model.training.checkpoints import Checkpoints
from tokkit.model.training.encoded_rows import Encoder, from_ids
from tokkit.model.training.row_counts import row_counts
from tokkit.model.training.schedule import classes_of, steps_per_epoch
from tokkit.model.training.session import TrainingSession
from tokkit.model.training.setup import EncodedRows, TrainingSetup
from tokkit.model.training.trackers import Reporter
from tokkit.options import described_fields
from tokkit.progress import Progress
from tokkit.runtime.processes import is_helper, process_count
from tokkit.sources.paths import is_path
from tokkit.tokenizer.blocks.post_processors import unmarked
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.hub_downloads import hub_snapshots
from tokkit.tokenizer.folder.load import load as load_tokenizer
from tokkit.tokenizer.folder.tokenizer_folder import self_test

# What the result of a training depends on, with Python and tokkit.
PACKAGES = ("accelerate", "numpy", "polars", "scikit-learn", "tokenizers", "torch", "transformers")

_WORK = "training"
# Fields of `FinetuneResult` that differ from run to run.
_OF_THE_RUN = ("seconds", "rows_per_second")
# Steps below which an encoder from scratch has hardly begun to learn.
_FEW_STEPS = 500


@dataclass(frozen=True)
class FinetuneRequest:
    """What one call of `finetune` trains on, whether one model or one per fold.

    source, validation_data   the data as they are named
    inputs   the files that are read: never replaced, described in the receipts
    encoder  how rows become ids
    """

    source: str | Path
    validation_data: str | Path | None
    dataset: Dataset
    tokenizer: str | Path | None
    model: str | Path | None
    options: FinetuneOptions
    read_options: DatasetOptions
    inputs: tuple[Path, ...]
    threads: int | None
    progress: Progress
    encoder: Encoder
    process_options: ProcessOptions = field(kw_only=True, default=ProcessOptions())

    def settings(self) -> dict[str, Any]:
        """All options as receipts have them; of files only the name."""
        paths = {name: getattr(self.options, name) for name in ("class_weights", "resume")}
        names = {name: Path(value).name for name, value in paths.items() if is_path(Path(value))}
        return {**asdict(self.options), **asdict(self.read_options), **names}

    def run(self) -> dict[str, Any]:
        """What `recorded_run` needs to repeat the call, with absolute paths."""
        names = {
            **{"dataset": self.source, "validation_data": self.validation_data},
            **{"tokenizer": self.tokenizer, "model": self.model},
            "class_weights": self.options.class_weights,
        }
        absolute = {
            name: None if value is None else str(Path(value).absolute() if is_path(Path(value)) else value)
            for name, value in names.items()
        }
        return {
            **absolute,
            # Other numbers of threads and processes add up in another order.
            "threads": torch.get_num_threads(),
            "processes": max(process_count(), self.process_options.count),
            "process_options": self.process_options.set_fields,
        }

    def sources(self) -> dict[str, Any]:
        """What the arguments name; tokenizers and models of the hub as ``hub:NAME``."""
        named = {"dataset": self.source, "validation_data": self.validation_data}
        return named | {
            name: value if value is None or is_path(Path(value)) else f"hub:{str(value).removeprefix('hub:')}"
            for name, value in (("tokenizer", self.tokenizer), ("model", self.model))
        }

    def encode(self, classifier: Classifier, rows: Rows) -> Encoded:
        """The rows as ids for this classifier."""
        if rows.input_ids:
            return from_ids(classifier, rows)
        return self.encoder(classifier, rows, self.threads, self.progress)

    @property
    def task(self) -> Task:
        """The requested task, or the one for which the rows are labeled."""
        return task_of(self.options.task, self.dataset)

    @property
    def from_scratch(self) -> bool:
        """Whether the encoder has new weights."""
        return self.model is None or self.options.random_init

    @property
    def base(self) -> str:
        """What is trained: the name of a checkpoint, or the size of a new encoder."""
        if self.model is None:
            return f"a new encoder of size {self.options.size}"
        return Path(self.model).name


@dataclass(frozen=True)
class FinetuneResult:
    """metrics           of the best evaluation on the validation rows, as `evaluate` gives them
    epochs            passes over the rows, a fraction where it stopped within one; so ``best_epoch``
    rows_per_second   training rows per second of training, without validation
    padding_share     share of the tokens computed in training that were padding
    left_out          split -> reason -> skipped rows
    """

    model: str
    metrics: dict[str, Any]
    epochs: float
    best_epoch: float
    steps: int
    seconds: float
    rows_per_second: float
    padding_share: float
    precision: str
    left_out: dict[str, dict[str, int]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def recorded(cls, receipt: ModelReceipt, model: str) -> FinetuneResult:
        """The result in the receipt of a model folder; raises `InputError` where a field is missing."""
        names = (field.name for field in fields(cls) if field.name != "model")
        return cls(model=model, **receipt.fields(names))


def train_model(
    request: FinetuneRequest,
    training: Rows,
    validation: Rows,
    out: Path,
    *,
    force: bool = False,
    name: str | None = None,
    record: Mapping[str, Any] | None = None,
) -> FinetuneResult:
    """Train on the rows and publish the model folder ``out``, with its receipt.

    Of several processes that train together the first publishes it; all return the same result.

    name     of the folder in the result, where it differs from ``out``
    record   more fields of the receipt's result
    """
    # Before hours of training, not after: an output that exists or is an input is refused now.
    real = files.check_output(out, force=force, inputs=request.inputs, kind="folder")
    work = files.work_path(real, _WORK)
    helper = is_helper()
    published = files.folder(out, force=force, inputs=request.inputs)
    # A helper writes its best model too, as the session does not know who publishes; it is thrown away.
    with tempfile.TemporaryDirectory() if helper else published as folder:
        staging = Path(folder)
        try:
            classifier = classifier_for(request, training)
            # A baseline that is not possible is an error before the rows are encoded.
            kind = baseline_kind(
                request.options.baseline,
                classifier,
                from_scratch=request.from_scratch,
                texts=not training.input_ids,
            )
            setup = prepare(request, classifier, training, validation)
            checkpoints = Checkpoints(work, Path(name or out), request.options.keep, read_only=helper)
            started = time.monotonic()
            # The probe reads the pretrained weights, so it comes before the first step.
            reference = None if helper else baseline(kind, setup, request.threads, request.progress)
            # Of several processes the first reports.
            tracker = None if helper else request.options.report_to
            run = Path(name).parts[-2:] if name else [out.absolute().name]
            reporter = Reporter(tracker, "/".join(run), _reported(request.options))
            trained = TrainingSession(setup, staging, checkpoints, request.progress, reporter).run()
        finally:
            # Also after an error: the other processes would wait for this one.
            accelerator.leave_process_group()
        scores = {**trained.best.scores, **({"baseline": reference} if reference else {})}
        settings = {**request.settings(), **_chosen(setup, trained.precision)}
        if not helper:
            report.write(staging, setup, trained, scores, request.progress)
        result = FinetuneResult(
            model=name or str(out),
            metrics=scores,
            epochs=trained.epochs,
            best_epoch=trained.history[trained.best.index]["epoch"],
            steps=trained.steps,
            seconds=round(time.monotonic() - started, 3),
            rows_per_second=round(trained.trained_rows / trained.seconds, 2) if trained.seconds else 0.0,
            padding_share=trained.padding_share,
            precision=trained.precision,
            left_out={"train": training.left_out, "validation": validation.left_out},
        )
        if helper:
            return result
        _write_receipt(staging, request, setup, result, settings, record or {})
        write_card(staging)
    files.remove_work(work, real)
    return result


def local_paths(*names: str | Path | None) -> list[Path]:
    """Those of the names that are paths here: inputs of the receipt, never overwritten."""
    return [Path(name) for name in names if name is not None and is_path(Path(name))]


def prepare(
    request: FinetuneRequest, classifier: Classifier, training: Rows, validation: Rows
) -> TrainingSetup:
    """Encode the rows and build the loss."""
    options, progress, task = request.options, request.progress, classifier.task
    device = choose_device(options.device)
    steps = options.epochs * steps_per_epoch(len(training.texts), options)
    lr = options.lr
    if lr is None:
        lr = default_lr(width_of(classifier.model.config), steps, from_scratch=request.from_scratch)
    parameters = sum(parameter.numel() for parameter in classifier.model.parameters())
    progress.say(
        f"{request.base}, {parameters / 1e6:.1f} million weights, on {device}: "
        f"{counted(len(training.texts), 'row', style=',')}, {task.describe(classifier.labels)}, "
        f"peak rate {lr:g}"
    )
    if request.from_scratch and steps < _FEW_STEPS:
        warning = f"{counted(steps, 'step', 'are')} few for an encoder with new weights"
        progress.say(f"{warning}: more --epochs, or a --model")
    encoded = [request.encode(classifier, rows) for rows in (training, validation)]
    if request.model is not None:
        # A new encoder is BERT, which masks padding.
        check_padding(request.model, classifier, encoded[0], device)
    if truncated := encoded[0].truncated:
        cut = counted(truncated, "training row", style=",")
        progress.say(f"{cut} truncated at {counted(classifier.limits.max_length, 'token')}")
    for rows, name, ids in zip((training, validation), (TRAIN, VALIDATION), encoded, strict=True):
        task.warn_of_rows(rows, ids, classifier.tokenizer, name, progress)
    splits = [
        EncodedRows(rows, ids, task.targets(rows, classifier.labels, name, ids))
        for rows, name, ids in zip((training, validation), (TRAIN, VALIDATION), encoded, strict=True)
    ]
    inputs = losses.LossInputs(options, splits[0].targets.values, classifier.labels)
    loss = losses.build(inputs, task)
    losses.warn_of_conflicts(inputs, request.dataset, progress)
    budget = budget_for(device, options.tokens_per_batch, training=True)
    return TrainingSetup(classifier, splits[0], splits[1], loss, options, lr, device, budget)


def classifier_for(request: FinetuneRequest, training: Rows) -> Classifier:
    """The classifier to train, for the labels of the training rows; new weights depend on the seed alone."""
    options, progress = request.options, request.progress
    use_threads(request.threads)
    task = request.task
    labels = task.labels(training)
    _check_choices(options, task, labels)
    tokenizer = load_tokenizer(
        request.tokenizer if request.tokenizer is not None else request.model or "", progress
    )
    # They are copied once the model is trained.
    for name in TOKENIZER_FILES:
        files.check_inner(tokenizer.folder / name, tokenizer.folder)
    task.warn_of_misfit(tokenizer, progress)
    if missing := unmarked(tokenizer.backend, tokenizer.special):
        progress.say(f"{tokenizer.folder}: {missing}; the command wrap does, with --post-processor bert")
    # Right before the weights are initialized: nothing above may shift the random numbers.
    torch.manual_seed(options.seed)
    if request.model is None:
        return pretrained.new_classifier(tokenizer, labels, options, task)
    return pretrained.load_pretrained(request.model, tokenizer, labels, options, progress, task)


def _check_choices(options: FinetuneOptions, task: Task, labels: Sequence[str]) -> None:
    """Check what depends on the labels alone, before a model is loaded.

    Raises `UsageError` for a loss, class weights, a sampler or a metric that there are not for these labels,
    `InputError` for a file of weights that does not fit.
    """
    targets = task.sample_targets(labels)
    losses.build(losses.LossInputs(options, targets.values, labels), task)
    classes_of(options.sampler, targets)
    if options.metric is not None:
        zeros = np.zeros((len(targets.values), len(labels)), dtype=np.float32)
        score_named(task.scores(zeros, targets, labels), options.metric)


def _reported(options: FinetuneOptions) -> dict[str, Any]:
    """The options that are numbers or choices; those that are typed may name labels, columns and files."""
    values = {
        name: (getattr(options, name), field.choices) for name, field in described_fields(type(options))
    }
    return {name: v for name, (v, choices) in values.items() if choices or isinstance(v, int | float)}


def _chosen(setup: TrainingSetup, precision: str) -> dict[str, Any]:
    """The settings that a call may leave open, as they were chosen."""
    return {"lr": setup.lr, "max_length": setup.classifier.limits.max_length, "precision": precision}


def _write_receipt(
    staging: Path,
    request: FinetuneRequest,
    setup: TrainingSetup,
    result: FinetuneResult,
    settings: Mapping[str, Any],
    record: Mapping[str, Any],
) -> None:
    values = asdict(result)
    del values["model"]
    # A receipt keeps apart what the same call gives again and what differs from run to run.
    times = {name: values.pop(name) for name in _OF_THE_RUN}
    dataset, pairs = request.dataset, bool(setup.training.rows.pairs)
    columns: Mapping[str, str | None] = dataset.encoded_columns or {
        "text": dataset.tokens_column or dataset.text_column,
        "pair": dataset.pair_column,
        "label": dataset.label_column,
    }
    files.write_receipt(
        staging,
        command="finetune",
        settings=settings,
        inputs=[*request.inputs, *hub_snapshots(request.tokenizer, request.model)],
        packages=PACKAGES,
        sources=request.sources(),
        result={
            **{**values, "pairs": pairs, "columns": {what: name for what, name in columns.items() if name}},
            # which no shape of a weight tells
            "attention_heads": getattr(setup.classifier.model.config, "num_attention_heads", None),
            "self_test": self_test(setup.classifier.tokenizer.backend),
            **row_counts(
                setup.classifier.task, {TRAIN: setup.training.rows, VALIDATION: setup.validation.rows}
            ),
            **record,
        },
        run={
            **times,
            **request.run(),
            "device": str(setup.device),
            "tokens_per_batch": setup.budget,
        },
    )
