"""The learning rate at every step, as a share of its peak: it rises in the warmup, then falls as asked.

The same curves as `transformers.get_scheduler`. They are functions of the step alone, so that a training
that goes on after a kill has no schedule to restore.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


def _linear(done: float) -> float:
    return max(0.0, 1.0 - done)


def _cosine(done: float) -> float:
    return max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))


def _constant(done: float) -> float:
    return 1.0


SCHEDULES: Mapping[str, Callable[[float], float]] = {
    "linear": _linear,
    "cosine": _cosine,
    "constant": _constant,
}
"""Share of the peak by the share of the steps after the warmup that are done; the default first."""


def rate(schedule: str, step: int, steps: int, warmup: int) -> float:
    """Share of the peak at ``step``, counted from 0, of ``steps``, the first ``warmup`` of which it rises in.

    >>> [round(rate("linear", step, steps=6, warmup=2), 2) for step in range(6)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25]
    """
    if step < warmup:
        return step / warmup
    return SCHEDULES[schedule]((step - warmup) / max(1, steps - warmup))
