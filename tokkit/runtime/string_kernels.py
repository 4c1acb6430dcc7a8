# mypy: ignore-errors
"""The kernel that copies the strings of a column."""

from __future__ import annotations

from tokkit.runtime.kernels import kernel


@kernel
def lay(data, starts, ends, offsets, out):
    """Writes the string ``data[starts[i] : ends[i]]`` from ``out[offsets[i]]`` on, for every i."""
    for row in range(starts.size):
        at = offsets[row]
        for i in range(starts[row], ends[row]):
            out[at] = data[i]
            at += 1
