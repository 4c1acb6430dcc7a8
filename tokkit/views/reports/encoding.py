"""Report of `encode`."""

from __future__ import annotations

from typing import Any

from tokkit.views.tables import Result, Table, facts
from tokkit.views.text import in_bytes


def encoded(result: Result) -> list[Table]:
    """What was written."""
    splits = ", ".join(f"{name} {rows:,}" for name, rows in result["splits"].items())
    rows: list[tuple[str, Any]] = [
        ("folder", result["output"]),
        ("rows", f"{result['rows']:,} ({splits})"),
        ("text", in_bytes(result["bytes"])),
        ("tokens", f"{result['tokens']:,}"),
        ("format", result["format"]),
        ("rows without a text", result["without_text"] or None),
        ("truncated rows", result["truncated"] or None),
    ]
    if pack := result["pack"]:
        packed = f"{pack['rows']:,} of {pack['length']:,} tokens, {100 * pack['full']:.2f}% full"
        rows.append(("sequences", packed))
    rows += [("time", f"{result['seconds']:.1f} s"), ("sha256", result["sha256"])]
    return [facts("Token ids", rows)]
