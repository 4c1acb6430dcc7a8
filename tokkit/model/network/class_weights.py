"""Class weights of a loss: computed from the training items, given by label, or read from a file.

    none       all equal
    balanced   1 / items, as scikit-learn's ``compute_class_weight``
    sqrt       1 / the square root of items
    effective  (1 - beta) / (1 - beta^items), Cui et al. 2019
    joy=1,...  a number for every label
    FILE       {"joy": 0.7, ...}, as `rebalance` writes it

With several labels per row, a weight is that of having the label against lacking it.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokkit import files
from tokkit.data.dataset import TRAIN, Dataset
from tokkit.data.rebalancing.weights import SIDECAR, WEIGHTS, sidecar_of
from tokkit.data.rebalancing.weights import class_weights as weights_of
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.progress import Progress
from tokkit.sources.paths import is_path

NONE = "none"
# Weights that differ by no more than this factor favor no class.
_EQUAL = 1.01

_LABEL_AND_NUMBER = re.compile(r"(.+?)=([0-9.eE+-]+)(?:,|$)")


def class_counts(values: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """(classes,) training items of each class.

    values  class ids, negative for items without one, or (rows, classes) with 1 where a row has the label

    >>> class_counts(np.array([0, 2, 2, -100]), classes=3)
    array([1, 0, 2])
    """
    if values.ndim == 2:
        return (values > 0.5).sum(axis=0)
    return np.bincount(values[values >= 0], minlength=classes)


def class_weights(which: str, values: NDArray[Any], labels: Sequence[str]) -> list[float] | None:
    """Weight of each class, by id; None where all are equal.

    A class without training items has weight 1. ``values`` are those of `class_counts`. Raises `InputError`
    for a file that has no weights or lacks a label, `UsageError` for numbers by label that lack one.
    """
    if which == NONE:
        return None
    # A file may have an equals sign in its name; an existing path always wins.
    if "=" in which and not is_path(Path(which)):
        return numbers_by_label("--class-weights", which, labels)
    if which not in WEIGHTS:
        return _from_file(Path(which), labels)
    counts = class_counts(values, len(labels)).tolist()
    if values.ndim == 2:
        return [_positive_weight(n, len(values) - n, which) for n in counts]
    # Classes without rows are left out, or they would get an infinite weight.
    weights = weights_of({label: n for label, n in zip(labels, counts, strict=True) if n}, which)
    return [weights.get(label, 1.0) for label in labels]


def _positive_weight(positive: int, negative: int, method: str) -> float:
    """Weight of a row with the label relative to one without it.

    >>> _positive_weight(100, 300, "balanced")
    3.0
    """
    if not positive or not negative:
        return 1.0
    weights = weights_of({"positive": positive, "negative": negative}, method)
    return weights["positive"] / weights["negative"]


def numbers_by_label(
    option: str, text: str, labels: Sequence[str], others: Sequence[str] = ()
) -> list[float]:
    """Numbers from 0 up, by id; a label may contain commas and equals signs.

    others  the other values that the option takes

    Raises `UsageError` for text of another form, for an unknown label, and for a label without a number.

    >>> numbers_by_label("--alpha", "joy=0.25,anger=1", ["anger", "joy"])
    [1.0, 0.25]
    """
    pairs = _LABEL_AND_NUMBER.findall(text)
    # The pairs with their "=" and "," add up to the whole text; else something between them was not matched.
    if not pairs or sum(len(label) + len(number) + 2 for label, number in pairs) - 1 != len(text):
        raise UsageError(
            f'{option} "{text}": neither {" nor ".join((*others, "a number for every label"))}',
            hint=f"a number for each:\n{option} {shlex.quote(','.join(f'{label}=1' for label in labels))}",
        )
    numbers: dict[str, float] = {}
    for label, number in pairs:
        if label not in labels:
            raise UsageError(f'{option}: unknown label "{label}"{did_you_mean(label, labels)}')
        try:
            numbers[label] = float(number)
        except ValueError:
            numbers[label] = math.nan
        if not (math.isfinite(numbers[label]) and numbers[label] >= 0):
            raise UsageError(f"{option} {label}={number}: expected a number from 0 up")
    if missing := [label for label in labels if label not in numbers]:
        raise UsageError(f'{option}: no number for the label "{missing[0]}"', hint=f"add {missing[0]}=1")
    return [numbers[label] for label in labels]


def _from_file(path: Path, labels: Sequence[str]) -> list[float]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        weights = {str(label): float(weight) for label, weight in content.items()}
    except (OSError, ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(
            f"--class-weights {path}: is no file of weights, "
            f"{getattr(error, 'strerror', None) or 'a JSON object of a number by label'}",
            hint="compute them from the training rows:\n--class-weights balanced",
        ) from error
    for label in labels:
        weight = weights.get(label)
        if weight is None:
            raise InputError(
                f'{path}: no weight for the label "{label}"{did_you_mean(label, weights)}',
                hint="compute them from the training rows:\n--class-weights balanced",
            )
        if not (math.isfinite(weight) and weight >= 0):
            raise InputError(f'{path}: invalid weight {weight} for "{label}": expected a number from 0 up')
    return [weights[label] for label in labels]


def warn_unused(which: str, dataset: Dataset, progress: Progress) -> None:
    """Say that `rebalance` wrote class weights for the training rows, where ``which`` is none.

    Weights that are used but are not those of the run that wrote the receipt next to them are reported too.
    """
    if which.endswith(f".{SIDECAR}"):
        _is_as_written(Path(which.removesuffix(f".{SIDECAR}")), progress)
    sidecar = sidecar_of(dataset)
    if which == NONE and sidecar is not None and not _favors_none(sidecar):
        quoted = shlex.quote(str(sidecar))
        progress.say(f"{sidecar}: class weights, not used; --class-weights {quoted} uses them")


def _favors_none(sidecar: Path) -> bool:
    """Whether the weights of a file are equal, as those of balanced classes are."""
    try:
        weights = json.loads(sidecar.read_text(encoding="utf-8")).values()
        return bool(max(weights) <= _EQUAL * min(weights))
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def warn_multiplied(
    weighted: Mapping[str, Sequence[float]], sampler: str, dataset: Dataset, progress: Progress
) -> None:
    """Warn where rare classes are favored in two ways, by weights and by sampling: the two multiply.

    weighted  option -> its number for each class: ``{"--class-weights balanced": [0.5, 2.0]}``
    """
    # Equal weights favor no class, whatever the option says.
    favoring = [option for option, numbers in weighted.items() if max(numbers) > _EQUAL * min(numbers)]
    if favoring and sampler != "plain":
        favoring.append(f"--sampler {sampler}")
    if favoring and (oversampled := _oversampled(dataset, progress)) is not None:
        favoring.append(f"the rows that rebalance repeated in {oversampled}")
    if len(favoring) > 1:
        progress.say(
            f"{', '.join(favoring[:-1])} and {favoring[-1]} each favor rare classes, and together they "
            "multiply: one of them is usually enough"
        )


def _is_as_written(output: Path, progress: Progress) -> bool:
    """Whether an output has a receipt and is what that describes; it is reported where it has another's."""
    if not output.exists() or not files.receipt_path(output).exists():
        return False
    changed = files.changed_outputs(output)
    if changed:
        progress.say(
            f"{files.receipt_path(output)}: describes another {' and '.join(changed)}, which was edited, "
            "or is of another run"
        )
    return not changed


def _oversampled(dataset: Dataset, progress: Progress) -> Path | None:
    """The file or folder of the training rows, where its receipt says that `rebalance` repeated rows."""
    source = Path(dataset.source)
    for output in dict.fromkeys((source, *dataset.split(TRAIN).files)):
        if not _is_as_written(output, progress):
            continue
        receipt = files.receipt_fields(output, hint="rebalance the data set again")
        if receipt.text("command") != "rebalance":
            continue
        before, after = (receipt.fields("result").fields(name, default=None) for name in ("before", "after"))
        if (
            before
            and after
            and any(after.integer(label) > before.integer(label, default=0) for label in after.content)
        ):
            return output
    return None
