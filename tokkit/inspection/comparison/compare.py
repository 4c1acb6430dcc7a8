"""`compare`: several tokenizers on the same rows, what each costs, and which differences are no chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import Dataset, sort_labels
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, UsageError, did_you_mean
from tokkit.inspection.comparison.compare_options import CompareOptions
from tokkit.inspection.comparison.differences import CLAIMS, comparisons, fewest
from tokkit.inspection.comparison.row_counts import count_texts, count_tokens
from tokkit.inspection.comparison.tokenizer_figures import measured
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.folder.load import load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class CompareResult:
    """What was measured; `as_dict` is what ``--json`` prints.

    tokenizers   name -> its metrics over all rows; ``classes`` and ``groups`` hold those of a part of them
    comparisons  of each pair and claim: the difference, its interval, and whether it is significant
    fewest       claim -> the tokenizer with the fewest, None where that may be chance or words are lost
    lengths      name -> (rows,) tokens as a model sees them, special ones included: for the picture
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
    spec: CompareOptions
    lengths: dict[str, NDArray[np.int64]] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "rows": self.rows,
            "words": self.words,
            "bytes": self.bytes,
            "left_out": self.left_out,
            "word_splitter": "white space",
            "settings": asdict(self.spec),
            "tokenizers": self.tokenizers,
            "comparisons": self.comparisons,
            "fewest": self.fewest,
        }


def compare(
    tokenizers: str | Path | Sequence[str | Path],
    on: str | Path,
    spec: CompareOptions | None = None,
    *,
    options: DatasetOptions | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> CompareResult:
    """Measures tokenizers on the rows of a data set: over all of them, per class, and per group.

    What each metric is, `tokenizer_metrics` says. Special tokens count in ``truncated`` alone. ``settings``
    are fields of `CompareOptions` and `DatasetOptions`: ``compare(["a/", "b/"], "reviews/", by="language")``.

    Raises `UsageError` for a tokenizer that is named twice, `InputError` for what cannot be read as a data
    set or a tokenizer, and for data without text.
    """
    spec, options = apply_to_both(CompareOptions, spec, DatasetOptions, options, settings)
    named = [tokenizers] if isinstance(tokenizers, str | Path) else list(tokenizers)
    _check_names(named)
    loaded = {str(name): load(name, progress) for name in named}
    texts, left_out, partitions = _rows(read_dataset(on, options, progress, pairs=False), spec)
    counted = count_texts(texts)
    counts = {name: count_tokens(counted, each, progress) for name, each in loaded.items()}
    found = measured(counted, counts, loaded, partitions, spec, progress)
    differences = comparisons(counts, spec, progress)
    return CompareResult(
        dataset=str(on),
        rows=len(texts),
        words=int(counted.words.sum()),
        bytes=int(counted.bytes.sum()),
        left_out=left_out,
        by=spec.by,
        tokenizers=found,
        comparisons=differences,
        fewest={claim: fewest(claim, found, differences) for claim in CLAIMS},
        spec=spec,
        lengths={name: each.tokens + each.special_tokens for name, each in counts.items()},
    )


def _check_names(names: Sequence[str | Path]) -> None:
    if not names:
        raise UsageError("name a tokenizer", hint="tokkit compare out/ --on reviews.csv")
    seen: dict[str, str | Path] = {}
    for name in names:
        place = str(Path(name).resolve()) if Path(name).exists() else str(name).removeprefix("hub:")
        if place in seen:
            raise UsageError(f"{name}: the same tokenizer as {seen[place]}", hint="name it once")
        seen[place] = name


def _rows(
    dataset: Dataset, spec: CompareOptions
) -> tuple[list[str], int, dict[str, dict[str, NDArray[np.int64]]]]:
    """The texts of the splits asked for, how many rows have none, and the rows of each class and group."""
    import polars as pl

    names = [dataset.split(spec.split).name] if spec.split else list(dataset.splits)
    frames = [dataset.split(name).frame for name in names]
    for name, frame in zip(names, frames, strict=True):
        if spec.by is not None and spec.by not in frame.columns:
            raise InputError(
                f'{dataset.split(name).where}: no column "{spec.by}"{did_you_mean(spec.by, frame.columns)}',
                hint=f"it has: {', '.join(frame.columns)}",
            )
    columns = {"classes": dataset.label_column, "groups": spec.by}
    wanted = dict.fromkeys(column for column in (dataset.text_column, *columns.values()) if column)
    rows = pl.concat([frame.select(pl.col(list(wanted)).cast(pl.String)) for frame in frames])
    present = rows.filter(pl.col(dataset.text_column).is_not_null())
    if not present.height:
        raise InputError(f"{dataset.source}: no row has a text", hint="name its column: --text-column NAME")
    partitions = {name: rows_of(present[column].to_list()) for name, column in columns.items() if column}
    return present[dataset.text_column].to_list(), rows.height - present.height, partitions


def rows_of(labels: Sequence[str | None]) -> dict[str, NDArray[np.int64]]:
    """label -> numbers of the rows that carry it."""
    import numpy as np

    rows: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        if label is not None:
            rows.setdefault(label, []).append(row)
    return {label: np.array(rows[label], dtype=np.int64) for label in sort_labels(rows)}
