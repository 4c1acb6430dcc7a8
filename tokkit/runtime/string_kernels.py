# mypy: ignore-errors
"""Kernels that copy the strings of a column."""

from __future__ import annotations

from tokkit.runtime.kernels import kernel


@kernel
def join(data, starts, ends, out):
    """Writes the strings ``data[starts[i] : ends[i]]`` with a NUL after each; False where one holds a NUL."""
    at = 0
    for row in range(starts.size):
        for i in range(starts[row], ends[row]):
            if data[i] == 0:
                return False
            out[at] = data[i]
            at += 1
        out[at] = 0
        at += 1
    return True


@kernel
def lay(data, starts, ends, places, out):
    """Writes the string ``data[starts[i] : ends[i]]`` from ``out[places[i]]`` on, for every i."""
    for row in range(starts.size):
        at = places[row]
        for i in range(starts[row], ends[row]):
            out[at] = data[i]
            at += 1
