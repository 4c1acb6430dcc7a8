"""Cross-validation: a model a fold, out-of-fold predictions, and what all of it says.

OUT/fold-1/ ... fold-K/     model folders
    predictions.parquet     every row as the model that has not seen it answers, and its fold
    metrics.json            {"folds": [...], "out_of_fold": ..., "mean": ..., "deviation": ...}
    history.csv             of all folds
    README.md               the card
    tokkit.json             the receipt
.OUT.tokkit-folds/          folds that are finished: a run that was killed goes on with the next one
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.errors import Interrupted
from tokkit.model.folder import model_folder as folder
from tokkit.model.folder.predictions import prediction_table, write_json
from tokkit.model.folder.receipt import ModelReceipt, fold_name
from tokkit.model.folds.drawing import FoldedRows, joined_rows
from tokkit.model.folds.spread import deviations, means
from tokkit.model.network.inference import budget_for, choose_device, predict_logits
from tokkit.model.tasks import task_of
from tokkit.model.training import card
from tokkit.model.training.checkpoints import link_tree
from tokkit.model.training.identity import CHANGE_NOTHING
from tokkit.model.training.job import PACKAGES, Job, recorded_result
from tokkit.model.training.run import FinetuneResult

if TYPE_CHECKING:
    import polars as pl

_WORK = "folds"
_OUTPUTS = ("model", "seconds", "rows_per_second")
"""Fields of `FoldsResult` that are told of the run, not of the result."""


@dataclass(frozen=True)
class FoldsResult:
    """model             the folder of all folds
    metrics           out of fold: of every row, by the model that has not seen it
    folds             of each fold what `FinetuneResult` tells
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


def cross_validate(
    job: Job,
    folded: FoldedRows,
    out: Path,
    *,
    force: bool = False,
    shown: str | None = None,
    keep_models: bool = True,
) -> FoldsResult:
    """Trains a model a fold, all with the same settings and seed, and publishes the folder ``out``.

    shown         the name of the folder in the result, where it is to get another one than ``out``
    keep_models   whether the model folders are part of it

    A fold keeps its best epoch by its own validation rows, so that scores out of fold flatter a little, as
    those of a single run do. Raises as `Run.prepare` and `Run.train`.
    """
    started = time.monotonic()
    before = f"{shown}, " if shown else ""
    shown = shown or str(out)
    real = files.check_output(out, force=force, inputs=job.inputs, kind="folder")
    work = files.work_path(real, _WORK)
    with files.folder(out, force=force, inputs=job.inputs) as staging:
        work.mkdir(exist_ok=True)
        mark = fingerprint(job, folded)
        results = _train_all(job, folded, work, shown, before, mark)
        told = _report(job, folded, work, staging, results)
        if keep_models:
            task = task_of(job.spec.task, folded.dataset)
            scores = (told["mean"], told["deviation"], told["out_of_fold"])
            card.write_folds(staging / "README.md", task, len(results), *scores)
            for number in range(1, len(results) + 1):
                link_tree(work / fold_name(number), staging / fold_name(number))
        result = FoldsResult(
            model=shown,
            metrics=told["out_of_fold"],
            folds=[each.as_dict() for each in results],
            mean=told["mean"],
            deviation=told["deviation"],
            epochs=round(sum(each.epochs for each in results), 4),
            steps=sum(each.steps for each in results),
            seconds=round(time.monotonic() - started, 3),
            rows_per_second=round(statistics.harmonic_mean([each.rows_per_second for each in results]), 2),
            padding_share=round(statistics.fmean(each.padding_share for each in results), 6),
            left_out=folded.rows.left_out,
        )
        _write_receipt(staging, job, folded, result, mark)
    files.remove_work(work, real)
    return result


def fingerprint(job: Job, folded: FoldedRows) -> str:
    """A hash of all that decides the result: settings, versions, rows, tokenizer and model."""
    named = [name for name in (job.tokenizer, job.model, job.spec.class_weights) if name is not None]
    local = [files.describe_input(Path(name)) if Path(name).exists() else str(name) for name in named]
    settings = {name: value for name, value in job.settings().items() if name not in CHANGE_NOTHING}
    told = [settings, files.versions(*PACKAGES), local, folded.digest]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def finished(place: Path, expected: str, job: Job) -> ModelReceipt | None:
    """The receipt of a folder that an earlier run left finished, with the same fingerprint; else None.

    One of other settings or rows is discarded, which is said, as is any with ``--resume none``.
    """
    if not (place / files.RECEIPT).is_file():
        return None
    receipt = ModelReceipt.read(place)
    if job.spec.resume == "auto" and receipt.fingerprint == expected:
        return receipt
    why = "as --resume none asks" if job.spec.resume == "none" else "it is of other settings or rows"
    job.progress.say(f"{place.name} of an unfinished run is discarded: {why}")
    return None


def _train_all(
    job: Job, folded: FoldedRows, work: Path, shown: str, before: str, identity: str
) -> list[FinetuneResult]:
    """The results of all folds, whose model folders stand in ``work`` then; those there already are kept."""
    results: list[FinetuneResult] = []
    for number, fold in enumerate(folded.folds, 1):
        place, name = work / fold_name(number), f"{shown}/{fold_name(number)}"
        mark = f"{identity}-{number}"
        called = f"{before}fold {number} of {len(folded.folds)}"
        if receipt := finished(place, mark, job):
            job.progress.say(f"{called}: finished by an earlier run, and kept")
            results.append(recorded_result(receipt, name))
            job = _in_one_precision(job, results)
            continue
        job.progress.say(
            f"{called}: {len(fold.training.texts):,} rows to train on, "
            f"{len(fold.validation.texts):,} to validate on"
        )
        try:
            told = {"fold": number, "fingerprint": mark}
            results.append(
                job.train(fold.training, fold.validation, place, force=place.exists(), shown=name, told=told)
            )
            job = _in_one_precision(job, results)
        except Interrupted as error:
            raise Interrupted(
                f"interrupted in {called}; {len(results)} are finished, "
                "and the same command goes on with them"
            ) from error
    return results


def _in_one_precision(job: Job, results: Sequence[FinetuneResult]) -> Job:
    """The job with the precision that was settled on for the first fold, so that no fold gets another."""
    return replace(job, spec=replace(job.spec, precision=results[0].precision))


def _report(
    job: Job, folded: FoldedRows, work: Path, staging: Path, results: Sequence[FinetuneResult]
) -> dict[str, Any]:
    """Writes figures, histories and out-of-fold predictions; gives what stands in `metrics.json`."""
    out_of_fold, predictions = _out_of_fold(job, folded, work)
    predictions.write_parquet(staging / "predictions.parquet")
    _history(work, len(results)).write_csv(staging / "history.csv")
    scores = [each.metrics for each in results]
    told = {
        "folds": scores,
        "out_of_fold": out_of_fold,
        "mean": means(scores),
        "deviation": deviations(scores),
    }
    write_json(staging / "metrics.json", told)
    return told


def _out_of_fold(job: Job, folded: FoldedRows, work: Path) -> tuple[dict[str, Any], pl.DataFrame]:
    """Scores and predictions of all rows, each by the model of its fold, as that was written."""
    import numpy as np

    device = choose_device(job.spec.device)
    budget = budget_for(device, job.spec.tokens_per_batch)
    rows = joined_rows([fold.validation for fold in folded.folds])
    logits = []
    for number, fold in enumerate(folded.folds, 1):
        place = work / fold_name(number)
        classifier = folder.load_classifier(place)
        asked = (classifier.task, fold.validation, classifier.tokenizer, classifier.max_length)
        encoded = job.encoder(*asked, threads=job.threads, progress=job.progress)
        logits.append(predict_logits(classifier, encoded, device, budget, job.progress))
    task, labels = classifier.task, classifier.labels
    encoded = job.encoder(
        *(task, rows, classifier.tokenizer, classifier.max_length), threads=job.threads, progress=job.progress
    )
    targets, said = task.targets(rows, labels, "out of fold", encoded), np.concatenate(logits)
    numbers = np.repeat(np.arange(1, len(logits) + 1), [len(fold.places) for fold in folded.folds])
    table = prediction_table(task, rows, labels, said, targets, folds=numbers)
    in_order = np.argsort(np.concatenate([fold.places for fold in folded.folds]), kind="stable")
    return task.scores(said, targets, labels), table[in_order]


def _history(work: Path, folds: int) -> pl.DataFrame:
    """The histories of all folds, one after another, each line with its fold."""
    import polars as pl

    told = []
    for number in range(1, folds + 1):
        history = pl.read_csv(work / fold_name(number) / "history.csv")
        told.append(history.insert_column(0, pl.lit(number).alias("fold")))
    return pl.concat(told, how="diagonal_relaxed")


def _write_receipt(staging: Path, job: Job, folded: FoldedRows, result: FoldsResult, mark: str) -> None:
    told = {name: value for name, value in asdict(result).items() if name not in _OUTPUTS}
    kept = [{name: value for name, value in each.items() if name not in _OUTPUTS} for each in result.folds]
    files.write_receipt(
        staging,
        command="finetune",
        settings=job.settings(),
        inputs=job.inputs,
        packages=PACKAGES,
        result={**told, "folds": kept, "fingerprint": mark},
        run={name: getattr(result, name) for name in _OUTPUTS if name != "model"}
        | {"folds": [{name: each[name] for name in _OUTPUTS} for each in result.folds]},
    )


def recorded_folds(receipt: ModelReceipt, shown: str) -> FoldsResult:
    """The result in the receipt of a folder of folds; raises `InputError` where a field is missing."""
    recorded = receipt.fields(each.name for each in fields(FoldsResult) if each.name != "model")
    # What a fold took is recorded with the run, all else with the result.
    times = receipt.run.get("folds", [])
    folds = [{**fold, **timed} for fold, timed in zip(recorded["folds"], times, strict=True)]
    return FoldsResult(**{**recorded, "model": shown, "folds": folds})
