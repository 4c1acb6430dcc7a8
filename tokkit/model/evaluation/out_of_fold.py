"""The out-of-fold predictions of a folder of folds, read back: every row's answer from a model that did not
see it in training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import Rows
from tokkit.errors import InputError, UsageError
from tokkit.model.evaluation.scoring import OUT_OF_FOLD, Scored
from tokkit.model.folder.model_folder import load_classifier
from tokkit.model.folder.receipt import PREDICTIONS, ModelReceipt, read_parquet
from tokkit.model.folder.report import PER_CENT
from tokkit.model.options.evaluate_options import EvaluateOptions
from tokkit.progress import Progress

if TYPE_CHECKING:
    import polars as pl


def read_out_of_fold(
    name: str, member: Path, spec: EvaluateOptions, threads: int | None, progress: Progress
) -> tuple[Rows, Scored]:
    """The rows and what was predicted for them; ``member`` is the model of one of the folds.

    Raises `InputError` where the predictions are missing or are not of the model's classes.
    """
    if spec.calibrated or spec.tuned_thresholds:
        asked = "--calibrated" if spec.calibrated else "--tuned-thresholds"
        raise UsageError(
            f"{asked}: was fitted on the out-of-fold rows, and so says nothing of them",
            hint=f"tokkit evaluate {name} DATASET {asked}, with rows that no fold was trained on",
        )
    classifier = load_classifier(member, progress)
    task, labels = classifier.task, classifier.labels
    if not (task.by_row and task.has_classes):
        raise InputError(f"{name}: out-of-fold predictions of {task.name} hold no probabilities to read back")
    table = _table(Path(name) / PREDICTIONS, labels)
    rows = Rows(
        texts=table["text"].to_list(),
        labels=table["label"].to_list(),
        positions=list(range(len(table))),
        left_out={},
        pairs=table["pair"].to_list() if "pair" in table.columns else [],
        ids=table["id"].to_list(),
    )
    encoded = task.encode(
        rows, classifier.tokenizer, classifier.max_length, threads=threads, progress=progress
    )
    truth = task.targets(rows, labels, name, encoded)
    logits = task.logits_of(table.select(f"{PER_CENT}{label}" for label in labels).to_numpy() / 100)
    folds = table["fold"].to_numpy() if "fold" in table.columns else None
    found = Scored(name, OUT_OF_FOLD, task, labels, logits, logits, truth, encoded.lengths, folds)
    return rows, found.with_scores(spec, ModelReceipt.read(name))


def _table(path: Path, labels: Any) -> pl.DataFrame:
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; it holds the out-of-fold predictions", hint="finetune --folds K writes it"
        )
    table = read_parquet(path)
    wanted = ["id", "text", "label", *(f"{PER_CENT}{label}" for label in labels)]
    if lacking := [column for column in wanted if column not in table.columns]:
        raise InputError(f'{path}: no column "{lacking[0]}"; it was not written by finetune --folds')
    return table
