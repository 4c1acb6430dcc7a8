"""From what was counted to the figures that `stats` tells: of each split, and across them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tokkit.data.dataset import sort_labels
from tokkit.data.loading.streaming import StreamedDataset
from tokkit.inspection.statistics import lengths
from tokkit.inspection.statistics.lengths import Histogram
from tokkit.inspection.statistics.scripts import NO_SCRIPT
from tokkit.inspection.statistics.totals import Aggregate, SplitSums
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.tokenizer.folder.load import LoadedTokenizer

_FEWEST_IDS = 20
"""Rows below which a column of different values may be chance."""


def of_split(
    number: int,
    source: StreamedDataset,
    gathered: Aggregate,
    near: int | None,
    languages: dict[str, Any] | None,
    tokenizer: LoadedTokenizer | None,
) -> dict[str, Any]:
    """The summary of one split.

    near, languages   how many near copies it has, and what `languages` gives; None where not requested
    """
    sums, duplicates = gathered.splits[number], gathered.duplicates
    classes = {gathered.labels[label]: n for label, n in sums.labels.items() if label >= 0}
    texts = sums.lengths_in("characters").all().total
    missing = _missing(source, number, sums, texts, classes)
    scripts = {gathered.scripts[script] or NO_SCRIPT: n for script, n in sums.scripts.items()}
    distinct = {
        **({source.text_column: int(duplicates.distinct[number])} if source.pair_column is None else {}),
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
            name: _column(
                sums.rows, missing[name], distinct.get(name), name in (source.text_column, source.pair_column)
            )
            for name in missing
        },
        "scripts": _most_first(scripts),
        "languages": languages,
        **{name: sums.marks[name] for name in ("html", "controls", "mojibake")},
        "lengths": _summaries(
            {unit: each.all() for unit, each in sums.lengths.items()}, sums.unknown.total(), tokenizer
        ),
        "by_class": _by_class(sums, gathered.labels, tokenizer),
    }


def _missing(
    source: StreamedDataset, number: int, sums: SplitSums, texts: int, classes: Mapping[str, int]
) -> dict[str, int]:
    found = {source.text_column: sums.rows - texts, **sums.missing}
    if source.label_column is not None:
        found[source.label_column] = sums.rows - sum(classes.values())
    return {column: found[column] for column in list(source.splits.values())[number].schema}


def _column(rows: int, missing: int, distinct: int | None, is_text: bool) -> dict[str, Any]:
    """How many values a column has, and whether it looks like a column of ids: another value in each row."""
    filled = rows - missing
    is_id = not is_text and distinct == filled and filled >= _FEWEST_IDS
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
    # A split without a single label still has lengths.
    return {label: by_label[label] for label in sort_labels(by_label)} or {"": sums.lengths_in(unit).all()}


def across(names: list[str], gathered: Aggregate) -> dict[str, Any]:
    """Leaks between splits, labels that a split lacks, distinct texts with two labels in all splits."""
    shared = gathered.duplicates.shared
    # Each pair once, in the order of the splits: train/test counts rows of test whose text is in train.
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


def languages(
    sums: SplitSums, names: list[str], language: Callable[[str], str], progress: Progress
) -> dict[str, Any]:
    """``{sampled, rows, by_class}``: the number of sampled rows, and of rows per language.

    In ``rows`` those of most rows come first; ``by_class`` holds the same for each label.
    """
    rows: Counter[str] = Counter()
    by_class: dict[str, Counter[str]] = {}
    for text, label in sums.sample.rows() if sums.sample is not None else ():
        stop_if_cancelled(progress)
        found = language(text)
        rows[found] += 1
        if label >= 0:
            by_class.setdefault(names[label], Counter())[found] += 1
        progress.advance(1)
    return {
        "sampled": rows.total(),
        "rows": _most_first(rows),
        "by_class": {label: _most_first(by_class[label]) for label in sort_labels(by_class)},
    }


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
