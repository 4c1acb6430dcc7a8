"""`stats`: what a data set really is, before a GPU is paid for."""

from __future__ import annotations

import functools
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit.data.dataset import TRAIN, Dataset
from tokkit.data.loading.load import DatasetOptions, load_dataset
from tokkit.data.loading.streaming import StreamedDataset, stream
from tokkit.errors import OutputError
from tokkit.inspection import lengths
from tokkit.inspection.findings import Finding, findings
from tokkit.inspection.lengths import Histogram
from tokkit.options import merged
from tokkit.progress import SILENT, Progress
from tokkit.tokenizer.load import LoadedTokenizer, load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tokkit.inspection.statistics.sums import Gathered


@dataclass(frozen=True)
class StatsResult:
    """What was found; `as_dict` is what ``--json`` prints.

    splits, across          as design says: counts, lengths and duplicates per split, leaks between them
    recommended_max_length  see `lengths.recommended`; None without a tokenizer
    findings                what should be looked at, each with the command that mends it
    histograms              split -> label -> lengths in ``unit``, for pictures; "" without labels
    """

    source: str
    text_column: str
    label_column: str | None
    splits: dict[str, dict[str, Any]]
    across: dict[str, Any]
    recommended_max_length: dict[str, Any] | None
    findings: list[Finding]
    unit: str
    histograms: dict[str, dict[str, Histogram]] = field(repr=False)

    @functools.cached_property
    def plotted(self) -> dict[str, dict[str, NDArray[np.int64]]]:
        """Split -> label -> (rows,) sorted lengths in ``unit``; "" without labels."""
        import numpy as np

        return {
            split: {label: np.repeat(each.lengths, each.rows) for label, each in by_label.items()}
            for split, by_label in self.histograms.items()
        }

    @property
    def limits(self) -> list[int]:
        """Maximum lengths worth a line in a picture: in tokens alone, the recommended one among them."""
        advised = self.recommended_max_length
        return sorted({*lengths.MAX_LENGTHS, advised["tokens"]}) if advised else []

    def rows_by_length(self, split: str) -> dict[int, int]:
        """Length in ``unit`` -> rows of a split; of rows without a label only where none has one."""
        found: Counter[int] = Counter()
        for each in self.histograms[split].values():
            found.update(dict(zip(each.lengths.tolist(), each.rows.tolist(), strict=True)))
        return dict(sorted(found.items()))

    def as_dict(self) -> dict[str, Any]:
        return {
            "dataset": self.source,
            "text_column": self.text_column,
            "label_column": self.label_column,
            "splits": self.splits,
            "across": self.across,
            "recommended_max_length": self.recommended_max_length,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def stats(
    dataset: str | Path,
    tokenizer: str | Path | None = None,
    *,
    near: bool = False,
    options: DatasetOptions | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> StatsResult:
    """Classes, missing values, duplicates, conflicts, leaks, scripts and lengths of every split.

    With a tokenizer, lengths in its tokens too, special tokens included, with the share of rows that each
    maximum length would cut, the length to recommend, and the share of unknown tokens. With ``near``, near
    duplicates too, for which all texts are held in memory; else large csv and tsv files are not.

    ``settings`` are fields of `DatasetOptions`. Raises `InputError` for what cannot be read as a data set or
    a tokenizer, `OutputError` where the temporary folder is full.
    """
    from tokkit.inspection.statistics import figures

    options = merged(DatasetOptions, options, settings)
    loaded_tokenizer = load(tokenizer, progress) if tokenizer is not None else None
    streamed = None if near else stream(dataset, options, progress)
    source = streamed or load_dataset(dataset, options, progress)
    gathered = _gathered(source, loaded_tokenizer, progress)
    names = list(source.splits)
    near_copies = _near_copies(source, progress) if near and isinstance(source, Dataset) else {}
    splits = {
        name: figures.of_split(i, source, gathered, near_copies.get(name), loaded_tokenizer)
        for i, name in enumerate(names)
    }
    across = figures.across(names, gathered)
    unit = "tokens" if loaded_tokenizer else "words"
    advised = None
    if loaded_tokenizer is not None:
        sums = gathered.splits[names.index(TRAIN) if TRAIN in names else 0]
        advised = lengths.recommended(sums.lengths_in("tokens").all(), loaded_tokenizer.max_length)
    return StatsResult(
        source=source.source,
        text_column=source.text_column,
        label_column=source.label_column,
        splits=splits,
        across=across,
        recommended_max_length=advised,
        findings=findings(source.source, splits, across),
        unit=unit,
        histograms={
            name: figures.histograms(sums, unit, source.label_column, gathered.labels)
            for name, sums in zip(names, gathered.splits, strict=True)
        },
    )


def _gathered(
    source: Dataset | StreamedDataset, tokenizer: LoadedTokenizer | None, progress: Progress
) -> Gathered:
    from tokkit.corpus.kernels import say_if_compiling
    from tokkit.inspection.statistics import feeding
    from tokkit.inspection.statistics.gathering import Gathering

    for module in ("field_kernels", "key_kernels", "seen_kernels", "text_kernels"):
        say_if_compiling(module, progress)
    with tempfile.TemporaryDirectory(prefix="tokkit-stats-", ignore_cleanup_errors=True) as folder:
        try:
            others = feeding.others_of(source)
            gathering = Gathering(len(source.splits), others, Path(folder), tokenizer, progress)
            return gathering.gather(feeding.rows_of(source), *feeding.size_of(source))
        except OSError as error:
            raise OutputError(
                f"{folder}: what does not fit into memory cannot be written there: {error.strerror}",
                hint="name a folder with more room: TMPDIR=/large tokkit stats ...",
            ) from error


def _near_copies(dataset: Dataset, progress: Progress) -> dict[str, int]:
    """Rows of each split beyond the first of their cluster of near duplicates."""
    from tokkit.data.copies import near_duplicates

    found = {}
    for name in dataset.splits:
        texts = dataset.texts(name).drop_nulls().to_list()
        clusters = near_duplicates.clusters(texts, progress=progress)
        found[name] = len(texts) - (int(clusters.max()) + 1 if len(texts) else 0)
    return found
