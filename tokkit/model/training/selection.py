"""Which weights of a training are kept: those of the evaluation that is best by one score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tokkit.errors import UsageError, did_you_mean

LOWER_IS_BETTER = ("loss", "ece", "mae", "mse", "rmse")


def value_of(scores: Mapping[str, Any], name: str) -> float:
    """A score by its name, ``macro_f1`` or ``classes.joy.f1``; NaN where it has no value.

    Raises `UsageError` for one there is not.
    """
    named = dict(_numbers(scores))
    if name not in named:
        whole = [each for each in named if "." not in each]
        raise UsageError(
            f'--metric: no score "{name}"{did_you_mean(name, named)}; there are: {", ".join(whole)}',
            hint="one of a class is classes.LABEL.f1",
        )
    value = named[name]
    return math.nan if value is None else float(value)


def is_better(scores: Mapping[str, Any], than: Mapping[str, Any] | None, name: str) -> bool:
    """Whether scores are better than those before; the first are, equals and what is no number are not."""
    if than is None:
        return True
    new, old = value_of(scores, name), value_of(than, name)
    if math.isnan(new) or math.isnan(old):
        return math.isnan(old) and not math.isnan(new)
    return new < old if name.rsplit(".", 1)[-1] in LOWER_IS_BETTER else new > old


def _numbers(scores: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    for name, value in scores.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            yield prefix + name, value
