"""The rows a classifier is trained or scored on, checked: classes, splits, labels it knows."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tokkit.data.dataset import TRAIN, VALIDATION, Dataset, Rows, sort_labels
from tokkit.data.loading.load import DatasetOptions, load_dataset
from tokkit.data.rebalancing.weights import balanced_weights, sidecar_of
from tokkit.data.splitting.split import SplitPlan, assign
from tokkit.errors import InputError, did_you_mean
from tokkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VALIDATION_SHARE = 0.1


def training_and_validation(
    dataset: Dataset,
    validation_data: str | Path | None,
    options: DatasetOptions,
    seed: int,
    progress: Progress,
) -> tuple[Rows, Rows]:
    """The rows to train on and those to validate on, complete, with the same classes.

    Validation rows come from their own file, from the data set's validation split, or are split off,
    stratified, which is said. What is left out is said by reason; a test split is never looked at.

    Raises `InputError` for fewer than two classes, and for a label that one of the two lacks.
    """
    train = dataset.split(TRAIN)
    _check_two_classes(dataset, dataset.complete(TRAIN))
    if validation_data is not None:
        loaded = load_dataset(validation_data, options, progress)
        loaded.require_labels()
        training, validation = dataset.complete(TRAIN), loaded.complete(_validation_split(loaded))
    elif VALIDATION in dataset.splits:
        training, validation = dataset.complete(TRAIN), dataset.complete(VALIDATION)
    else:
        plan = SplitPlan(validation=VALIDATION_SHARE, test=0, seed=seed)
        assigned = assign(dataset, TRAIN, plan)
        everything = dataset.complete(TRAIN)
        training = _only(everything, assigned[TRAIN])
        validation = _only(everything, assigned[VALIDATION])
        validation = replace(validation, left_out={})
        progress.say(
            f"{train.where}: no validation split; {len(validation.texts)} of "
            f"{len(everything.texts)} rows are split off for it, stratified"
        )
    for name, rows in ((TRAIN, training), (VALIDATION, validation)):
        for reason, n in rows.left_out.items():
            progress.say(f"{n} rows of {name} left out: {reason}")
    _check_classes(dataset, training, validation, progress)
    _say_leaks(training, validation, progress)
    return training, validation


def targets(rows: Rows, labels: Sequence[str], where: str) -> NDArray[np.int64]:
    """(rows,) class ids; raises `InputError` for labels that are none of the model's."""
    import numpy as np

    number = {label: i for i, label in enumerate(labels)}
    unknown = sort_labels(label for label in rows.labels if label not in number)
    if unknown:
        raise InputError(
            f'{where}: the label "{unknown[0]}" is none of the model\'s ({", ".join(labels)})'
            f"{did_you_mean(unknown[0], labels)}",
            hint=f"give it the model's name: --label-names {shlex.quote(f'{unknown[0]}={labels[0]}')}",
        )
    return np.array([number[label] for label in rows.labels], dtype=np.int64)


def class_weights(which: str, rows: Rows, labels: Sequence[str]) -> list[float] | None:
    """Weight of each class: None, ``balanced`` over these rows, or from a file that `rebalance` wrote."""
    if which == "none":
        return None
    if which == "balanced":
        weights: Mapping[str, float] = balanced_weights(Counter(rows.labels))
    else:
        weights = _read_weights(Path(which))
    lacking = [label for label in labels if label not in weights]
    if lacking:
        raise InputError(
            f'{which}: no weight for the label "{lacking[0]}"{did_you_mean(lacking[0], weights)}',
            hint="--class-weights balanced computes them from the training rows",
        )
    return [float(weights[label]) for label in labels]


def say_unused_weights(which: str, dataset: Dataset, progress: Progress) -> None:
    """Says that `rebalance` left class weights beside the training rows, where none are asked for."""
    beside = sidecar_of(dataset)
    if which == "none" and beside is not None:
        progress.say(f"{beside}: class weights, which are not used; --class-weights {beside} takes them")


def _read_weights(path: Path) -> dict[str, float]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(label): float(weight) for label, weight in content.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"--class-weights {path}: not none, not balanced, and no file of weights ({error})",
            hint="tokkit rebalance DATASET -o OUT --strategy weights writes OUT.weights.json",
        ) from error


def _validation_split(dataset: Dataset) -> str:
    """The validation split of a data set named for validation, or the only split it has."""
    if VALIDATION in dataset.splits or len(dataset.splits) > 1:
        return dataset.split(VALIDATION).name
    return next(iter(dataset.splits))


def _say_leaks(training: Rows, validation: Rows, progress: Progress) -> None:
    trained_on = set(training.texts)
    leaking = sum(text in trained_on for text in validation.texts)
    if leaking:
        progress.say(
            f"{leaking} validation rows hold a text that stands in train too, which flatters the scores: "
            "tokkit rebalance DATASET -o OUT --strategy weights leaves them out of train"
        )


def _only(rows: Rows, positions: Sequence[int]) -> Rows:
    wanted = set(positions)
    kept = [i for i, position in enumerate(rows.positions) if position in wanted]
    return Rows(
        texts=[rows.texts[i] for i in kept],
        labels=[rows.labels[i] for i in kept],
        positions=[rows.positions[i] for i in kept],
        left_out=rows.left_out,
    )


def _check_two_classes(dataset: Dataset, training: Rows) -> None:
    dataset.require_labels()
    classes = set(training.labels)
    if len(classes) < 2:
        raise InputError(
            f'{dataset.source}: one class only ("{next(iter(classes), "none")}"): there is nothing to learn',
            hint=f"tokkit stats {shlex.quote(dataset.source)} shows the labels; --label-column names others",
        )


def _check_classes(dataset: Dataset, training: Rows, validation: Rows, progress: Progress) -> None:
    """Both need the same classes; one too rare to be expected in validation is only said."""
    train, held_out = Counter(training.labels), Counter(validation.labels)
    mend = "draw both from all rows: tokkit split ALL_ROWS.csv -o split/, then tokkit finetune split/"
    unseen = sort_labels(set(held_out) - set(train))
    if unseen:
        raise InputError(
            f'{dataset.source}: the label "{unseen[0]}" stands in validation but in no training row',
            hint=mend,
        )
    ratio = len(validation.labels) / len(training.labels)
    absent = sort_labels(set(train) - set(held_out))
    expected = [label for label in absent if train[label] * ratio >= 1]
    if expected:
        raise InputError(
            f'{dataset.source}: the label "{expected[0]}" ({train[expected[0]]} training rows) '
            "is missing in validation, so no score would see it",
            hint=mend,
        )
    if absent:
        progress.say(f"too rare to be in validation, so no score sees them: {', '.join(absent)}")
