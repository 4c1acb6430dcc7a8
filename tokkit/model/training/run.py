"""One training from checked rows to a model folder: everything it needs, prepared, then carried out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import Dataset, Rows
from tokkit.model import classifier as classifiers
from tokkit.model import folder, labelled
from tokkit.model.classifier import Classifier
from tokkit.model.evaluation import report
from tokkit.model.evaluation.metrics import row_losses
from tokkit.model.inference import budget_for, choose_device, predict_logits, use_threads
from tokkit.model.losses.cross_entropy import CrossEntropy
from tokkit.model.spec import FinetuneSpec, default_lr
from tokkit.model.tasks import TASKS
from tokkit.model.tasks.single_label import SingleLabel
from tokkit.model.training import card, history, loop
from tokkit.progress import Progress
from tokkit.tokenizer.encoding.encode import Encoded, encode
from tokkit.tokenizer.load import load as load_tokenizer

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Run:
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
    ) -> Run:
        import torch

        use_threads(threads)
        device = choose_device(spec.device)
        labels = TASKS[SingleLabel.name].labels(training)
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
        task, labels = self.classifier.task, self.classifier.labels
        truth = task.targets(self.validation, labels, "validation")
        weights = torch.tensor(self.weights, dtype=torch.float32) if self.weights else None
        loss = CrossEntropy(weights, self.spec.label_smoothing)
        rows = loop.TrainingRows(self.encoded_training, task.targets(self.training, labels, "train"), loss)
        epochs_told: list[dict[str, Any]] = []
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
            scores = task.scores(logits, truth, labels)
            epochs.append(epoch)
            epochs_told.append(history.row(epoch, scores))
            progress.say(history.line(self.spec.epochs, epochs_told[-1]))
            if best is None or best.is_worse_than(scores, self.spec.metric):
                best = _Best(epoch.number, scores, logits)
                folder.write_classifier(staging, self.classifier)
            if self.spec.patience and epoch.number - best.epoch >= self.spec.patience:
                progress.say(f"no better {self.spec.metric} in {self.spec.patience} epochs: stopped")
                break
            clock = time.monotonic()
        assert best is not None
        self._write_report(staging, best, epochs_told)
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

    def _write_report(self, staging: Path, best: _Best, told: Sequence[dict[str, Any]]) -> None:
        from tokkit.views import plots

        truth = labelled.targets(self.validation, self.classifier.labels, "validation")
        sample = encode(
            self.validation.texts[:_VERIFIED_ROWS], self.classifier.tokenizer, self.classifier.max_length
        )
        folder.verify(staging, sample, best.logits[:_VERIFIED_ROWS])
        report.write_json(staging / "metrics.json", best.scores)
        history.write(staging / "history.csv", told)
        (staging / "curves.png").write_bytes(plots.curves(told, "png"))
        report.prediction_table(
            self.validation.texts,
            self.validation.labels,
            best.logits,
            self.classifier.labels,
            row_losses(best.logits, truth),
            self.validation.positions,
        ).write_parquet(staging / "predictions.parquet")
        card.write(staging / "README.md", best.scores, {**asdict(self.spec), "lr": self.lr}, self.base)


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
