"""`compare_runs`: what a run gained over an earlier one, on the same rows, with an interval.

two runs -> their predictions for the same rows: recorded (`recorded_predictions`), or of a data set
-> scores, and their difference in the same bootstrap samples
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tokkit.data.dataset import sort_labels
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import InputError, UsageError, counted, did_you_mean
from tokkit.model.evaluation.evaluate import evaluate
from tokkit.model.folder.predictions import row_sums
from tokkit.model.metrics.significance import PairedScores, RowSums, bootstrap, compare_with_best, intervals
from tokkit.model.options.inference_options import EvaluateOptions
from tokkit.model.tasks.task import Task
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.review.compare_runs_options import CompareRunsOptions
from tokkit.review.recorded_predictions import ScoredRows, shared_rows
from tokkit.review.requests import check_compare_runs


@dataclass(frozen=True)
class CompareRunsResult:
    """old, new     ``{run, loss, accuracy, macro_f1, ..., intervals}`` on the shared rows
    difference   ``{metric, value, low, high}``: new less old, with its 95 % interval over paired samples
    differences  the same of every score
    test         ``{test, p_value}``: McNemar's, or of exchanged rows
    rows         shared rows
    where        source of the rows
    relabeled    texts that both have predicted and that have another label in the new run: not compared
    """

    old: dict[str, Any]
    new: dict[str, Any]
    difference: dict[str, Any]
    differences: list[dict[str, Any]]
    test: dict[str, Any] | None
    rows: int
    where: str
    relabeled: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_runs(
    old: str | Path,
    new: str | Path,
    on: str | Path | None = None,
    options: CompareRunsOptions | None = None,
    *,
    split: str | None = None,
    read_options: DatasetOptions | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> CompareRunsResult:
    """The scores of two runs on the same rows, and the difference with a paired bootstrap interval.

    old, new   model folders, folders of folds, or predictions that `finetune` or `evaluate` wrote
    on         a data set that both models predict, on its test split, else its validation split, or on
               ``split``; without one, the rows that both have predicted already, with the same text and label

    ``settings`` are fields of `CompareRunsOptions` and `DatasetOptions`.

    Raises `UsageError` for a run compared with itself and an unknown score, `InputError` for runs without a
    row in common, and as `evaluate`.
    """
    options, read_options = apply_to_both(CompareRunsOptions, options, DatasetOptions, read_options, settings)
    check_compare_runs(old, new, on, split)
    if on is None:
        runs, relabeled, where = _recorded(old, new, progress)
    else:
        runs, where = _predicted(old, new, on, split, options, read_options, threads, progress)
        relabeled = 0
    return _compared(runs, relabeled, where, options, progress)


def _recorded(old: str | Path, new: str | Path, progress: Progress) -> tuple[list[ScoredRows], int, str]:
    first, second = (ScoredRows.recorded(run) for run in (old, new))
    if first.task is not second.task:
        raise InputError(
            f"{old} predicts {first.task.name}, {new} {second.task.name}: they have no score in common",
            hint="compare runs of one task",
        )
    shared = shared_rows(first, second)
    rows, most = shared.old.height, max(first.table.height, second.table.height)
    if rows < most:
        progress.say(
            f"comparing {counted(rows, 'row', style=',')} that both have predicted with the same label, of "
            f"{first.table.height:,} of {old} and {second.table.height:,} of {new}"
        )
    if shared.relabeled:
        progress.say(
            f"{counted(shared.relabeled, 'text', 'have', style=',')} another label in {new}, and "
            f"{'is' if shared.relabeled == 1 else 'are'} not compared: --on DATASET says by which labels"
        )
    tables = {old: shared.old, new: shared.new}
    runs = [
        ScoredRows(run.name, table, run.task, run.labels)
        for run, table in zip((first, second), tables.values(), strict=True)
    ]
    return runs, shared.relabeled, f"{old} and {new}: rows held out by both"


def _predicted(
    old: str | Path,
    new: str | Path,
    on: str | Path,
    split: str | None,
    options: CompareRunsOptions,
    read_options: DatasetOptions,
    threads: int | None,
    progress: Progress,
) -> tuple[list[ScoredRows], str]:
    """The predictions of both models for the rows of a data set."""
    names = [str(old), str(new)]
    # Of a folder of folds, `evaluate` has the mean under the folder's name.
    # Intervals come from the tables below, for both ways of getting predictions alike.
    requested = EvaluateOptions(
        worst=0, resamples=0, device=options.device, tokens_per_batch=options.tokens_per_batch
    )
    result = evaluate(
        names,
        on,
        options=requested,
        split=split,
        read_options=read_options,
        threads=threads,
        progress=progress,
    )
    evaluations = [result.evaluations[name] for name in names]
    runs = [
        ScoredRows(name, evaluation.table, evaluation.model.task, evaluation.model.labels)
        for name, evaluation in zip(names, evaluations, strict=True)
    ]
    return runs, result.where


def _compared(
    runs: Sequence[ScoredRows], relabeled: int, where: str, options: CompareRunsOptions, progress: Progress
) -> CompareRunsResult:
    old, new = runs
    task = old.task
    # A run may have learned a class that the other has never seen.
    # The same classes for both: a mean over classes is of other classes else.
    labels = tuple(sort_labels({*old.labels, *new.labels})) if old.labels != new.labels else old.labels
    metric = options.metric or task.metric
    names = list(dict.fromkeys((metric, *task.headline, "loss")))
    sums = [_sums(task, labels, names, run.table) for run in runs]
    if metric not in sums[0]:
        known = ", ".join(sums[0])
        raise UsageError(
            f'--metric: no score "{metric}"{did_you_mean(metric, sums[0])}; there are: {known}',
            hint="a score of one class is classes.LABEL.f1",
        )
    paired = [
        _paired(task, run.table, of_run, metric, options, progress)
        for run, of_run in zip(runs, sums, strict=True)
    ]
    # Differences of the new run from the old: `compare_with_best` subtracts what it is given as the best.
    (comparison,) = compare_with_best({"old": paired[0], "new": paired[1]}, "old", options.seed, progress)
    differences = []
    for name in sums[0]:
        low, high = comparison["intervals"].get(name, (None, None))
        value = sums[1][name].value - sums[0][name].value
        differences.append({"metric": name, "value": _rounded(value), "low": low, "high": high})
    first, second = (
        {
            "run": run.name,
            "rows": run.table.height,
            **{name: _rounded(score.value) for name, score in of_run.items()},
            "intervals": intervals(scores.resampled),
        }
        for run, of_run, scores in zip(runs, sums, paired, strict=True)
    )
    return CompareRunsResult(
        old=first,
        new=second,
        difference=differences[0],
        differences=differences,
        test={"test": comparison["test"], "p_value": comparison["p_value"]},
        rows=old.table.height,
        where=where,
        relabeled=relabeled,
    )


def _sums(task: Task, labels: Sequence[str], names: Sequence[str], table: pl.DataFrame) -> dict[str, RowSums]:
    by_name = {name: row_sums(task, labels, name, table) for name in names}
    return {name: score for name, score in by_name.items() if score is not None}


def _paired(
    task: Task,
    table: pl.DataFrame,
    sums: Mapping[str, RowSums],
    metric: str,
    options: CompareRunsOptions,
    progress: Progress,
) -> PairedScores:
    # The same seed and number of rows give both runs the same samples, which makes them paired.
    resampled = bootstrap(sums, options.resamples, options.seed, progress)
    if not (task.by_row and task.has_classes):
        return PairedScores(None, resampled, sums[metric])
    pairs = zip(table["label"], table["predicted"], strict=True)
    correct = [set(task.names(true)) == set(task.names(predicted)) for true, predicted in pairs]
    return PairedScores(np.array(correct, dtype=bool), resampled)


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
