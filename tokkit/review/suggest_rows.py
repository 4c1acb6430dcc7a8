"""`suggest_rows`: unlabeled rows that a model would learn most from, in a file to fill in.

rows without a label -> margins of the model's predictions -> candidates -> diverse ones (`row_picks`)
-> review file, which `clean --apply` reads once a person has given its rows labels
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit.data.dataset import Rows
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.review_file import ReviewRow
from tokkit.data.row_hash import label_value, row_hash
from tokkit.errors import InputError
from tokkit.model.exported.description import is_exported
from tokkit.model.options.inference_options import DecisionOptions
from tokkit.model.prediction.predictor import Predictor
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, SayOnce, stage
from tokkit.review.requests import check_suggest_rows
from tokkit.review.review_output import write_review
from tokkit.review.row_picks import diverse, smallest
from tokkit.review.suggest_rows_options import SuggestRowsOptions
from tokkit.review.sureness import Sureness
from tokkit.review.unlabeled_rows import UnlabeledRows, unlabeled_rows
from tokkit.tokenizer.encoding.encode import encode
from tokkit.tokenizer.folder.hub_downloads import hub_snapshots

_PACKAGES = ("numpy", "polars", "scikit-learn", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class SuggestRowsResult:
    """rows         ``{id, split, row, hash, text, suggested, score, reason}`` each, the least sure first
    unlabeled    rows without a label
    distinct     distinct texts of these that no labeled row has
    output       the review file; None where none was written
    """

    rows: list[dict[str, Any]]
    unlabeled: int
    distinct: int
    output: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def suggest_rows(
    dataset: str | Path,
    model: str | Path,
    out: str | Path | None = None,
    options: SuggestRowsOptions | None = None,
    *,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> SuggestRowsResult:
    """Rows without a label that are worth one: the model is unsure of them, and they are not alike.

    With ``out``, a review file of them: ``label`` is null, ``suggested`` what the model predicts. Rows are
    those of train, or of the first split where there is no train; texts that a labeled row has are left out,
    and of copies the first row is taken. Of a folder of folds the mean predicts, and the first model gives
    the vectors that rows are compared by.

    ``settings`` are fields of `SuggestRowsOptions` and `DatasetOptions`.

    Raises `InputError` where every row has a label, for labels that the model does not know, and for a model
    without classes.
    """
    options, read_options = apply_to_both(SuggestRowsOptions, options, DatasetOptions, read_options, settings)
    check_suggest_rows(dataset, model, out, force)
    progress = SayOnce(progress)
    inference = DecisionOptions(tokens_per_batch=options.tokens_per_batch, device=options.device)
    predictor = Predictor.load(model, inference, raw=True, threads=threads, progress=progress)
    task, labels = predictor.classifier.task, predictor.classifier.labels
    if not task.has_classes:
        raise InputError(
            f"{model}: a model of {task.name} has no classes to be unsure of",
            hint="name a classifier",
        )
    loaded = read_dataset(dataset, read_options, progress, trained=predictor.members[0].receipt.columns)
    pool = unlabeled_rows(loaded, labels, str(model), task.by_row, progress)
    encoded = predictor.encode(pool.rows, progress)
    logits = predictor.logits(encoded, progress)
    sureness = Sureness.of(task, pool.rows, encoded, logits, labels)
    picked, alike = _picked(sureness.margins, pool.rows, predictor, options, progress)
    reviewed = [
        _review_row(pool, row, sureness, n) for row, n in zip(picked.tolist(), alike.tolist(), strict=True)
    ]
    result = SuggestRowsResult(
        rows=[_record(row) for row in reviewed],
        unlabeled=pool.count,
        distinct=len(pool.rows.texts),
        output=None if out is None else str(out),
    )
    if out is not None:
        inputs = [Path(model)] if Path(model).exists() else hub_snapshots(str(model))
        write_review(
            Path(out),
            reviewed,
            command="suggest-rows",
            options=options,
            read_options=read_options,
            inputs=[*loaded.files, *inputs],
            sources={"dataset": dataset, "model": model},
            packages=_PACKAGES,
            result={"rows": len(reviewed), "unlabeled": result.unlabeled, "distinct": result.distinct},
            force=force,
        )
    return result


def _review_row(pool: UnlabeledRows, row: int, sureness: Sureness, alike: int) -> ReviewRow:
    rows, text, position = pool.rows, pool.rows.texts[row], pool.rows.positions[row]
    margin = float(sureness.margins[row])
    more = [] if alike < 2 else [f"the least sure of {alike} alike candidates"]
    return ReviewRow(
        id=rows.ids[row] if rows.ids else position,
        split=pool.split,
        row=position,
        hash=row_hash((text, rows.pairs[row]) if rows.pairs else text, None),
        text=text,
        label=None,
        suggested=label_value(sureness.predicted[row], sureness.kind),
        score=round(1 - margin, 6),
        reasons=[f"margin {margin:.2f}: {sureness.unsure[row]}", *more],
    )


def _record(row: ReviewRow) -> dict[str, Any]:
    record = asdict(row)
    reasons = record.pop("reasons")
    return {**record, "reason": "; ".join(reasons)}


def _picked(
    margins: NDArray[np.float64],
    rows: Rows,
    predictor: Predictor,
    options: SuggestRowsOptions,
    progress: Progress,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows that are picked, the least sure first, and how many candidates are alike to each, itself
    included.
    """
    # Rows that the model is sure of would teach it little, however different they are.
    candidates = smallest(margins, options.budget * options.candidates)
    folder = predictor.members[0].receipt.folder
    if len(candidates) <= options.budget or options.candidates == 1:
        picked = candidates[: options.budget]
        return picked, np.ones(len(picked), np.int64)
    if is_exported(folder):
        progress.say(f"{folder}: an exported model has no hidden states, so rows are picked by margin alone")
        return candidates[: options.budget], np.ones(options.budget, np.int64)
    vectors = _vectors(folder, rows.at(candidates.tolist()), predictor.threads, options, progress)
    with stage(progress, "picking diverse rows"):
        picks = diverse(vectors, margins[candidates], options.budget, options.seed)
    return candidates[picks.rows], picks.alike


def _vectors(
    folder: Path, rows: Rows, threads: int | None, options: SuggestRowsOptions, progress: Progress
) -> NDArray[np.float32]:
    """(rows, width) the mean hidden states of the rows."""
    # Seconds, which picking by margin alone does without.
    from tokkit.model.network.classifier import budget_for, choose_device
    from tokkit.model.network.hidden_states import StatesOptions, hidden_states, load_body

    # The model's own states: what is alike to the model is what one label teaches.
    body, device = load_body(folder, None, progress), choose_device(options.device)
    pairs = rows.pairs or None
    encoded = encode(rows.texts, body.tokenizer, body.limits.max_length, pairs=pairs, threads=threads)
    states = StatesOptions(device, budget_for(device, options.tokens_per_batch))
    with stage(progress, "computing hidden states", len(rows.texts), "rows"):
        return hidden_states(encoded, body, states, progress)
