"""`compare`: metrics of several tokenizers on the same rows, and which differences are significant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tokkit.data.dataset import ONE, Dataset, class_names, sort_labels
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.inspection.comparison.differences import CLAIMS, comparisons, fewest
from tokkit.inspection.comparison.row_counts import count_texts, count_tokens
from tokkit.inspection.comparison.tokenizer_measures import measured
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder.load import load


@dataclass(frozen=True)
class CompareResult:
    """The metrics; `as_dict` is what ``--json`` prints.

    tokenizers   name -> its metrics over all rows; ``classes`` and ``groups`` contain those of subsets
    comparisons  of each pair and claim: the difference, its interval, and whether it is significant
    fewest       claim -> the tokenizer with the fewest, None if not significant or if words are lost
    lengths      name -> (rows,) tokens per row, special tokens included, for the plot
    inputs       the files that were read
    """

    dataset: str
    rows: int
    words: int
    bytes: int
    left_out: int
    by: str | None
    tokenizers: dict[str, dict[str, Any]]
    comparisons: list[dict[str, Any]]
    fewest: dict[str, str | None]
    options: CompareOptions
    lengths: dict[str, NDArray[np.int64]] = field(repr=False)
    inputs: list[Path] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "rows": self.rows,
            "words": self.words,
            "bytes": self.bytes,
            "left_out": self.left_out,
            "word_splitter": "white space",
            "settings": asdict(self.options),
            "tokenizers": self.tokenizers,
            "comparisons": self.comparisons,
            "fewest": self.fewest,
        }


def compare(
    tokenizers: str | Path | Sequence[str | Path],
    on: str | Path,
    options: CompareOptions | None = None,
    *,
    read_options: DatasetOptions | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> CompareResult:
    """Measure tokenizers on the rows of a data set: over all rows, per class, and per group.

    `tokenizer_metrics` defines the metrics. Special tokens count only in ``truncated``. ``settings`` are
    fields of `CompareOptions` and `DatasetOptions`: ``compare(["a/", "b/"], "reviews/", by="language")``.

    Raises `UsageError` for a tokenizer that is named twice, `InputError` for an invalid data set or
    tokenizer, and for data without text.
    """
    options, read_options = apply_to_both(CompareOptions, options, DatasetOptions, read_options, settings)
    names = [tokenizers] if isinstance(tokenizers, str | Path) else list(tokenizers)
    _check_names(names)
    loaded = {str(name): load(name, progress) for name in names}
    dataset = read_dataset(on, read_options, progress, pairs=False)
    texts, left_out, partitions = _rows(dataset, options)
    counted = count_texts(texts)
    counts = {name: count_tokens(counted, tokenizer, progress) for name, tokenizer in loaded.items()}
    metrics = measured(counted, counts, partitions, options, progress)
    differences = comparisons(counts, options, progress)
    return CompareResult(
        dataset=str(on),
        rows=len(texts),
        words=int(counted.words.sum()),
        bytes=int(counted.bytes.sum()),
        left_out=left_out,
        by=options.by,
        tokenizers=metrics,
        comparisons=differences,
        fewest={claim: fewest(claim, metrics, differences) for claim in CLAIMS},
        options=options,
        lengths={name: rows.lengths for name, rows in counts.items()},
        inputs=[*dataset.files, *(tokenizer.file for tokenizer in loaded.values())],
    )


def _check_names(names: Sequence[str | Path]) -> None:
    if not names:
        raise UsageError("name a tokenizer", hint="name one or more")
    sources: dict[str, str | Path] = {}
    for name in names:
        # `out` and `./out/` are one folder, and `hub:NAME` is the same repository as `NAME`.
        source = str(Path(name).resolve()) if Path(name).exists() else str(name).removeprefix("hub:")
        if source in sources:
            raise UsageError(f"{name}: the same tokenizer as {sources[source]}", hint="name it once")
        sources[source] = name


def _rows(
    dataset: Dataset, options: CompareOptions
) -> tuple[list[str], int, dict[str, dict[str, NDArray[np.int64]]]]:
    """The texts of the requested splits, the number of rows without one, and the rows per class and group."""
    names = [dataset.split(options.split).name] if options.split else list(dataset.splits)
    frames = [dataset.split(name).frame for name in names]
    for name, frame in zip(names, frames, strict=True):
        if options.by is not None and options.by not in frame.columns:
            raise InputError(
                f'{dataset.split(name).where}: no column "{options.by}"'
                + did_you_mean(options.by, frame.columns),
                hint=f"it has: {', '.join(frame.columns)}",
            )
    columns = {"classes": dataset.label_column, "groups": options.by}
    needed = dict.fromkeys(column for column in (dataset.text_column, *columns.values()) if column)
    # As text, because a column may be numbers in one split and text in another, which `concat` refuses.
    rows = pl.concat([frame.select(pl.col(list(needed)).cast(pl.String)) for frame in frames])
    present = rows.filter(pl.col(dataset.text_column).is_not_null())
    if not present.height:
        raise InputError(f"{dataset.source}: no row has a text", hint="name the column (--text-column)")
    partitions = {name: rows_of(present[column].to_list()) for name, column in columns.items() if column}
    if dataset.label_kind != ONE:
        partitions["classes"] = _rows_of_classes(partitions.get("classes", {}), dataset.label_kind)
    return present[dataset.text_column].to_list(), rows.height - present.height, partitions


def _rows_of_classes(rows: Mapping[str, NDArray[np.int64]], kind: str) -> dict[str, NDArray[np.int64]]:
    """Class -> rows that have it, from the rows of each combination of labels."""
    parts: dict[str, list[NDArray[np.int64]]] = {}
    for label, numbers in rows.items():
        for name in class_names(label, kind):
            parts.setdefault(name, []).append(numbers)
    return {name: np.sort(np.concatenate(parts[name])) for name in sort_labels(parts)}


def rows_of(labels: Sequence[str | None]) -> dict[str, NDArray[np.int64]]:
    """Label -> (n,) indices of its rows."""
    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label is not None:
            rows.setdefault(label, []).append(row)
    return {label: np.array(rows[label], dtype=np.int64) for label in sort_labels(rows)}
