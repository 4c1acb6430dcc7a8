"""What computes the graph of an exported model: inputs to logits, on a device that is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tokkit.errors import InputError

Inputs = Mapping[str, NDArray[np.int64]]


class Runtime(Protocol):
    """A loaded graph."""

    # Whether it computes on the CPU, where small batches are the fastest.
    on_cpu: bool

    def logits(self, inputs: Inputs) -> NDArray[np.float32]:
        """(rows, classes), for tasks by token (rows, tokens, classes)."""


def no_device(device: str, runtime: str, devices: Sequence[str]) -> InputError:
    """The error for a device that a runtime does not have: another is never taken instead."""
    return InputError(
        f"--device {device}: {runtime} here computes on {' and '.join(devices)} only",
        hint=f"take what there is:\n--device {devices[0]}",
    )


def cannot_load(graph: Path, runtime: str) -> str:
    """The beginning of the message for a graph that a runtime refuses."""
    return f"{graph}: {runtime} cannot load it"
