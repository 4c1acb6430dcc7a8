"""Mean and deviation of every score over the folds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def means(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of every number that stands in all of them, in the same places.

    >>> means([{"loss": 1.0, "classes": {"joy": {"f1": 0.5}}}, {"loss": 2.0, "classes": {"joy": {"f1": 1}}}])
    {'loss': 1.5, 'classes': {'joy': {'f1': 0.75}}}
    """
    return _each(scores, statistics.fmean)


def deviations(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The standard deviation of the same numbers, of a sample (divided by one less than there are folds)."""
    return _each(scores, statistics.stdev)


def _each(
    scores: Sequence[Mapping[str, Any]], statistic: Callable[[Sequence[float]], float]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, first in scores[0].items():
        values = [each[name] for each in scores if name in each]
        if len(values) < len(scores):
            continue
        if isinstance(first, Mapping) and all(isinstance(value, Mapping) for value in values):
            if inner := _each(values, statistic):
                found[name] = inner
        elif all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            found[name] = round(statistic(values), 6)
    return found
