"""From what was counted to the figures that `stats` reports: of each split, and across them."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tokkit.data.dataset import BETWEEN_TAGS, TAGS, class_names, sort_labels
from tokkit.data.loading.streaming import StreamedDataset
from tokkit.data.tag_schemes import TagScheme
from tokkit.data.tag_spans import spans_of
from tokkit.inspection.statistics import lengths
from tokkit.inspection.statistics.lengths import Histogram
from tokkit.inspection.statistics.scripts import NO_SCRIPT
from tokkit.inspection.statistics.totals import Aggregate, SplitSums
from tokkit.progress import Progress, stop_if_cancelled
from tokkit.tokenizer.folder.load import LoadedTokenizer

MOST_CLASSES = 1000  # whose lengths are summarized: of more classes, those with most rows
_FEWEST_IDS = 20  # rows; in fewer, that all values of a column differ may be chance


def of_split(
    number: int,
    source: StreamedDataset,
    aggregate: Aggregate,
    classes_of: Sequence[list[str]],
    near: int | None,
    languages: dict[str, Any] | None,
    tokenizer: LoadedTokenizer | None,
) -> dict[str, Any]:
    """The summary of one split.

    classes_of        label by number -> its classes, as `classes_of_labels`
    near, languages   how many near copies it has, and what `languages` gives; None where not requested
    """
    sums = aggregate.splits[number]
    labelled = {label: rows for label, rows in sums.labels.items() if label >= 0}
    classes = _rows_of_classes(labelled, classes_of)
    histograms = {unit: by_label.all() for unit, by_label in sums.lengths.items()}
    texts = sums.lengths_in("characters").all().total
    exact = int(aggregate.duplicates.distinct[number])
    missing = {source.text_column: sums.rows - texts, **sums.missing}
    distinct = {} if source.pair_column is not None else {source.text_column: exact}
    if source.label_column is not None:
        missing[source.label_column] = sums.rows - sum(labelled.values())
        distinct[source.label_column] = len(classes)
    distinct |= {name: int(by_split[number]) for name, by_split in aggregate.distinct.items()}
    schema = list(source.splits.values())[number].schema
    return {
        "rows": sums.rows,
        "missing": {column: missing[column] for column in schema},
        "classes": {label: classes[label] for label in sort_labels(classes)},
        **(_tags(labelled, aggregate.labels) if source.label_kind == TAGS else {}),
        "duplicates": {
            "exact": texts - exact,
            "normalized": texts - int(aggregate.normalized.distinct[number]),
            "near": near,
        },
        "conflicting_labels": int(aggregate.duplicates.conflicts[number]),
        "conflicting_labels_normalized": int(aggregate.normalized.conflicts[number]),
        "columns": {
            name: {
                "missing": missing[name],
                "distinct": distinct.get(name),
                "looks_like_id": name not in (source.text_column, source.pair_column)
                and distinct.get(name) == sums.rows - missing[name] >= _FEWEST_IDS,
            }
            for name in schema
        },
        "scripts": _most_first(
            {aggregate.scripts[script] or NO_SCRIPT: rows for script, rows in sums.scripts.items()}
        ),
        "languages": languages,
        **{name: sums.marks[name] for name in ("html", "controls", "mojibake")},
        "lengths": _summaries(histograms, sums.unknown.total(), tokenizer),
        "by_class": _by_class(sums, classes_of, most_frequent(classes), tokenizer),
    }


def _tags(rows: Mapping[int, int], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """``tags``: tag -> tokens; ``entities``: type -> entities, as `tag_spans.spans_of` finds them."""
    written = {number: labels[number].split(BETWEEN_TAGS) for number in rows}
    scheme = TagScheme.of(tag for label in labels for tag in label.split(BETWEEN_TAGS))
    tags, entities = Counter[str](), Counter[str]()
    for number, of_row in written.items():
        for tag in of_row:
            tags[tag] += rows[number]
        # Parts of speech would be spans of one token each.
        for span in spans_of(of_row, scheme) if scheme.name != "none" else ():
            entities[span.type] += rows[number]
    return {"tags": _most_first(tags), "entities": _most_first(entities)}


def classes_of_labels(labels: list[str], kind: str) -> list[list[str]]:
    """The classes that the rows with each label count for: of several labels, or tags, each of them."""
    return [class_names(label, kind) for label in labels]


def _rows_of_classes(rows: Mapping[int, int], classes_of: Sequence[list[str]]) -> Counter[str]:
    """Class -> rows, from the rows of each label by its number."""
    counts: Counter[str] = Counter()
    for label, n in rows.items():
        for name in classes_of[label]:
            counts[name] += n
    return counts


def most_frequent(classes: Mapping[str, int]) -> set[str]:
    """The `MOST_CLASSES` classes with most rows; of as many rows, the first by name."""
    if len(classes) <= MOST_CLASSES:
        return set(classes)
    return set(heapq.nsmallest(MOST_CLASSES, classes, key=lambda name: (-classes[name], name)))


def _by_class(
    sums: SplitSums,
    classes_of: Sequence[list[str]],
    wanted: Collection[str],
    tokenizer: LoadedTokenizer | None,
) -> dict[str, dict[str, Any]]:
    numbers = _labels_of(sums, classes_of, wanted)
    by_unit = {
        unit: _of_classes(by_label.by_label(numbers), classes_of, wanted)
        for unit, by_label in sums.lengths.items()
    }
    unknown = _rows_of_classes({n: count for n, count in sums.unknown.items() if n >= 0}, classes_of)
    return {
        label: _summaries(
            {unit: by_label[label] for unit, by_label in by_unit.items()}, unknown[label], tokenizer
        )
        for label in sort_labels(by_unit.get("characters", {}))
    }


def _labels_of(sums: SplitSums, classes_of: Sequence[list[str]], wanted: Collection[str]) -> set[int]:
    """The numbers of the labels of which any class is wanted."""
    return {n for n in sums.labels if n >= 0 and any(name in wanted for name in classes_of[n])}


def _of_classes(
    by_number: Mapping[int, Histogram], classes_of: Sequence[list[str]], wanted: Collection[str]
) -> dict[str, Histogram]:
    """Class -> the lengths of its rows, from those of each label by its number."""
    parts: dict[str, list[Histogram]] = {}
    for number, histogram in by_number.items():
        for name in classes_of[number]:
            if name in wanted:
                parts.setdefault(name, []).append(histogram)
    return {name: Histogram.joined(histograms) for name, histograms in parts.items()}


def _summaries(
    histograms: Mapping[str, Histogram], unknown: int, tokenizer: LoadedTokenizer | None
) -> dict[str, dict[str, Any]]:
    empty = Histogram.of(np.empty(0, np.int64))
    units = ("characters", "words") if tokenizer is None else ("characters", "words", "tokens")
    summaries = {unit: lengths.summary(histograms.get(unit, empty)) for unit in units}
    if tokenizer is not None:
        tokens = summaries["tokens"]
        tokens["truncated"] = lengths.truncated(histograms.get("tokens", empty), tokenizer.max_length)
        tokens["unknown_rate"] = round(unknown / max(tokens["total"], 1), 6)
    return summaries


def histograms(
    sums: SplitSums, unit: str, classes_of: Sequence[list[str]], wanted: Collection[str]
) -> dict[str, Histogram]:
    """Label -> lengths of its rows; "" -> those of other labels than wanted, or of all rows without any."""
    lengths = sums.lengths_in(unit)
    numbers = _labels_of(sums, classes_of, wanted)
    by_label = _of_classes(lengths.by_label(numbers), classes_of, wanted)
    others = lengths.of_others(numbers) if by_label else lengths.all()
    in_order = {label: by_label[label] for label in sort_labels(by_label)}
    return {**in_order, "": others} if others.total or not in_order else in_order


def across(names: list[str], aggregate: Aggregate, classes_of: Sequence[list[str]]) -> dict[str, Any]:
    """Leaks between splits, labels that a split lacks, distinct texts with two labels in all splits."""
    shared = aggregate.duplicates.shared
    labels = [
        {name for label in sums.labels if label >= 0 for name in classes_of[label]}
        for sums in aggregate.splits
    ]
    everywhere = set().union(*labels)
    return {
        # Each pair once, in the order of the splits: train/test counts rows of test whose text is in train.
        "leaks": {f"{names[i]}/{names[j]}": int(shared[i, j]) for i, j in combinations(range(len(names)), 2)},
        "missing_labels": {
            name: sort_labels(everywhere - present)
            for name, present in zip(names, labels, strict=True)
            if everywhere - present
        },
        "conflicting_labels": int(aggregate.duplicates.conflicts[-1]),
        "conflicting_labels_normalized": int(aggregate.normalized.conflicts[-1]),
    }


def languages(
    sums: SplitSums, classes_of: Sequence[list[str]], language: Callable[[str], str], progress: Progress
) -> dict[str, Any]:
    """``{sampled, rows, by_class}``: the number of sampled rows, and of rows per language.

    In ``rows`` those of most rows come first; ``by_class`` holds the same for each label.
    """
    rows: Counter[str] = Counter()
    by_class: dict[str, Counter[str]] = {}
    for text, label in sums.sample.rows() if sums.sample is not None else ():
        stop_if_cancelled(progress)
        code = language(text)
        rows[code] += 1
        for name in classes_of[label] if label >= 0 else ():
            by_class.setdefault(name, Counter())[code] += 1
        progress.advance(1)
    return {
        "sampled": rows.total(),
        "rows": _most_first(rows),
        "by_class": {label: _most_first(by_class[label]) for label in sort_labels(by_class)},
    }


def _most_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
