"""`finetune --compare`: every combination of settings on the same folds and seed, and which differ.

OUT/combination-1/ ...      what `cross_validate` writes, with the models only where they are to be kept
    comparison.json         all figures
    tokkit.json             the receipt
.OUT.tokkit-comparison/     combinations that are finished: a run that was killed goes on behind them
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations as pairs_of
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.inspection.comparison.differences import SIGNIFICANT
from tokkit.inspection.comparison.resampling import holm, interval
from tokkit.model.folder.predictions import row_sums, write_json
from tokkit.model.folder.receipt import fold_name
from tokkit.model.folds.combinations import Combination, Keys, combinations, parsed
from tokkit.model.folds.cross_validate import (
    FoldsResult,
    cross_validate,
    fingerprint,
    finished,
    recorded_folds,
)
from tokkit.model.folds.drawing import FoldedRows
from tokkit.model.folds.prepared import folds_job
from tokkit.model.metrics.significance import RowSums, bootstrap, exchange_test
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.tasks import task_of
from tokkit.model.training.baseline import NONE
from tokkit.model.training.checkpoints import link_tree
from tokkit.model.training.job import PACKAGES, Job
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, stage

_WORK = "comparison"
RESAMPLES = 1_000
LOSS = "loss"


@dataclass(frozen=True)
class CompareSettingsResult:
    """metric         the score that combinations are compared by, out of fold
    combinations   best first: ``settings``, ``score``, its 95 % ``interval``, ``mean`` and ``deviation`` over
                   the folds, ``out_of_fold`` scores, the ``difference`` to the best with its interval, and
                   ``p_value``, adjusted (Holm) over all pairs
    best           the settings with the best score
    indistinguishable   settings whose difference to the best may be chance
    """

    output: str
    metric: str
    rows: int
    folds: int
    best: dict[str, Any]
    indistinguishable: list[dict[str, Any]]
    combinations: list[dict[str, Any]]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_settings(
    dataset: str | Path,
    keys: Keys | Sequence[str],
    tokenizer: str | Path | None = None,
    model: str | Path | None = None,
    out: str | Path = "model",
    spec: FinetuneOptions | None = None,
    *,
    keep_models: bool = False,
    options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> CompareSettingsResult:
    """Cross-validates every combination of settings, on the same folds and seed, and tests which differ.

    keys         ``{"head": ["cls", "mean"], "loss": ["ce", "focal"]}``, or as the command line takes them,
                 ``["head=cls,mean", "loss=ce,focal"]``: fields of `FinetuneOptions`
    keep_models  whether the models of all folds are kept too

    Rows are the unit of intervals and tests (`row_sums`), each answered by a model that has not seen it. They
    tell whether another draw of rows could turn the order round, not whether another seed could: ``seed`` may
    be a key of its own. The best was picked by looking at these rows, so every pair counts as tested.

    ``settings`` are fields of `FinetuneOptions` and `DatasetOptions`. Raises as `finetune`, and `UsageError`
    for keys or values that are none.
    """
    spec, options = apply_to_both(FinetuneOptions, spec, DatasetOptions, options, settings)
    asked = combinations(keys if isinstance(keys, Mapping) else parsed(keys), spec)
    files.check_output(Path(out), force=force, kind="folder")
    started = time.monotonic()
    job, folded = folds_job(dataset, tokenizer, model, spec, None, options, threads, progress)
    progress.say(
        f"{len(asked)} combinations, each on the same {len(folded.folds)} folds "
        f"of {len(folded.rows.texts):,} rows"
    )
    real = files.check_output(Path(out), force=force, inputs=job.inputs, kind="folder")
    work = files.work_path(real, _WORK)
    with files.folder(Path(out), force=force, inputs=job.inputs) as staging:
        work.mkdir(exist_ok=True)
        results = [
            _cross_validated(job, folded, each, work, keep_models, n) for n, each in enumerate(asked, 1)
        ]
        for number in range(1, len(asked) + 1):
            link_tree(work / _folder(number), staging / _folder(number))
        metric, told = _compared(job, folded, asked, results, work)
        best = told[0]["settings"]
        unsure = [each["settings"] for each in told[1:] if not each["distinguishable"]]
        seconds = round(time.monotonic() - started, 3)
        result = CompareSettingsResult(
            str(out), metric, len(folded.rows.texts), len(folded.folds), best, unsure, told, seconds
        )
        kept = {name: value for name, value in result.as_dict().items() if name not in ("output", "seconds")}
        write_json(staging / "comparison.json", kept)
        files.write_receipt(
            staging,
            command="finetune",
            settings={**job.settings(), "compare": [each.told for each in asked], "keep_models": keep_models},
            inputs=job.inputs,
            packages=PACKAGES,
            result={"metric": metric, "best": best, "indistinguishable": unsure},
            run={"seconds": seconds},
        )
    files.remove_work(work, real)
    return result


def _cross_validated(
    job: Job, folded: FoldedRows, asked: Combination, work: Path, keep_models: bool, number: int
) -> FoldsResult:
    """The result of one combination, whose folder stands in ``work`` then; one there already is kept."""
    spec = replace(asked.spec, baseline=NONE) if asked.spec.baseline == "auto" else asked.spec
    place, mine = work / _folder(number), replace(job, spec=spec)
    receipt = finished(place, fingerprint(mine, folded), job)
    if receipt is not None and (place / fold_name(1)).is_dir() == keep_models:
        job.progress.say(f"{asked.name}: finished by an earlier run, and kept")
        return recorded_folds(receipt, _folder(number))
    job.progress.say(f"combination {number}: {asked.name}")
    return cross_validate(
        mine, folded, place, force=place.exists(), shown=_folder(number), keep_models=keep_models
    )


def _compared(
    job: Job, folded: FoldedRows, asked: Sequence[Combination], results: Sequence[FoldsResult], work: Path
) -> tuple[str, list[dict[str, Any]]]:
    """The score they are compared by, and what is told of each combination, best first."""
    metric, scores = _row_sums(job, folded, work, len(asked))
    sign = -1 if metric == LOSS else 1
    order = sorted(range(len(asked)), key=lambda i: -sign * scores[i].value)
    best, seed, progress = order[0], job.spec.seed, job.progress
    samples = bootstrap(dict(enumerate(scores)), RESAMPLES, seed, progress)
    pairs = list(pairs_of(range(len(asked)), 2))
    with stage(progress, "testing", len(pairs), "pairs"):
        p_values = []
        for one, other in pairs:
            p_values.append(exchange_test(scores[one], scores[other], seed, progress=progress))
            progress.advance(1)
    adjusted = dict(zip(pairs, holm(p_values), strict=True))
    told = []
    for i in order:
        p_value = None if i == best else adjusted[min(i, best), max(i, best)]
        told.append(
            {
                "settings": asked[i].told,
                "folder": _folder(i + 1),
                "score": round(scores[i].value, 6),
                "interval": _rounded(interval(samples[i])),
                "difference": round(scores[i].value - scores[best].value, 6),
                "difference_interval": None if i == best else _rounded(interval(samples[i] - samples[best])),
                "p_value": None if p_value is None else round(p_value, 6),
                "distinguishable": p_value is not None and p_value < SIGNIFICANT,
                "mean": results[i].mean,
                "deviation": results[i].deviation,
                "out_of_fold": results[i].metrics,
                "seconds": results[i].seconds,
            }
        )
    return metric, told


def _row_sums(job: Job, folded: FoldedRows, work: Path, count: int) -> tuple[str, list[RowSums]]:
    """The score asked for with its sums of each combination; the loss, which is said, where it has none."""
    import polars as pl

    task = task_of(job.spec.task, folded.dataset)
    labels, metric = task.labels(folded.rows), job.spec.metric or task.metric
    tables = [pl.read_parquet(work / _folder(n) / "predictions.parquet") for n in range(1, count + 1)]
    found = [row_sums(task, labels, metric, table) for table in tables]
    if known := [each for each in found if each is not None]:
        return metric, known
    job.progress.say(f"{metric} is no score that rows add up to: compared by loss")
    return LOSS, [each for table in tables if (each := row_sums(task, labels, LOSS, table)) is not None]


def _rounded(bounds: Sequence[float] | None) -> list[float] | None:
    return None if bounds is None else [round(bound, 6) for bound in bounds]


def _folder(number: int) -> str:
    return f"combination-{number}"
