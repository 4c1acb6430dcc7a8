"""What is told of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.views.reports.evaluation import evaluation
from tokkit.views.tables import Table

Result = Mapping[str, Any]


def finetuning(result: Result) -> list[Table]:
    """What `finetune` reached on the validation split."""
    rows = [
        ("model", result["model"]),
        ("epochs", f"{result['epochs']} (best: {result['best_epoch']})"),
        ("steps", f"{result['steps']:,}"),
        ("time", f"{result['seconds']:.1f} s, {result['rows_per_second']:.0f} rows/s"),
        ("padding", f"{result['padding_share']:.1%} of the tokens computed"),
    ]
    return [Table("Fine-tuned", ("", "value"), rows), *evaluation(result["metrics"])]
