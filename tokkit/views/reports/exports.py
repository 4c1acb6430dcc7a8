"""The report of `export`."""

from __future__ import annotations

from tokkit.views.tables import Result, Table, facts

_MEGABYTE = 1_000_000


def exported(result: Result) -> list[Table]:
    """What was written, and how it compares with the model it was exported from."""
    checks = result["checks"]
    scores = {name: value for name, value in checks.items() if isinstance(value, dict)}
    compared = [
        (name.replace("_", " "), score[when], when) for name, score in scores.items() for when in score
    ]
    return [
        facts(
            f"Exported to {result['output']}",
            [
                ("format", result["format"]),
                ("precision", result["precision"]),
                ("size, MB", round(result["size"] / _MEGABYTE, 2)),
                ("rows compared", checks["rows"]),
                ("largest difference of logits", f"{checks['max_difference']:.2g}"),
                ("share of equal predictions", checks["label_agreement"]),
                *((f"{name}, {when}", value) for name, value, when in compared),
            ],
        )
    ]
