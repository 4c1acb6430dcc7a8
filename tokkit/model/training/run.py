"""One training from checked rows to a model folder: everything it needs, prepared, then carried out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import TRAIN, VALIDATION, Dataset, Rows
from tokkit.model.folder import model_folder as folder
from tokkit.model.folder.predictions import prediction_table, write_json
from tokkit.model.network import losses, pretrained
from tokkit.model.network.batching import part_of
from tokkit.model.network.classifier import Classifier
from tokkit.model.network.inference import budget_for, check_padding, choose_device, use_threads
from tokkit.model.options.finetune_options import FinetuneOptions, default_lr
from tokkit.model.tasks import task_of
from tokkit.model.training import card, encoded_cache, history, processes
from tokkit.model.training.baseline import NONE, Part, baseline, chosen_baseline
from tokkit.model.training.checkpoints import Checkpoints, ReadCheckpoints
from tokkit.model.training.encoded_cache import Encoder
from tokkit.model.training.fit import Fitted, Plan, fit
from tokkit.model.training.gradients import TrainingRows
from tokkit.model.training.identity import identity_of
from tokkit.progress import Progress
from tokkit.tokenizer.encoding.encode import Encoded
from tokkit.tokenizer.folder.load import load as load_tokenizer
from tokkit.views.reports.evaluation import score_name

if TYPE_CHECKING:
    import torch

_VERIFIED_ROWS = 8
_FEW_STEPS = 500
"""Steps below which an encoder from scratch has hardly begun to learn."""


@dataclass(frozen=True)
class FinetuneResult:
    """metrics           of the best evaluation on the validation rows, as `evaluate` gives them
    epochs            passes over the rows, a fraction where it stopped within one; so ``best_epoch``
    rows_per_second   training rows per second of training, validation not counted
    padding_share     share of the tokens computed in training that were padding
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


@dataclass(frozen=True)
class Run:
    """Everything a training needs, prepared and checked."""

    classifier: Classifier
    training: Rows
    validation: Rows
    encoded_validation: Encoded
    rows: TrainingRows
    truth: Any
    spec: FinetuneOptions
    base: str
    lr: float
    device: torch.device
    budget: int
    baseline: str

    @classmethod
    def prepare(
        cls,
        dataset: Dataset,
        training: Rows,
        validation: Rows,
        tokenizer: str | Path | None,
        model: str | Path | None,
        spec: FinetuneOptions,
        threads: int | None,
        progress: Progress,
        encoder: Encoder = encoded_cache.encode,
    ) -> Run:
        import torch

        use_threads(threads)
        device = choose_device(spec.device)
        task = task_of(spec.task, dataset)
        labels = task.labels(training)
        loaded = load_tokenizer(tokenizer if tokenizer is not None else model or "", progress)
        task.say_misfit(loaded, progress)
        torch.manual_seed(spec.seed)
        if model is None:
            classifier = pretrained.new_classifier(loaded, labels, spec, task)
            base = f"a new encoder of size {spec.size}"
        else:
            classifier = pretrained.load_pretrained(model, loaded, labels, spec, progress, task)
            base = Path(model).name
        from_scratch = model is None or spec.random_init
        beside = chosen_baseline(spec.baseline, classifier, trained_before=not from_scratch)
        width = classifier.model.config.hidden_size if from_scratch else None
        lr = spec.lr if spec.lr is not None else default_lr(width)
        parameters = sum(p.numel() for p in classifier.model.parameters())
        progress.say(
            f"{base}, {parameters / 1e6:.1f} million weights, on {device}: {len(training.texts):,} rows, "
            f"{len(labels)} classes, peak rate {lr:g}"
        )
        steps = spec.epochs * -(-len(training.texts) // spec.batch_size)
        if from_scratch and steps < _FEW_STEPS:
            progress.say(
                f"{steps} steps are few for an encoder that starts from nothing: more --epochs, or a --model"
            )
        encoded = [
            encoder(task, rows, loaded, classifier.max_length, threads=threads, progress=progress)
            for rows in (training, validation)
        ]
        if model is not None:
            check_padding(model, classifier, encoded[0], device)
        if cut := encoded[0].truncated:
            progress.say(f"{cut:,} training rows are cut at {classifier.max_length} tokens")
        targets, truth = (
            task.targets(part, classifier.labels, name, ids)
            for part, name, ids in zip((training, validation), (TRAIN, VALIDATION), encoded, strict=True)
        )
        loss = losses.build(spec, task, targets, classifier.labels)
        losses.warn_of_conflicts(spec, targets, classifier.labels, dataset, progress)
        rows = TrainingRows(encoded[0], targets, loss)
        return cls(
            *(classifier, training, validation, encoded[1], rows, truth, spec, base, lr, device),
            budget=budget_for(device, spec.tokens_per_batch, training=True),
            baseline=beside,
        )

    def train(
        self,
        staging: Path,
        out: str,
        progress: Progress,
        *,
        work: Path | None = None,
        threads: int | None = None,
    ) -> FinetuneResult:
        """Trains, and writes the best model and what belongs to it into ``staging``.

        work  where checkpoints are kept, and looked for; None for none

        Raises as `fit`.
        """
        started = time.monotonic()
        plan = Plan(
            *(self.classifier, self.rows, self.encoded_validation, self.truth, self.spec, self.lr),
            *(self.device, self.budget, self.spec.metric or self.classifier.task.metric),
            identity=identity_of(
                *(self.classifier, self.rows, self.encoded_validation, self.truth, self.spec, self.lr),
                self.device,
            ),
        )
        beside = self._baseline(threads, progress)
        place = ReadCheckpoints if processes.is_helper() else Checkpoints
        kept = place(work, Path(out), self.spec.keep) if work is not None else None
        fitted = fit(plan, staging, kept, progress)
        scores = {**fitted.best.scores, **({"baseline": beside} if beside else {})}
        metric = self.classifier.task.metric
        if beside and scores[metric] < beside[metric]:
            progress.say(
                f"{score_name(metric)} {scores[metric]:.4f} is below the baseline's {beside[metric]:.4f}: "
                "more --epochs or a higher --lr may help"
            )
        if not processes.is_helper():
            self._write_report(staging, fitted, scores, progress)
        return FinetuneResult(
            model=out,
            metrics=scores,
            epochs=fitted.epochs,
            best_epoch=fitted.history[fitted.best.place]["epoch"],
            steps=fitted.steps,
            seconds=round(time.monotonic() - started, 3),
            rows_per_second=round(fitted.trained_rows / fitted.seconds, 2) if fitted.seconds else 0.0,
            padding_share=fitted.padding_share,
            precision=fitted.precision,
            left_out={"train": self.training.left_out, "validation": self.validation.left_out},
        )

    def _baseline(self, threads: int | None, progress: Progress) -> dict[str, Any] | None:
        """The scores of what the model is shown beside."""
        spec = self.spec
        if self.baseline == NONE or processes.is_helper():
            return None
        return baseline(
            *(self.baseline, self.classifier),
            *(Part.of(self.training, self.rows.encoded, self.rows.targets.values),),
            *(Part.of(self.validation, self.encoded_validation, self.truth.values),),
            seed=spec.seed,
            device=self.device,
            tokens_per_batch=spec.tokens_per_batch,
            threads=threads,
            progress=progress,
        )

    def _write_report(
        self, staging: Path, fitted: Fitted, scores: Mapping[str, Any], progress: Progress
    ) -> None:
        """Verifies the model that stands in ``staging`` and writes what belongs to it."""
        import numpy as np

        from tokkit.views import plots

        best = fitted.best
        few = np.arange(min(_VERIFIED_ROWS, len(self.encoded_validation)))
        sample = part_of(self.encoded_validation, few)
        answers = len(few) if self.classifier.task.by_row else len(sample.ids)
        folder.verify(staging, sample, best.logits[:answers])
        write_json(staging / "metrics.json", scores)
        history.write(staging / "history.csv", fitted.history)
        (staging / "curves.png").write_bytes(plots.curves(fitted.history, "png"))
        prediction_table(
            self.classifier.task, self.validation, self.classifier.labels, best.logits, self.truth
        ).write_parquet(staging / "predictions.parquet")
        card.write(
            staging / "README.md",
            self.classifier.task,
            scores,
            {**asdict(self.spec), "lr": self.lr},
            self.base,
        )
        if folder.other_ids(staging, self.classifier):
            progress.say(
                "AutoTokenizer cuts texts into other ids than this tokenizer.json, which tokkit goes by: "
                "its tokenizer_class rebuilds it; PreTrainedTokenizerFast would not"
            )
