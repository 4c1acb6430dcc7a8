"""`stats`: what a data set really is, before a GPU is paid for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data import duplicates
from tokkit.data.dataset import SPLITS, Dataset, sort_labels
from tokkit.data.load import DatasetOptions, load_dataset
from tokkit.inspection import lengths
from tokkit.inspection.findings import Finding, findings
from tokkit.options import merged
from tokkit.progress import SILENT, Progress, stage, stop_if_cancelled
from tokkit.tokenizer.encoding.encode import token_counts
from tokkit.tokenizer.load import LoadedTokenizer, load

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

Lengths = dict[str, "NDArray[np.int64]"]


@dataclass(frozen=True)
class StatsResult:
    """What was found; `as_dict` is what ``--json`` prints.

    splits, across   as design says: counts, lengths and duplicates per split, leaks between them
    findings         what should be looked at, each with the command that mends it
    plotted          split -> label -> (rows,) lengths in ``unit``, for the picture; "" without labels
    """

    source: str
    text_column: str
    label_column: str | None
    splits: dict[str, dict[str, Any]]
    across: dict[str, Any]
    findings: list[Finding]
    unit: str
    plotted: dict[str, dict[str, NDArray[np.int64]]] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        return {
            "dataset": self.source,
            "text_column": self.text_column,
            "label_column": self.label_column,
            "splits": self.splits,
            "across": self.across,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def stats(
    dataset: str | Path,
    tokenizer: str | Path | None = None,
    *,
    options: DatasetOptions | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> StatsResult:
    """Classes, missing values, duplicates, conflicts, leaks and lengths of every split.

    With a tokenizer, lengths in its tokens too, special tokens included, with the share of rows that each
    maximum length would cut and the share of unknown tokens.

    ``settings`` are fields of `DatasetOptions`. Raises `InputError` for what cannot be read as a data set or
    a tokenizer.
    """
    options = merged(DatasetOptions, options, settings)
    loaded_tokenizer = load(tokenizer, progress) if tokenizer is not None else None
    loaded = load_dataset(dataset, options, progress)
    splits, plotted = {}, {}
    with stage(progress, "measuring", len(loaded.splits), "splits"):
        for name in loaded.splits:
            stop_if_cancelled(progress)
            splits[name], plotted[name] = _split_stats(loaded, name, loaded_tokenizer)
            progress.advance(1)
    across = _across(loaded)
    return StatsResult(
        source=loaded.source,
        text_column=loaded.text_column,
        label_column=loaded.label_column,
        splits=splits,
        across=across,
        findings=findings(loaded.source, splits, across),
        unit="tokens" if loaded_tokenizer else "words",
        plotted=plotted,
    )


def _split_stats(
    dataset: Dataset, name: str, tokenizer: LoadedTokenizer | None
) -> tuple[dict[str, Any], Lengths]:
    texts = dataset.texts(name)
    labels = dataset.labels(name) if dataset.label_column else None
    present = texts.is_not_null()
    measured = _measure(texts.filter(present).to_list(), tokenizer)
    row_labels = labels.filter(present).to_list() if labels is not None else None
    by_class = _rows_by_class(row_labels)
    counted = Counter(labels.drop_nulls().to_list()) if labels is not None else {}
    frame = dataset.splits[name].frame
    found = {
        "rows": frame.height,
        "missing": {column: frame[column].null_count() for column in frame.columns},
        "classes": {label: counted[label] for label in sort_labels(counted)},
        "duplicates": {
            "exact": duplicates.extra_copies(texts),
            "normalized": duplicates.extra_copies(duplicates.normalized(texts)),
            "near": None,
        },
        "conflicting_labels": duplicates.conflicting_labels(texts, labels) if labels is not None else 0,
        "lengths": _summaries(measured, tokenizer),
        "by_class": {
            label: _summaries({unit: values[rows] for unit, values in measured.items()}, tokenizer)
            for label, rows in by_class.items()
        },
    }
    unit = "tokens" if tokenizer else "words"
    plotted = {label: measured[unit][rows] for label, rows in by_class.items()} or {"": measured[unit]}
    return found, plotted


def _measure(texts: list[str], tokenizer: LoadedTokenizer | None) -> Lengths:
    measured = {"characters": lengths.characters(texts), "words": lengths.words(texts)}
    if tokenizer is not None:
        counted = token_counts(texts, tokenizer)
        measured["tokens"], measured["unknown"] = counted.tokens, counted.unknown
    return measured


def _summaries(measured: Mapping[str, Any], tokenizer: LoadedTokenizer | None) -> dict[str, dict[str, Any]]:
    summaries = {unit: lengths.summary(measured[unit]) for unit in ("characters", "words")}
    if tokenizer is None:
        return summaries
    tokens = measured["tokens"]
    unknown_rate = round(float(measured["unknown"].sum()) / max(int(tokens.sum()), 1), 6)
    extra = {"truncated": lengths.truncated(tokens, tokenizer.max_length), "unknown_rate": unknown_rate}
    return {**summaries, "tokens": {**lengths.summary(tokens), **extra}}


def _rows_by_class(labels: list[str | None] | None) -> dict[str, NDArray[np.int64]]:
    """label -> numbers of the rows that carry it."""
    import numpy as np

    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels or ()):
        if label is not None:
            rows.setdefault(label, []).append(row)
    return {label: np.array(rows[label], dtype=np.int64) for label in sort_labels(rows)}


def _across(dataset: Dataset) -> dict[str, Any]:
    """Leaks between splits, labels that a split lacks, distinct texts with two labels in all splits."""
    import polars as pl

    names = [name for name in SPLITS if name in dataset.splits]
    pairs = [(first, second) for i, first in enumerate(names) for second in names[i + 1 :]]
    leaks = {
        f"{first}/{second}": int(duplicates.leaked(dataset.texts(first), dataset.texts(second)).sum())
        for first, second in pairs
    }
    missing: dict[str, list[str]] = {}
    conflicts = 0
    if dataset.label_column is not None:
        conflicts = duplicates.conflicting_labels(
            pl.concat([dataset.texts(name) for name in names]),
            pl.concat([dataset.labels(name) for name in names]),
        )
        present = {name: _distinct(dataset.labels(name)) for name in names}
        everywhere = set().union(*present.values())
        missing = {
            name: sort_labels(everywhere - present[name]) for name in names if everywhere - present[name]
        }
    return {"leaks": leaks, "missing_labels": missing, "conflicting_labels": conflicts}


def _distinct(labels: pl.Series) -> set[str]:
    return set(labels.drop_nulls().unique().to_list())
