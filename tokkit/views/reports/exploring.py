"""The report of `explore`."""

from __future__ import annotations

from tokkit.views.tables import Result, Table, facts

_MEGABYTE = 1_000_000
_NAMES = {
    "exact": "exact duplicates",
    "normalized": "normalized duplicates",
    "near": "near duplicates",
    "leak": "text in another split",
    "conflict": "text has conflicting labels",
    "truncated": "truncated",
    "unknown": "unknown tokens",
    "no-text": "no text",
    "no-label": "no label",
    "differs": "predicted otherwise",
}


def explored(result: Result) -> list[Table]:
    """What is in the page, and the rows of each finding in it."""
    rows, total = result["rows"], result["total_rows"]
    size = sum(file["size"] for file in result["files"]) / _MEGABYTE
    return [
        facts(
            f"Written to {result['output']}",
            [
                ("rows", f"{rows:,}" if rows == total else f"{rows:,} of {total:,}"),
                ("size, MB", round(size, 2)),
                *((_NAMES[name], count) for name, count in result["findings"].items()),
            ],
        )
    ]
