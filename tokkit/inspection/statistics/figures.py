"""From what was counted to the figures that `stats` tells: of each split, and across them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokkit.data.dataset import Dataset, sort_labels
from tokkit.data.loading.streaming import StreamedDataset
from tokkit.inspection import lengths
from tokkit.inspection.lengths import Histogram
from tokkit.inspection.statistics.sums import Gathered, SplitSums
from tokkit.tokenizer.load import LoadedTokenizer

NO_SCRIPT = "none"
"""What texts without letters are counted as."""
_FEWEST_IDS = 20
"""Rows below which a column of different values may be chance."""


def of_split(
    number: int,
    source: Dataset | StreamedDataset,
    gathered: Gathered,
    near: int | None,
    tokenizer: LoadedTokenizer | None,
) -> dict[str, Any]:
    """Everything told of the split of that number; ``near`` is how many near copies it has, if known."""
    sums, duplicates = gathered.splits[number], gathered.duplicates
    classes = {gathered.labels[label]: n for label, n in sums.labels.items() if label >= 0}
    texts = sums.lengths_in("characters").all().total
    missing = _missing(source, number, sums, texts, classes)
    scripts = {gathered.scripts[script] or NO_SCRIPT: n for script, n in sums.scripts.items()}
    distinct = {
        source.text_column: int(duplicates.distinct[number]),
        **({source.label_column: len(classes)} if source.label_column is not None else {}),
        **{name: int(found[number]) for name, found in gathered.distinct.items()},
    }
    return {
        "rows": sums.rows,
        "missing": missing,
        "classes": {label: classes[label] for label in sort_labels(classes)},
        "duplicates": {
            "exact": texts - int(duplicates.distinct[number]),
            "normalized": texts - int(duplicates.distinct_keys[number]),
            "near": near,
        },
        "conflicting_labels": int(duplicates.conflicts[number]),
        "columns": {
            name: _column(name, sums.rows, missing[name], distinct.get(name), source.text_column)
            for name in missing
        },
        "scripts": dict(sorted(scripts.items(), key=lambda each: (-each[1], each[0]))),
        **{name: sums.marks[name] for name in ("html", "controls", "mojibake")},
        "lengths": _summaries(
            {unit: each.all() for unit, each in sums.lengths.items()}, sums.unknown.total(), tokenizer
        ),
        "by_class": _by_class(sums, gathered.labels, tokenizer),
    }


def _missing(
    source: Dataset | StreamedDataset, number: int, sums: SplitSums, texts: int, classes: Mapping[str, int]
) -> dict[str, int]:
    if isinstance(source, Dataset):
        frame = list(source.splits.values())[number].frame
        return {column: frame[column].null_count() for column in frame.columns}
    found = {**sums.missing, source.text_column: sums.rows - texts}
    if source.label_column is not None:
        found[source.label_column] = sums.rows - sum(classes.values())
    return {column: found[column] for column in source.columns}


def _column(name: str, rows: int, missing: int, distinct: int | None, text: str) -> dict[str, Any]:
    """How many values a column has, and whether it looks like a column of ids: another value in each row."""
    filled = rows - missing
    is_id = name != text and distinct == filled and filled >= _FEWEST_IDS
    return {"missing": missing, "distinct": distinct, "looks_like_id": is_id}


def _by_class(
    sums: SplitSums, names: list[str], tokenizer: LoadedTokenizer | None
) -> dict[str, dict[str, Any]]:
    by_unit = {unit: each.by_label() for unit, each in sums.lengths.items()}
    numbers = {names[number]: number for number in by_unit.get("characters", {})}
    return {
        label: _summaries(
            {unit: found[numbers[label]] for unit, found in by_unit.items()},
            sums.unknown[numbers[label]],
            tokenizer,
        )
        for label in sort_labels(numbers)
    }


def _summaries(
    histograms: Mapping[str, Histogram], unknown: int, tokenizer: LoadedTokenizer | None
) -> dict[str, dict[str, Any]]:
    empty = lengths.no_rows()
    summaries = {unit: lengths.summary(histograms.get(unit, empty)) for unit in ("characters", "words")}
    if tokenizer is None:
        return summaries
    tokens = histograms.get("tokens", empty)
    summary = lengths.summary(tokens)
    extra = {
        "truncated": lengths.truncated(tokens, tokenizer.max_length),
        "unknown_rate": round(unknown / max(summary["total"], 1), 6),
    }
    return {**summaries, "tokens": {**summary, **extra}}


def histograms(
    sums: SplitSums, unit: str, label_column: str | None, names: list[str]
) -> dict[str, Histogram]:
    if label_column is None:
        return {"": sums.lengths_in(unit).all()}
    by_label = {names[number]: each for number, each in sums.lengths_in(unit).by_label().items()}
    return {label: by_label[label] for label in sort_labels(by_label)} or {"": sums.lengths_in(unit).all()}


def across(names: list[str], gathered: Gathered) -> dict[str, Any]:
    """Leaks between splits, labels that a split lacks, distinct texts with two labels in all splits."""
    shared = gathered.duplicates.shared
    leaks = {
        f"{first}/{second}": int(shared[i, j])
        for i, first in enumerate(names)
        for j, second in enumerate(names)
        if i < j
    }
    present = {
        name: {gathered.labels[label] for label in sums.labels if label >= 0}
        for name, sums in zip(names, gathered.splits, strict=True)
    }
    everywhere = set().union(*present.values())
    missing = {name: sort_labels(everywhere - there) for name, there in present.items() if everywhere - there}
    return {
        "leaks": leaks,
        "missing_labels": missing,
        "conflicting_labels": int(gathered.duplicates.conflicts[-1]),
    }
