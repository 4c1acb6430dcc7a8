"""`evaluate`: the scores of one or several classifiers on labeled rows.

rows -> logits and scores of each model (`scoring`) -> intervals, worst rows, issues (`analysis`)
-> comparison with the best -> folder (`publish`)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tokkit import files
from tokkit.data.dataset import TEST, TRAIN, VALIDATION, Dataset, Rows, Split
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import dataset_of
from tokkit.data.loading.read import find_splits
from tokkit.errors import InputError, counted
from tokkit.files import redacted
from tokkit.model.evaluation.analysis import EvaluateResult, analyze
from tokkit.model.evaluation.publish import publish
from tokkit.model.evaluation.scoring import ScoredModel, Scorer, score_out_of_fold
from tokkit.model.folder.held_out import held_out_texts
from tokkit.model.folder.hub_models import local_receipt
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.metrics.named_scores import score_named
from tokkit.model.metrics.significance import compare_with_best
from tokkit.model.options.inference_options import EvaluateOptions
from tokkit.model.requests.checks import check_evaluate
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, SayOnce
from tokkit.views.reports.evaluation import predicts_only


def evaluate(
    models: str | Path | Sequence[str | Path],
    dataset: str | Path | None = None,
    out: str | Path | None = None,
    options: EvaluateOptions | None = None,
    *,
    split: str | None = None,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> EvaluateResult:
    """Accuracy, F1, loss, calibration, intervals and worst rows of every model on the rows of one split.

    Without ``split``, a data set of several splits is evaluated on its test split, else its validation split,
    with a message. A folder of folds gives each of its models and their mean; without a ``dataset``, the
    scores of its out-of-fold predictions. With ``out``, a folder with scores, predictions and pictures
    (several models: one folder each). Each model reads the columns that it was trained with.

    ``settings`` are fields of `EvaluateOptions` and `DatasetOptions`.

    Raises `InputError` for a label no model knows, for a model without a trained head, and for one whose
    columns label other rows than those of the first.
    """
    names = [str(models)] if isinstance(models, str | Path) else [str(model) for model in models]
    options, read_options = apply_to_both(EvaluateOptions, options, DatasetOptions, read_options, settings)
    out_path = Path(out) if out is not None else None
    # Read once: scoring, warnings and out-of-fold predictions share them.
    receipts = {
        name: local_receipt(receipt, progress)
        for name, receipt in check_evaluate(names, dataset, out, force).items()
    }
    chosen, inputs = None, []
    if dataset is None:
        [name] = names
        rows, model = score_out_of_fold(name, receipts[name], options, threads, progress)
        scored, source = [(model, rows)], f"{name} (out-of-fold)"
    else:
        by_model = _read(dataset, receipts, read_options, progress)
        loaded = by_model[names[0]]
        inputs = loaded.files
        if out_path is not None:
            # Checked again now that the inputs are known: none of them may be overwritten.
            files.check_output(out_path, force=force, inputs=inputs, kind="folder")
        chosen = _choose_split(loaded, split, progress)
        rows, source = _labeled_rows(loaded, chosen, progress), loaded.split(chosen).where
        scored = []
        for name, receipt in receipts.items():
            own = _own_rows(name, by_model[name], chosen, names[0], rows)
            scorer = Scorer(own, source, options, threads, progress)
            scored += [(model, own) for model in scorer.score(name, receipt)]
            _warn_of_training_rows(name, receipt, own, loaded.split(chosen), options, progress)
    _check_one_task([model for model, _ in scored])
    if options.metric is not None:
        # A misspelled score is an error before anything is sampled.
        score_named(scored[0][0].scores, options.metric)
    for model, _ in scored:
        for only in predicts_only(model.scores):
            progress.say(f"{model.name} {only} on these rows")
    evaluations = {model.name: analyze(model, own, options, progress) for model, own in scored}
    inputs = [*inputs, *(receipt.folder for receipt in receipts.values())]
    result = EvaluateResult(evaluations, rows.left_out, source, chosen, metric=options.metric, inputs=inputs)
    # The best model follows from the scores, and the comparison from the best model.
    result = replace(result, comparisons=_compare(result, options, progress))
    if out_path is not None:
        recorded = {"split": split, **asdict(read_options), **asdict(options)}
        sources = {"models": names, "dataset": dataset}
        publish(
            *(out_path, result, inputs, recorded),
            sources=sources,
            threads=threads,
            force=force,
            progress=progress,
        )
    return result


def _read(
    source: str | Path, receipts: Mapping[str, ModelReceipt], options: DatasetOptions, progress: Progress
) -> dict[str, Dataset]:
    """The data set as each model reads it: in the columns that it was trained with."""
    progress = SayOnce(progress)
    split_files = find_splits(str(source), options, progress)
    trained = {name: receipt.models()[0].columns for name, receipt in receipts.items()}
    by_model: dict[str, Dataset] = {}
    for name, columns in trained.items():
        same = next((other for other in by_model if trained[other] == columns), None)
        by_model[name] = (
            by_model[same]
            if same is not None
            else dataset_of(redacted(str(source)), split_files, options, progress, columns)
        )
    return by_model


def _own_rows(name: str, dataset: Dataset, split: str, first: str, rows: Rows) -> Rows:
    """The rows as a model reads them; raises `InputError` where they, or their labels, are not those of the
    first.
    """
    own = dataset.complete(split)
    if (own.positions, own.labels) != (rows.positions, rows.labels):
        columns = f'column "{dataset.text_column}" and labels in column "{dataset.label_column}"'
        raise InputError(
            f"{name}: was trained on texts in {columns}, which label other rows than those of {first}, "
            "so the two cannot be compared",
            hint="evaluate them one by one, or name columns for all (--text-column, --label-column)",
        )
    return own


def _choose_split(dataset: Dataset, requested: str | None, progress: Progress) -> str:
    """The split requested, else the test split, else the validation split, else the first, with a message."""
    dataset.require_labels()
    # The validation split comes second: it selected the best epoch, which flatters the model.
    preferred = (name for name in (TEST, VALIDATION) if name in dataset.splits)
    chosen = requested or next(preferred, next(iter(dataset.splits)))
    if requested is None and len(dataset.splits) > 1:
        progress.say(f"{dataset.source}: evaluating the {chosen} split (--split)")
    return chosen


def _labeled_rows(dataset: Dataset, split: str, progress: Progress) -> Rows:
    """The rows that have a text and a label; raises `InputError` where there are none."""
    rows = dataset.complete(split)
    for reason, count in rows.left_out.items():
        progress.say(f"skipped {counted(count, 'row')} {reason.replace('no', 'without', 1)}")
    if not rows.texts:
        raise InputError(f"{dataset.source}: no row of {split} has both text and label")
    return rows


def _warn_of_training_rows(
    name: str, receipt: ModelReceipt, rows: Rows, split: Split, options: EvaluateOptions, progress: Progress
) -> None:
    """Warn where the model was trained on these rows, or its temperature or thresholds fitted on some."""
    # By content, so that a renamed copy of the training file is recognized too.
    if split.name == TRAIN and receipt.inputs & {files.sha256_of(path) for path in split.files}:
        progress.say(f"{name} was trained on these rows: its scores are too optimistic")
        if options.label_issues:
            folds = "name the folds without the rows"
            trained = "train folds (finetune with --folds), and name them without rows"
            progress.say(
                "a model agrees with wrong labels that it was trained on; better: "
                + (folds if receipt.folds else trained)
            )
    requested = {"temperature": options.calibrated, "thresholds": options.tuned_thresholds}
    corrections = " and ".join(name for name, wanted in requested.items() if wanted)
    # By text: the validation rows of the training may be anywhere in this data set.
    held_out = held_out_texts(receipt.folder) if corrections else frozenset()
    if shared := sum(text in held_out for text in rows.texts):
        progress.say(
            f"{shared:,} of the {len(rows.texts):,} rows are among those that the {corrections} of {name} "
            "were fitted on: its scores are too optimistic"
        )


def _check_one_task(scored: Sequence[ScoredModel]) -> None:
    first = scored[0]
    for other in scored:
        if other.task is not first.task:
            raise InputError(
                f"{first.name} is a {first.task.name} model, {other.name} a {other.task.name} model: "
                "they have no score in common",
                hint="evaluate them one by one",
            )


def _compare(result: EvaluateResult, options: EvaluateOptions, progress: Progress) -> list[dict[str, Any]]:
    """Every model with the best, where there are several and a test for their task."""
    paired = {name: model.paired for name, model in result.evaluations.items() if model.paired is not None}
    if len(paired) < 2 or len(paired) < len(result.evaluations):
        return []
    return compare_with_best(paired, result.best, options.seed, progress)
