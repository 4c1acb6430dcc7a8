"""What each class counts for in a loss: computed from the training items, or read from a file.

    none       all alike
    balanced   1 / items, as scikit-learn's ``compute_class_weight``
    sqrt       1 / the square root of items
    effective  (1 - beta) / (1 - beta^items), Cui et al. 2019
    joy=1,...  a number for every label
    FILE       {"joy": 0.7, ...}, as `rebalance` leaves it beside its rows

Of several labels a row, a weight is what having the label counts against not having it.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data.dataset import TRAIN, Dataset
from tokkit.data.rebalancing.weights import WEIGHTS, sidecar_of
from tokkit.data.rebalancing.weights import class_weights as weights_of
from tokkit.errors import InputError, did_you_mean
from tokkit.model.network.losses.by_label import is_by_label, numbers_by_label
from tokkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE = "none"
_ALIKE = 1.01
"""Weights that differ by no more than this factor weigh nothing."""


def class_counts(values: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """(classes,) training items of each class.

    values  class ids, negative where an item has none, or (rows, classes) with 1 where a row has the label

    >>> class_counts(np.array([0, 2, 2, -100]), classes=3)
    array([1, 0, 2])
    """
    import numpy as np

    if values.ndim == 2:
        return (values > 0.5).sum(axis=0)
    return np.bincount(values[values >= 0], minlength=classes)


def class_weights(which: str, values: NDArray[Any], labels: Sequence[str]) -> list[float] | None:
    """Weight of each class, by id; None where all count alike.

    A class without training items, which no weight would matter for, has 1. ``values`` are those of
    `class_counts`. Raises `InputError` for a file that is none, or that lacks a label, `UsageError` for
    numbers that do.
    """
    if which == NONE:
        return None
    if is_by_label(which) and not Path(which).exists():
        return numbers_by_label("--class-weights", which, labels)
    if which not in WEIGHTS:
        return _from_file(Path(which), labels)
    counts = class_counts(values, len(labels)).tolist()
    if values.ndim == 2:
        return [_against_the_rest(n, len(values) - n, which) for n in counts]
    found = weights_of({label: n for label, n in zip(labels, counts, strict=True) if n}, which)
    return [found.get(label, 1.0) for label in labels]


def _against_the_rest(having: int, lacking: int, how: str) -> float:
    """What a row that has the label counts beside one that lacks it.

    >>> _against_the_rest(100, 300, "balanced")
    3.0
    """
    if not having or not lacking:
        return 1.0
    found = weights_of({"having": having, "lacking": lacking}, how)
    return found["having"] / found["lacking"]


def _from_file(path: Path, labels: Sequence[str]) -> list[float]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = {str(label): float(weight) for label, weight in content.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise InputError(
            f"--class-weights {path}: none of {NONE}, {', '.join(WEIGHTS)}, and no file of weights ({error})"
            f"{did_you_mean(str(path), (NONE, *WEIGHTS))}",
            hint="tokkit rebalance DATASET -o OUT --strategy weights writes OUT.weights.json",
        ) from error
    for label in labels:
        weight = found.get(label)
        if weight is None:
            raise InputError(
                f'{path}: no weight for the label "{label}"{did_you_mean(label, found)}',
                hint="--class-weights balanced computes them from the training rows",
            )
        if not (math.isfinite(weight) and weight >= 0):
            raise InputError(f'{path}: the weight {weight} of "{label}" is no number from 0 up')
    return [found[label] for label in labels]


def say_unused_weights(which: str, dataset: Dataset, progress: Progress) -> None:
    """Says that `rebalance` left class weights beside the training rows, where none are asked for."""
    beside = sidecar_of(dataset)
    if which == NONE and beside is not None:
        named = shlex.quote(str(beside))
        progress.say(f"{beside}: class weights, which are not used; --class-weights {named} takes them")


def say_doubled_weights(
    weighed: Mapping[str, Sequence[float]], sampler: str, dataset: Dataset, progress: Progress
) -> None:
    """Warns where rare classes are favoured in two ways, weighed more and drawn more often: they multiply.

    weighed  option -> what it makes of each class: ``{"--class-weights balanced": [0.5, 2.0]}``; one whose
             numbers are all alike favours none
    """
    ways = [told for told, by_class in weighed.items() if max(by_class) > _ALIKE * min(by_class)]
    if ways and sampler != "plain":
        ways.append(f"--sampler {sampler}")
    if ways and (repeated := _oversampled(dataset)) is not None:
        ways.append(f"the rows that rebalance repeated in {repeated}")
    if len(ways) > 1:
        progress.say(
            f"{', '.join(ways[:-1])} and {ways[-1]} each favour rare classes, and together they multiply: "
            "one of them is usually enough"
        )


def _oversampled(dataset: Dataset) -> Path | None:
    """The training rows' file or folder, where its receipt says that `rebalance` repeated rows of a class."""
    source = Path(dataset.source)
    for output in (source, *dataset.split(TRAIN).files):
        if not output.exists() or not files.receipt_path(output).exists():
            continue
        receipt = files.read_receipt(output)
        before, after = (receipt["result"].get(name) or {} for name in ("before", "after"))
        if receipt.get("command") == "rebalance" and any(
            n > before.get(label, 0) for label, n in after.items()
        ):
            return output
    return None
