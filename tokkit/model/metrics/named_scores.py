"""Scores by their name, ``macro_f1`` or ``classes.joy.f1``, and whether higher ones are better."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tokkit.errors import UsageError, did_you_mean

_ERRORS = ("loss", "ece", "mae", "mse", "rmse")


def is_error(name: str) -> bool:
    """Whether lower values of this score are better."""
    return name.rsplit(".", 1)[-1] in _ERRORS


def score_named(scores: Mapping[str, Any], name: str) -> float:
    """A score by its name, ``macro_f1`` or ``classes.joy.f1``; NaN where it has no value.

    Raises `UsageError` for an unknown name.
    """
    # Flat names: classes.joy.f1 may have dots in the label, so they cannot be split again.
    named = dict(_numbers(scores))
    if name not in named:
        whole = [known for known in named if "." not in known]
        raise UsageError(
            f'--metric: no score "{name}"{did_you_mean(name, named)}; there are: {", ".join(whole)}',
            hint="a score of one class is classes.LABEL.f1",
        )
    value = named[name]
    return math.nan if value is None else float(value)


def _numbers(scores: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    for name, value in scores.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            yield prefix + name, value
