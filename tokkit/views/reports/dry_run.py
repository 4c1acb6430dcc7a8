"""The report of `--dry-run`: what a command is expected to take, and what was measured to know it."""

from __future__ import annotations

from tokkit.errors import in_units
from tokkit.views.tables import Result, Table, facts
from tokkit.views.text import in_bytes


def dry_run(result: Result) -> list[Table]:
    """Time, memory and disk, and below them the measurements."""
    parts = ", ".join(f"{name} {in_time(value)}" for name, value in result["seconds"].items())
    rows = [
        ("would write", result["output"]),
        ("work", ", ".join(in_units(number, name) for name, number in result["work"].items())),
        ("time", f"{in_time(result['total_seconds'])}: {parts}"),
        *((f"memory, {where}", in_bytes(size)) for where, size in result["memory"].items() if size),
        *((f"disk, {what}", in_bytes(size)) for what, size in result["disk"].items()),
    ]
    measured = [
        (in_units(round(amount), unit), values["seconds"])
        for values in result["measured"].values()
        for unit, amount in values.items()
        if unit != "seconds"
    ]
    return [
        facts("Dry run, nothing was written; expected", rows),
        Table("Measured", ("what", "seconds"), measured),
    ]


def in_time(seconds: float) -> str:
    """Seconds, and from two minutes on minutes or hours."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
