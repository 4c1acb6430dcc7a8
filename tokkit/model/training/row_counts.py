"""How many rows each split has, and each label in it: what receipts and cards say of the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tokkit.data.dataset import Rows, sort_labels
from tokkit.model.tasks.task import Task


def row_counts(task: Task, rows: Mapping[str, Rows]) -> dict[str, Any]:
    """``rows`` and, of a task with classes, ``class_rows``: how many rows of each split have a label."""
    counts: dict[str, Any] = {"rows": {split: len(of_split.texts) for split, of_split in rows.items()}}
    if task.has_classes:
        counts["class_rows"] = {
            split: _label_counts(task, of_split.labels) for split, of_split in rows.items()
        }
    return counts


def _label_counts(task: Task, labels: Sequence[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for written, rows in Counter(labels).items():
        for name in set(task.names(written)):
            counts[name] += rows
    return {label: counts[label] for label in sort_labels(counts)}
