"""`finetune --compare`: every combination of settings on the same folds and seed, and which differ.

OUT/combination-1/ ...      what `cross_validate` writes, with the models only with --keep-models
    comparison.json         all figures
    tokkit.json             the receipt
.OUT.tokkit-comparison/     finished combinations: a run that was killed continues after them
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
from tokkit.errors import counted
from tokkit.inspection.comparison.differences import SIGNIFICANT
from tokkit.inspection.comparison.resampling import holm, interval
from tokkit.model.folder.held_out import read_predictions
from tokkit.model.folder.predictions import row_sums, write_json
from tokkit.model.folder.receipt import PREDICTIONS, fold_name
from tokkit.model.folds.combinations import Combination, Keys, combinations, parsed
from tokkit.model.folds.cross_validate import FoldsResult, cross_validate, fingerprint
from tokkit.model.folds.fold_rows import FoldsRequest, folds_request
from tokkit.model.folds.model_queue import train_queued
from tokkit.model.folds.train_folds import finished
from tokkit.model.metrics.significance import RowSums, bootstrap, exchange_test
from tokkit.model.network.classifier import choose_device
from tokkit.model.options.finetune_options import FinetuneOptions
from tokkit.model.options.process_options import ProcessOptions
from tokkit.model.requests.checks import check_finetune
from tokkit.model.requests.ids import for_ids
from tokkit.model.training.baseline import NONE
from tokkit.model.training.checkpoints import link_tree
from tokkit.model.training.data_parallel import on_processes
from tokkit.model.training.train_model import PACKAGES
from tokkit.options import apply_known, apply_to_both
from tokkit.progress import SILENT, Progress, stage
from tokkit.runtime.workers import Job

RESAMPLES = 1_000
_WORK = "comparison"
_LOSS = "loss"


@dataclass(frozen=True)
class CompareSettingsResult:
    """metric         the score that combinations are compared by, out of fold
    combinations   best first: ``settings``, ``score``, its 95 % CI ``interval``, ``mean`` and ``deviation``
                   over the folds, ``out_of_fold`` scores, the ``difference`` to the best with its interval,
                   and ``p_value``, adjusted (Holm) over all pairs
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
    options: FinetuneOptions | None = None,
    *,
    keep_models: bool = False,
    read_options: DatasetOptions | None = None,
    process_options: ProcessOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> CompareSettingsResult:
    """Cross-validate every combination of settings, on the same folds and seed, and test which differ.

    keys         ``{"head": ["cls", "mean"], "loss": ["ce", "focal"]}``, or as on the command line,
                 ``["head=cls,mean", "loss=ce,focal"]``: fields of `FinetuneOptions`
    keep_models  whether the models of all folds are kept too

    Rows are the unit of intervals and tests (`row_sums`), each predicted by a model that was not trained on
    it. The tests say whether another sample of rows could change the order, not whether another seed could:
    ``seed`` may be a key of its own. The best was picked by looking at these rows, so every pair counts as
    tested.

    ``settings`` are fields of `FinetuneOptions`, `DatasetOptions` and `ProcessOptions`. With as many
    combinations as processes, each trains one at a time; with fewer, the folds of one. Raises as `finetune`,
    and `UsageError` for invalid keys or values.
    """
    process_options, settings = apply_known(ProcessOptions, process_options, settings)
    options, read_options = apply_to_both(FinetuneOptions, options, DatasetOptions, read_options, settings)
    keys = keys if isinstance(keys, Mapping) else parsed(keys)
    compared = combinations(keys, options)
    check_finetune(dataset, tokenizer, model, out, options, process_options, folds=True, force=force)
    choose_device(options.device)
    options = for_ids(options, (dataset,), tokenizer or model, progress)
    # Again, with what the rows decide.
    compared = combinations(keys, options)
    options, threads = on_processes(options, process_options, threads, progress)
    started = time.monotonic()
    request = folds_request(
        *(dataset, tokenizer, model, options, read_options),
        process_options=process_options,
        threads=threads,
        progress=progress,
    )
    folded = request.folded
    progress.say(
        f"{len(compared)} combinations, each on the same {counted(len(folded.folds), 'fold')} "
        f"of {len(folded.rows.texts):,} rows"
    )
    real = files.check_output(Path(out), force=force, inputs=request.inputs, kind="folder")
    work = files.work_path(real, _WORK)
    with files.folder(Path(out), force=force, inputs=request.inputs) as staging:
        work.mkdir(exist_ok=True)
        queued = QueuedCombinations(request, compared, work, keep_models)
        results = _trained(queued)
        for number in range(1, len(compared) + 1):
            # Linked and not moved: the work folder stays complete until the output is published.
            link_tree(work / _folder(number), staging / _folder(number))
        metric, scores = _row_sums(request, work, len(compared))
        records = _compared(metric, scores, compared, results, options.seed, progress)
        result = CompareSettingsResult(
            output=str(out),
            metric=metric,
            rows=len(folded.rows.texts),
            folds=len(folded.folds),
            best=records[0]["settings"],
            indistinguishable=[record["settings"] for record in records[1:] if not record["distinguishable"]],
            combinations=records,
            seconds=round(time.monotonic() - started, 3),
        )
        content = result.as_dict()
        written = {name: value for name, value in content.items() if name not in ("output", "seconds")}
        write_json(staging / "comparison.json", written)
        files.write_receipt(
            staging,
            command="finetune",
            settings={
                **request.settings(),
                "compare": [combination.settings for combination in compared],
                "keep_models": keep_models,
            },
            inputs=request.inputs,
            packages=PACKAGES,
            result={name: content[name] for name in ("metric", "best", "indistinguishable")},
            run={**request.run(), "seconds": result.seconds},
        )
    files.remove_work(work, real)
    return result


@dataclass(frozen=True)
class QueuedCombinations:
    """What cross-validates each combination into its folder in ``work``."""

    request: FoldsRequest
    compared: Sequence[Combination]
    work: Path
    keep_models: bool

    def train(self, number: int, progress: Progress) -> FoldsResult:
        """Cross-validate one of the combinations in a process of its own."""
        request = replace(self.request, progress=progress, process_options=ProcessOptions())
        return replace(self, request=request).cross_validated(number)

    def cross_validated(self, number: int) -> FoldsResult:
        """The result of one combination, whose folder is then there; a finished one is not trained again."""
        combination, folder, progress = self.compared[number - 1], self._folder(number), self.request.progress
        request = self._request(number)
        if result := self.finished(number):
            progress.say(_already_finished(combination))
            return result
        progress.say(f"{folder.name.replace('-', ' ')}: {combination.name}")
        return cross_validate(
            request, folder, force=folder.exists(), name=folder.name, keep_models=self.keep_models
        )

    def finished(self, number: int) -> FoldsResult | None:
        """The result of a combination that an earlier run has finished; None without one."""
        folder, request = self._folder(number), self._request(number)
        receipt = finished(folder, fingerprint(request), request)
        if receipt is None or (folder / fold_name(1)).is_dir() != self.keep_models:
            return None
        return FoldsResult.recorded(receipt, folder.name)

    def _folder(self, number: int) -> Path:
        return self.work / _folder(number)

    def _request(self, number: int) -> FoldsRequest:
        options = self.compared[number - 1].options
        if options.baseline == "auto":  # the same rows would give the same baseline for every combination
            options = replace(options, baseline=NONE)
        return replace(self.request, options=options)


def _trained(queued: QueuedCombinations) -> list[FoldsResult]:
    """The results of all combinations, one after another or as many at a time as there are processes."""
    request, count = queued.request, len(queued.compared)
    # The processes would not all have a combination: `cross_validate` gives them the folds of one.
    if not 1 < request.process_options.count <= count:
        return [queued.cross_validated(number) for number in range(1, count + 1)]
    results: dict[int, FoldsResult] = {}
    jobs = []
    for number, combination in enumerate(queued.compared, 1):
        if result := queued.finished(number):
            results[number] = result
            jobs.append(Job(combination.name, None, [_already_finished(combination)]))
        else:
            jobs.append(Job(combination.name, {"number": number}))

    def keep(job: int, fields: Mapping[str, Any]) -> None:
        results[job + 1] = FoldsResult(**fields)

    content = replace(queued, request=replace(request, progress=SILENT))
    train_queued(request, content, jobs, keep, "combinations")
    return [results[number] for number in sorted(results)]


def _already_finished(combination: Combination) -> str:
    return f"{combination.name}: finished by an earlier run, not trained again"


def _compared(
    metric: str,
    scores: Sequence[RowSums],
    compared: Sequence[Combination],
    results: Sequence[FoldsResult],
    seed: int,
    progress: Progress,
) -> list[dict[str, Any]]:
    """The record of each combination, best first, with its difference to the best."""
    sign = -1 if metric == _LOSS else 1
    order = sorted(range(len(compared)), key=lambda i: -sign * scores[i].value)
    best = order[0]
    # The same samples for all combinations, so that their differences are paired.
    samples = bootstrap(dict(enumerate(scores)), RESAMPLES, seed, progress)
    pairs = list(pairs_of(range(len(compared)), 2))
    with stage(progress, "testing", len(pairs), "pairs"):
        p_values = []
        for one, other in pairs:
            p_values.append(exchange_test(scores[one], scores[other], seed, progress=progress))
            progress.advance(1)
    # The best is known only after looking, so all pairs count as tests, not those with the best alone.
    adjusted = dict(zip(pairs, holm(p_values), strict=True))
    records = []
    for i in order:
        p_value = None if i == best else adjusted[min(i, best), max(i, best)]
        records.append(
            {
                "settings": compared[i].settings,
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
    return records


def _row_sums(request: FoldsRequest, work: Path, count: int) -> tuple[str, list[RowSums]]:
    """The metric with its row sums of each combination; for a metric without such sums, the loss."""
    task = request.task
    labels, metric = task.labels(request.folded.rows), request.options.metric or task.metric
    names = ("label", "predicted", "loss")
    tables = [read_predictions(work / _folder(n) / PREDICTIONS, names) for n in range(1, count + 1)]

    def sums_of(score: str) -> list[RowSums]:
        return [sums for table in tables if (sums := row_sums(task, labels, score, table)) is not None]

    if sums := sums_of(metric):
        return metric, sums
    request.progress.say(f"{metric} is not a sum over rows: compared by loss")
    return _LOSS, sums_of(_LOSS)


def _rounded(bounds: Sequence[float] | None) -> list[float] | None:
    return None if bounds is None else [round(bound, 6) for bound in bounds]


def _folder(number: int) -> str:
    return f"combination-{number}"
