"""`finetune`: from labelled rows and a tokenizer to a classifier."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data.dataset import Dataset, Rows, sort_labels
from tokkit.data.loading.load import DatasetOptions, load_dataset
from tokkit.errors import UsageError
from tokkit.model import classifier as classifiers
from tokkit.model import folder, labelled, loop, report
from tokkit.model.classifier import Classifier
from tokkit.model.inference import budget_for, choose_device, predict_logits, use_threads
from tokkit.model.metrics import evaluate_logits, row_losses
from tokkit.model.spec import FinetuneSpec, default_lr
from tokkit.options import merged_pair
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.folder import self_test
from tokkit.tokenizer.load import load as load_tokenizer

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_PACKAGES = ("numpy", "polars", "scikit-learn", "tokenizers", "torch", "transformers")
_VERIFIED_ROWS = 8
_FEW_STEPS = 500
"""Steps below which an encoder from scratch has hardly begun to learn."""


@dataclass(frozen=True)
class FinetuneResult:
    """metrics           of the best epoch on the validation rows, as `evaluate` gives them
    rows_per_second   training rows per second of training, validation not counted
    padding_share     share of the tokens computed in training that were padding
    """

    model: str
    metrics: dict[str, Any]
    epochs: int
    best_epoch: int
    steps: int
    seconds: float
    rows_per_second: float
    padding_share: float
    left_out: dict[str, dict[str, int]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


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
        run = _Run.prepare(loaded, training, validation, tokenizer, model, spec, threads, progress)
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


@dataclass(frozen=True)
class _Run:
    """Everything a training needs, prepared and checked."""

    classifier: Classifier
    training: Rows
    validation: Rows
    encoded_training: Encoded
    encoded_validation: Encoded
    weights: list[float] | None
    spec: FinetuneSpec
    base: str
    lr: float
    device: torch.device
    budget: int

    @classmethod
    def prepare(
        cls,
        dataset: Dataset,
        training: Rows,
        validation: Rows,
        tokenizer: str | Path | None,
        model: str | Path | None,
        spec: FinetuneSpec,
        threads: int | None,
        progress: Progress,
    ) -> _Run:
        import torch

        use_threads(threads)
        device = choose_device(spec.device)
        labels = sort_labels(training.labels)
        loaded = load_tokenizer(tokenizer if tokenizer is not None else model or "", progress)
        torch.manual_seed(spec.seed)
        if model is None:
            classifier = classifiers.build(loaded, labels, spec)
            base = f"a new encoder of size {spec.size}"
        else:
            classifier = classifiers.load_pretrained(model, loaded, labels, spec, progress)
            base = Path(model).name
        labelled.say_unused_weights(spec.class_weights, dataset, progress)
        weights = labelled.class_weights(spec.class_weights, training, classifier.labels)
        lr = spec.lr if spec.lr is not None else default_lr(spec.size, pretrained=model is not None)
        parameters = sum(p.numel() for p in classifier.model.parameters())
        progress.say(
            f"{base}, {parameters / 1e6:.1f} million weights, on {device}: {len(training.texts):,} rows, "
            f"{len(labels)} classes, peak rate {lr:g}"
        )
        steps = spec.epochs * -(-len(training.texts) // spec.batch_size)
        if model is None and steps < _FEW_STEPS:
            progress.say(
                f"{steps} steps are few for an encoder that starts from nothing: more --epochs, or a --model"
            )
        encoded = [
            encode(rows.texts, loaded, classifier.max_length, threads=threads, progress=progress)
            for rows in (training, validation)
        ]
        if cut := encoded[0].truncated:
            progress.say(f"{cut:,} training rows are cut at {classifier.max_length} tokens")
        return cls(
            *(classifier, training, validation, encoded[0], encoded[1], weights, spec, base, lr, device),
            budget=budget_for(device, spec.tokens_per_batch),
        )

    def train(self, staging: Path, out: str, progress: Progress) -> FinetuneResult:
        """Trains, keeps the best epoch in ``staging``, and writes what belongs to a model folder."""
        import torch

        started, trained = time.monotonic(), 0.0
        labels = self.classifier.labels
        truth = labelled.targets(self.validation, labels, "validation")
        rows = loop.TrainingRows(
            self.encoded_training,
            labelled.targets(self.training, labels, "train"),
            torch.tensor(self.weights, dtype=torch.float32) if self.weights else None,
        )
        history: list[dict[str, Any]] = []
        epochs: list[loop.Epoch] = []
        best: _Best | None = None
        clock = time.monotonic()
        for epoch in loop.train(
            self.classifier, rows, self.spec, self.lr, self.device, self.budget, progress
        ):
            trained += time.monotonic() - clock
            logits = predict_logits(
                self.classifier, self.encoded_validation, self.device, self.budget, progress
            )
            scores = evaluate_logits(logits, truth, labels)
            epochs.append(epoch)
            history.append(report.history_row(epoch, scores))
            progress.say(report.epoch_line(self.spec.epochs, history[-1]))
            if best is None or best.is_worse_than(scores, self.spec.metric):
                best = _Best(epoch.number, scores, logits)
                folder.write_classifier(staging, self.classifier)
            if self.spec.patience and epoch.number - best.epoch >= self.spec.patience:
                progress.say(f"no better {self.spec.metric} in {self.spec.patience} epochs: stopped")
                break
            clock = time.monotonic()
        assert best is not None
        self._write_report(staging, best, history)
        if folder.other_ids(staging, self.classifier):
            progress.say(
                "AutoTokenizer cuts texts into other ids than this tokenizer.json, which tokkit goes by: "
                "its tokenizer_class rebuilds it; PreTrainedTokenizerFast would not"
            )
        seen = len(self.training.texts) * len(epochs)
        return FinetuneResult(
            model=out,
            metrics=best.scores,
            epochs=len(epochs),
            best_epoch=best.epoch,
            steps=sum(epoch.steps for epoch in epochs),
            seconds=round(time.monotonic() - started, 3),
            rows_per_second=round(seen / trained, 2),
            padding_share=round(
                1 - sum(e.tokens for e in epochs) / sum(e.computed_tokens for e in epochs), 6
            ),
            left_out={"train": self.training.left_out, "validation": self.validation.left_out},
        )

    def _write_report(self, staging: Path, best: _Best, history: Sequence[dict[str, Any]]) -> None:
        from tokkit.views import plots

        truth = labelled.targets(self.validation, self.classifier.labels, "validation")
        sample = encode(
            self.validation.texts[:_VERIFIED_ROWS], self.classifier.tokenizer, self.classifier.max_length
        )
        folder.verify(staging, sample, best.logits[:_VERIFIED_ROWS])
        report.write_json(staging / "metrics.json", best.scores)
        report.write_history(staging / "history.csv", history)
        (staging / "curves.png").write_bytes(plots.curves(history, "png"))
        report.prediction_table(
            self.validation.texts,
            self.validation.labels,
            best.logits,
            self.classifier.labels,
            row_losses(best.logits, truth),
            self.validation.positions,
        ).write_parquet(staging / "predictions.parquet")
        report.write_card(staging / "README.md", best.scores, {**asdict(self.spec), "lr": self.lr}, self.base)


@dataclass(frozen=True)
class _Best:
    """The best epoch so far: its number, scores and validation logits."""

    epoch: int
    scores: dict[str, Any]
    logits: NDArray[np.float32]

    def is_worse_than(self, scores: dict[str, Any], metric: str) -> bool:
        if metric == "loss":
            return bool(scores["loss"] < self.scores["loss"])
        return bool(scores[metric] > self.scores[metric])


def _local(name: str | Path | None) -> list[Path]:
    """The path of an input where it is one here, for the receipt and so that it is never overwritten."""
    return [Path(name)] if name is not None and Path(name).exists() else []
