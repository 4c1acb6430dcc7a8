"""Suspects among the rows of a data set, by what the folds predict for them and what their neighbors have.

One label or several: the probabilities that `finetune --folds` saved. Tags: each fold reads the rows that it
held out once more, as their probabilities are not saved.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import ONE, TAGS
from tokkit.data.duplicates.groups import equal_rows
from tokkit.data.duplicates.text_keys import join_pairs
from tokkit.data.splitting.stratifier import stratified_folds
from tokkit.errors import InputError, UsageError
from tokkit.model.backends.load_model import load_model
from tokkit.model.features.features_file import FeaturesFile
from tokkit.model.features.nearest_rows import nearest_rows
from tokkit.model.folder.loaded_model import encode_rows
from tokkit.model.folder.receipt import PERCENT, ModelReceipt, fold_number
from tokkit.model.metrics.label_issues import is_little_better
from tokkit.model.options.inference_options import DecisionOptions
from tokkit.model.tasks import DEFAULT, TASKS
from tokkit.model.tasks.multi_label import MultiLabel
from tokkit.model.tasks.tags import Tags, TokenPositions
from tokkit.model.tasks.task import Task, class_ids
from tokkit.model.training.linear_model import LinearModel
from tokkit.progress import Progress
from tokkit.review.audit_options import AuditOptions
from tokkit.review.audit_rows import AuditRows
from tokkit.review.neighbor_votes import neighbor_votes
from tokkit.review.suspects import SeveralLabels, SingleLabels, Suspects, TokenTags
from tokkit.tokenizer.encoding.encode import Encoded

# Targets of rows need no tokens; those of tags, which do, are not made here.
_NO_TOKENS = Encoded(np.empty(0, np.int32), np.zeros(1, np.int64), 0)


@dataclass(frozen=True)
class Folds:
    """A folder of folds, and what they predict for the rows that they held out."""

    receipt: ModelReceipt
    predictions: pl.DataFrame


def row_suspects(
    rows: AuditRows, folds: Folds | None, options: AuditOptions, threads: int | None, progress: Progress
) -> Suspects:
    """How suspect the label of each row is; without folds, by a linear model on the features.

    Raises `InputError` for predictions without classes, labels that the models do not have, and features of
    other rows; `UsageError` for features of rows with tags.
    """
    kind, where = rows.dataset.label_kind, rows.dataset.source
    if kind == TAGS:
        if folds is None or options.features is not None:
            raise UsageError(
                "--features: vectors of rows say nothing of the tags of tokens",
                hint="name folds that were trained on the rows (--model), and no features",
            )
        return _tags(rows, folds, options, threads, progress)
    # As in training: rows that have lists of labels are judged label by label.
    task = DEFAULT if kind == ONE else TASKS[MultiLabel.name]
    labels = _labels(rows, folds, task)
    given = task.targets(rows.rows, labels, where, _NO_TOKENS).values
    carries = given[:, None] == np.arange(len(labels)) if kind == ONE else given > 0.5
    vectors = None if options.features is None else _vectors(rows, Path(options.features))
    if folds is not None:
        table = folds.predictions.select(f"{PERCENT}{label}" for label in labels)
        shares = table.to_numpy()[rows.indices] / 100
    else:
        assert vectors is not None
        shares = _linear(rows, vectors, given, labels, task, options, threads, progress)
    votes = None
    if vectors is not None:
        votes = neighbor_votes(nearest_rows(vectors, options.neighbors, progress), carries)
    if kind == ONE:
        return SingleLabels(labels, shares, given, votes)
    return SeveralLabels(labels, shares, carries, votes)


def _labels(rows: AuditRows, folds: Folds | None, task: Task) -> list[str]:
    """The classes, those of the folds where there are some."""
    if folds is None:
        return list(task.labels(rows.rows))
    columns = folds.predictions.columns
    if not (labels := [name.removeprefix(PERCENT) for name in columns if name.startswith(PERCENT)]):
        raise InputError(
            f"{folds.receipt.folder}: its predictions have no probabilities of classes, and the labels of "
            f"{rows.dataset.source} are classes",
            hint="train folds on this data set (finetune with --folds)",
        )
    return labels


def _linear(
    rows: AuditRows,
    vectors: NDArray[np.float32],
    given: NDArray[Any],
    labels: Sequence[str],
    task: Task,
    options: AuditOptions,
    threads: int | None,
    progress: Progress,
) -> NDArray[np.float64]:
    """(rows, classes) out-of-fold probabilities of a linear model on vectors."""
    if len(labels) < 2:
        raise InputError(
            f'{rows.dataset.source}: one class only ("{"".join(labels)}"): there is nothing to learn',
            hint="name another column (--label-column)",
        )
    # Copies of a text are in one fold: a model would remember the label of the other copy.
    texts, pairs = rows.rows.texts, rows.rows.pairs
    contents = join_pairs(pl.Series(texts), pl.Series(pairs)) if pairs else pl.Series(texts)
    groups = equal_rows(contents).to_numpy()
    strata = np.unique(np.array(rows.rows.labels), return_inverse=True)[1].astype(np.int64)
    rng, source = np.random.default_rng(options.seed), rows.dataset.source
    numbers = stratified_folds(groups, strata, options.folds, rng=rng, source=source, progress=progress)
    model = LinearModel(given, given, labels, task, threads, progress)
    return model.out_of_fold(vectors, numbers)


def weak_reason(suspects: Suspects, model: str) -> str | None:
    """Why nothing can be expected of the suspects: models little better than the majority class, or None."""
    if not isinstance(suspects, SingleLabels):
        return None
    accuracy, (label, majority) = suspects.accuracy, suspects.majority
    if not is_little_better(accuracy, majority):
        return None
    return (
        f'accuracy {accuracy:.4f} of {model} is not far above {majority:.4f} of always "{label}": its rows '
        "are ranked, but none is likely an error"
    )


def _vectors(rows: AuditRows, path: Path) -> NDArray[np.float32]:
    """(rows, width) the vector of each row; raises `InputError` for a file of other rows."""
    file = FeaturesFile.read(path)
    if file.pooling == "none":
        raise InputError(
            f"{path}: has vectors of tokens, not of rows",
            hint="compute them once more (features with --pooling mean)",
        )
    of_file, source = file.dataset(), rows.dataset.source
    starts = dict(zip(of_file.splits, itertools.accumulate(file.splits().values(), initial=0), strict=False))
    for name in dict.fromkeys(rows.splits):
        same = name in of_file.splits and of_file.contents(name).equals(rows.dataset.contents(name))
        if not same:
            raise InputError(
                f"{path}: its vectors are of other rows than the {name} split of {source}",
                hint=f"compute the hidden states of {source} (the command features)",
            )
    wanted = np.array(
        [starts[name] + row for name, row in zip(rows.splits, rows.rows.positions, strict=True)], np.int64
    )
    # The file is read once, from its first row to its last.
    order = np.argsort(wanted)
    vectors = np.empty((len(wanted), file.width), np.float32)
    vectors[order] = file.vectors(wanted[order])
    return vectors


def _tags(
    rows: AuditRows, folds: Folds, options: AuditOptions, threads: int | None, progress: Progress
) -> TokenTags:
    tokens, receipt = rows.rows.tokens, folds.receipt
    starts = np.concatenate(([0], np.cumsum([len(row) for row in tokens], dtype=np.int64)))
    numbers = folds.predictions["fold"].to_numpy()[rows.indices]
    inference = DecisionOptions(tokens_per_batch=options.tokens_per_batch, device=options.device)
    labels: tuple[str, ...] = ()
    shares = np.zeros((0, 0))
    for member in receipt.models():
        held_out = np.flatnonzero(numbers == fold_number(member.folder))
        if not len(held_out):
            continue
        saved = load_model(member, inference, threads, progress)
        if saved.classifier.task.name != Tags.name:
            raise InputError(
                f"{receipt.folder}: its models are for {saved.classifier.task.name}, and the rows of "
                f"{rows.dataset.source} have tags",
                hint="name folds that were trained on these rows",
            )
        if not labels:
            labels = saved.classifier.labels
            shares = np.full((int(starts[-1]), len(labels)), np.nan)
        if saved.classifier.labels != labels:
            raise InputError(
                f"{receipt.folder}: its folds do not have the same tags", hint="train them again"
            )
        own = rows.chosen(held_out)
        encoded = encode_rows(saved, own.rows, threads, progress)
        probabilities = saved.classifier.task.probabilities(saved.logits(encoded, inference, progress))
        positions = TokenPositions(own.rows.tokens, encoded).positions
        of_rows = np.concatenate([np.arange(starts[row], starts[row + 1]) for row in held_out])
        # A token that was truncated away was read by no model, and stays NaN.
        read = positions >= 0
        shares[of_rows[read]] = probabilities[positions[read]]
    names = [TASKS[Tags.name].names(written) for written in rows.rows.labels]
    given = class_ids(list(itertools.chain(*names)), labels, rows.dataset.source)
    return TokenTags(labels, tokens, shares, given)
