"""Cross-validation: one model per fold, out-of-fold predictions, and the scores of both.

OUT/fold-1/ ... fold-K/     model folders
    predictions.parquet     every row, predicted by the model that was not trained on it, and its fold
    metrics.json            {"folds": [...], "out_of_fold": ..., "mean": ..., "deviation": ...}
    history.csv, curves.png of all folds
    folds.png               their scores
    README.md               the card
    tokkit.json             the receipt
.OUT.tokkit-folds/          finished folds: a run that was killed continues with the next one
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tokkit import files
from tokkit.model.folder import model_folder
from tokkit.model.folder.card import write_card
from tokkit.model.folder.predictions import prediction_table, write_json
from tokkit.model.folder.receipt import ModelReceipt, fold_name
from tokkit.model.folds.fold_rows import FoldsRequest, joined_rows
from tokkit.model.folds.train_folds import train_folds
from tokkit.model.network import losses
from tokkit.model.network.classifier import budget_for, choose_device, predict_logits, use_threads
from tokkit.model.training.checkpoints import CHANGE_NOTHING, link_tree
from tokkit.model.training.row_counts import row_counts
from tokkit.model.training.train_model import PACKAGES, FinetuneResult
from tokkit.sources.paths import is_path
from tokkit.tokenizer.folder.hub_downloads import hub_snapshots
from tokkit.views import plots
from tokkit.views.names import score_name

_WORK = "folds"
# Fields of `FoldsResult` that differ from run to run.
_OF_THE_RUN = ("model", "seconds", "rows_per_second")


@dataclass(frozen=True)
class FoldsResult:
    """model             the folder of all folds
    metrics           out of fold: of every row, by the model that was not trained on it
    folds             `FinetuneResult` of each fold, as a dictionary
    mean, deviation   of every score over the folds (the deviation of a sample)
    epochs, steps     of all folds together
    left_out          reason -> rows that are in no fold
    """

    model: str
    metrics: dict[str, Any]
    folds: list[dict[str, Any]]
    mean: dict[str, Any]
    deviation: dict[str, Any]
    epochs: float
    steps: int
    seconds: float
    rows_per_second: float
    padding_share: float
    left_out: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "out_of_fold": self.metrics}

    @classmethod
    def recorded(cls, receipt: ModelReceipt, model: str) -> FoldsResult:
        """The result in the receipt of a folder of folds; raises `InputError` where a field is missing."""
        values = receipt.fields(field.name for field in fields(cls) if field.name != "model")
        # The times of a fold are recorded with the run, everything else with the result.
        times = receipt.run.get("folds", [])
        folds = [{**fold, **timed} for fold, timed in zip(values["folds"], times, strict=True)]
        return cls(**{**values, "model": model, "folds": folds})


def cross_validate(
    request: FoldsRequest,
    out: Path,
    *,
    force: bool = False,
    name: str | None = None,
    keep_models: bool = True,
) -> FoldsResult:
    """Train one model per fold, all with the same settings and seed, and publish the folder ``out``.

    name          of the folder in the result, where it differs from ``out``
    keep_models   whether the model folders are part of it

    A fold keeps its best epoch by its own validation rows, so out-of-fold scores are a little optimistic, as
    those of a single run are. Raises as `train_model`.
    """
    started = time.monotonic()
    real = files.check_output(out, force=force, inputs=request.inputs, kind="folder")
    work = files.work_path(real, _WORK)
    with files.folder(out, force=force, inputs=request.inputs) as staging:
        work.mkdir(exist_ok=True)
        # As those that train, also where these are other processes.
        use_threads(request.threads)
        # Decides which folds of an interrupted run are still valid.
        identity = fingerprint(request)
        results = train_folds(request, work, identity, out=str(out), name=name)
        metrics = _write_scores(request, work, staging, results)
        if keep_models:
            for number in range(1, len(results) + 1):
                link_tree(work / fold_name(number), staging / fold_name(number))
        result = FoldsResult(
            model=name or str(out),
            metrics=metrics["out_of_fold"],
            folds=[fold.as_dict() for fold in results],
            mean=metrics["mean"],
            deviation=metrics["deviation"],
            epochs=round(sum(fold.epochs for fold in results), 4),
            steps=sum(fold.steps for fold in results),
            seconds=round(time.monotonic() - started, 3),
            rows_per_second=round(statistics.harmonic_mean([fold.rows_per_second for fold in results]), 2),
            padding_share=round(statistics.fmean(fold.padding_share for fold in results), 6),
            left_out=request.folded.rows.left_out,
        )
        _write_receipt(staging, request, result, identity)
        if keep_models:
            write_card(staging)
    files.remove_work(work, real)
    return result


def fingerprint(request: FoldsRequest) -> str:
    """A hash of everything that decides the result: settings, versions, rows, tokenizer and model."""
    options = request.options
    names = [name for name in (request.tokenizer, request.model, options.class_weights) if name is not None]
    inputs = [files.describe_input(Path(name)) if is_path(Path(name)) else str(name) for name in names]
    settings = {name: value for name, value in request.settings().items() if name not in CHANGE_NOTHING}
    content = [settings, files.versions(*PACKAGES), inputs, request.folded.digest]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def over_folds(
    scores: Sequence[Mapping[str, Any]], statistic: Callable[[Sequence[float]], float]
) -> dict[str, Any]:
    """A statistic of every number that all of them have under the same keys.

    >>> scores = {"loss": 1.0, "classes": {"joy": {"f1": 0.5}}}, {"loss": 2.0, "classes": {"joy": {"f1": 1}}}
    >>> over_folds(scores, statistics.fmean)
    {'loss': 1.5, 'classes': {'joy': {'f1': 0.75}}}
    """
    aggregated: dict[str, Any] = {}
    for name, first in scores[0].items():
        values = [fold_scores[name] for fold_scores in scores if name in fold_scores]
        # A class that one fold lacks has no mean over the folds.
        if len(values) < len(scores):
            continue
        if isinstance(first, Mapping) and all(isinstance(value, Mapping) for value in values):
            if inner := over_folds(values, statistic):
                aggregated[name] = inner
        elif all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            aggregated[name] = round(statistic(values), 6)
    return aggregated


def _write_scores(
    request: FoldsRequest, work: Path, staging: Path, results: Sequence[FinetuneResult]
) -> dict[str, Any]:
    """Write scores, histories and out-of-fold predictions; returns the content of `metrics.json`."""
    out_of_fold, predictions = _out_of_fold(request, work)
    predictions.write_parquet(staging / "predictions.parquet")
    # A fold may have fewer columns, where its task has a score without a value.
    histories = [
        pl.read_csv(work / fold_name(number) / "history.csv").insert_column(0, pl.lit(number).alias("fold"))
        for number in range(1, len(results) + 1)
    ]
    pl.concat(histories, how="diagonal_relaxed").write_csv(staging / "history.csv")
    _write_pictures(staging, request, [history.to_dicts() for history in histories], results, out_of_fold)
    scores = [fold.metrics for fold in results]
    metrics = {
        "folds": scores,
        "out_of_fold": out_of_fold,
        "mean": over_folds(scores, statistics.fmean),
        "deviation": over_folds(scores, statistics.stdev),
    }
    write_json(staging / "metrics.json", metrics)
    return metrics


def _write_pictures(
    staging: Path,
    request: FoldsRequest,
    histories: Sequence[Sequence[Mapping[str, Any]]],
    results: Sequence[FinetuneResult],
    out_of_fold: Mapping[str, Any],
) -> None:
    """One picture for all folds of the curves, and one of their scores."""
    loss = losses.name(request.task, request.options)
    best = [fold.best_epoch for fold in results]
    metric = score_name(request.options.metric or request.task.metric)
    curves = plots.curves(histories, "png", loss, best=best, metric=metric)
    (staging / "curves.png").write_bytes(curves)
    names = {name: score_name(name) for name in ("loss", *request.task.headline)}
    folds = [{displayed: fold.metrics[name] for name, displayed in names.items()} for fold in results]
    whole = {displayed: out_of_fold[name] for name, displayed in names.items()}
    (staging / "folds.png").write_bytes(plots.fold_scores(folds, whole, "png"))


def _out_of_fold(request: FoldsRequest, work: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    """Scores and predictions of all rows, each by the written model of its fold."""
    folds, device = request.folded.folds, choose_device(request.options.device)
    budget = budget_for(device, request.options.tokens_per_batch)
    parts = []
    for number, fold in enumerate(folds, 1):
        classifier = model_folder.load_classifier(work / fold_name(number))
        encoded = request.encode(classifier, fold.validation)
        parts.append(predict_logits(classifier, encoded, device, budget, request.progress))
    rows, logits = joined_rows([fold.validation for fold in folds]), np.concatenate(parts)
    # Tasks by token need the ids of all rows in one piece, in the order of the folds.
    task, labels = classifier.task, classifier.labels
    targets = task.targets(rows, labels, "out of fold", request.encode(classifier, rows))
    numbers = np.repeat(np.arange(1, len(folds) + 1), [len(fold.row_indices) for fold in folds])
    table = prediction_table(task, rows, labels, logits, targets, folds=numbers)
    # From the order of the folds to the order of the data.
    in_order = np.argsort(np.concatenate([fold.row_indices for fold in folds]), kind="stable")
    return task.scores(logits, targets, labels), table[in_order]


def _write_receipt(staging: Path, request: FoldsRequest, result: FoldsResult, identity: str) -> None:
    # A receipt keeps apart what the same call gives again and what differs from run to run.
    recorded, *folds = (
        {name: value for name, value in values.items() if name not in _OF_THE_RUN}
        for values in (asdict(result), *result.folds)
    )
    files.write_receipt(
        staging,
        command="finetune",
        settings=request.settings(),
        inputs=[*request.inputs, *hub_snapshots(request.tokenizer, request.model)],
        packages=PACKAGES,
        sources=request.sources(),
        result={
            **{**recorded, "folds": folds, "fingerprint": identity},
            **row_counts(request.task, {"all folds": request.folded.rows}),
        },
        run={
            **request.run(),
            "seconds": result.seconds,
            "rows_per_second": result.rows_per_second,
            "folds": [{name: fold[name] for name in _OF_THE_RUN} for fold in result.folds],
        },
    )
