"""Copies and conflicts counted in plain Python: the oracle of what `stats` finds in arrays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


def extra_copies(texts: Iterable[str | None]) -> int:
    """Rows minus distinct texts; missing texts are none."""
    present = [text for text in texts if text is not None]
    return len(present) - len(set(present))


def conflicting_labels(texts: Iterable[str | None], labels: Iterable[str | None]) -> int:
    """Distinct texts that stand with two or more labels; rows without text or label do not count."""
    labels_of = defaultdict(set)
    for text, label in zip(texts, labels, strict=True):
        if text is not None and label is not None:
            labels_of[text].add(label)
    return sum(len(distinct) > 1 for distinct in labels_of.values())
