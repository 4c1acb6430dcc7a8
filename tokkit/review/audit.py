"""`audit`: rows whose label is likely wrong, ranked and written to a file for a person to decide about.

rows -> their out-of-fold predictions (`audit_rows`) -> how suspect each label is (`suspects`), with votes of
neighbors -> review file, which `clean --apply` reads once a person has filled it in
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import TAGS, Dataset
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.loading.trained_columns import NO_COLUMNS, TrainedColumns
from tokkit.model.folder.held_out import out_of_fold_predictions
from tokkit.model.folder.receipt import PREDICTIONS, ModelReceipt, fold_name
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, SayOnce
from tokkit.review.audit_options import AuditOptions
from tokkit.review.audit_rows import held_out_rows, labeled_rows
from tokkit.review.requests import check_audit
from tokkit.review.review_output import write_review
from tokkit.review.row_suspects import Folds, row_suspects, weak_reason
from tokkit.review.suspects import Suspects

_PACKAGES = ("numpy", "polars", "scikit-learn", "scipy")


@dataclass(frozen=True)
class AuditResult:
    """rows                 labeled rows that were judged
    suspects             ``{id, split, row, hash, text, label, suggested, score, reasons}`` each, the most
                         suspect first
    expected_precision   share of the suspects whose label is wrong, as estimated; None where the models are
                         little better than the majority class
    left_out             reason -> rows that were not judged
    output               the review file; None where none was written
    """

    rows: int
    suspects: list[dict[str, Any]]
    expected_precision: float | None
    left_out: dict[str, int]
    output: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def audit(
    dataset: str | Path,
    model: str | Path | None = None,
    out: str | Path | None = None,
    options: AuditOptions | None = None,
    *,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> AuditResult:
    """The rows whose label is likely wrong, the most suspect first, and with ``out`` a review file of them.

    model   a folder of folds, whose models judge the rows that they were not trained on; without one, linear
            models on the features do

    A label is suspect where the model is confident of another one (confident learning), and with
    ``features`` also where neighbors have another one. Rows may have one label, several, or a tag for each
    token. ``settings`` are fields of `AuditOptions` and `DatasetOptions`.

    Raises `UsageError` for a model that is no folder of folds, `InputError` for rows that none of its folds
    held out, and for features of other rows.
    """
    options, read_options = apply_to_both(AuditOptions, options, DatasetOptions, read_options, settings)
    receipt = check_audit(dataset, model, out, options, force)
    progress = SayOnce(progress)
    loaded = read_dataset(dataset, read_options, progress, trained=_columns(receipt))
    rows, folds = labeled_rows(loaded), None
    if receipt is not None:
        folds = Folds(receipt, out_of_fold_predictions(receipt.folder))
        rows = held_out_rows(rows, folds.predictions, str(model), progress)
    suspects = row_suspects(rows, folds, options, threads, progress)
    if weak := weak_reason(suspects, str(model or options.features)):
        progress.say(weak)
    # Texts and reasons are made for the rows that are listed, not for all.
    listed = _listed(suspects, options)
    reviewed = [
        rows.review_row(
            row, suspects.suggested(row), round(float(suspects.scores[row]), 6), suspects.reasons(row)
        )
        for row in listed.tolist()
    ]
    expected = None if weak or not len(listed) else round(float(suspects.wrong[listed].mean()), 6)
    result = AuditResult(
        rows=len(rows),
        suspects=[asdict(row) for row in reviewed],
        expected_precision=expected,
        left_out=dict(rows.rows.left_out),
        output=None if out is None else str(out),
    )
    if out is not None:
        write_review(
            Path(out),
            reviewed,
            command="audit",
            options=options,
            read_options=read_options,
            inputs=[*loaded.files, *_read(loaded, receipt, options)],
            sources={"dataset": dataset, "model": model, "features": options.features},
            packages=_PACKAGES,
            result={"rows": result.rows, "suspects": len(reviewed), "expected_precision": expected},
            force=force,
        )
    return result


def _listed(suspects: Suspects, options: AuditOptions) -> NDArray[np.int64]:
    """The rows to list, the most suspect first: those taken for errors, or as many as requested."""
    order = np.argsort(-suspects.scores, kind="stable")
    return order[suspects.issues[order]] if options.rows is None else order[: options.rows]


def _columns(receipt: ModelReceipt | None) -> TrainedColumns:
    """The columns that the folds were trained with; compared settings keep no models, which record them."""
    if receipt is None:
        return NO_COLUMNS
    first = receipt.folder / fold_name(1)
    return ModelReceipt.read(first).columns if first.is_dir() else receipt.columns


def _read(dataset: Dataset, receipt: ModelReceipt | None, options: AuditOptions) -> list[Path]:
    """What was read besides the rows: of tags the models, which judge them once more."""
    features = [] if options.features is None else [Path(options.features)]
    if receipt is None:
        return features
    return [receipt.folder if dataset.label_kind == TAGS else receipt.folder / PREDICTIONS, *features]
