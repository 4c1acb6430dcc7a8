"""`stats`: what a data set really is, before a GPU is paid for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokkit.data.dataset import ONE, TRAIN, Dataset
from tokkit.data.duplicates import near_duplicates
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import is_spelled_twice, read_dataset
from tokkit.data.loading.streaming import StreamedDataset, TypesChanged, over_batches
from tokkit.errors import counted
from tokkit.inspection.statistics import examples, lengths, row_batches
from tokkit.inspection.statistics import summary as figures
from tokkit.inspection.statistics.aggregation import Aggregation
from tokkit.inspection.statistics.distinct_strings import PYTHON_BYTES
from tokkit.inspection.statistics.findings import Finding, findings
from tokkit.inspection.statistics.languages import identifier
from tokkit.inspection.statistics.lengths import Histogram
from tokkit.inspection.statistics.measure_tasks import MeasureTask, measured
from tokkit.inspection.statistics.row_sums import spill_folder
from tokkit.inspection.statistics.totals import Aggregate
from tokkit.options import apply_known, apply_settings
from tokkit.progress import SILENT, Progress, SayOnce, stage, stop_if_cancelled
from tokkit.runtime.engines.choice import engine_for
from tokkit.runtime.engines.engine import Engine, is_inline
from tokkit.runtime.engines.engine_options import EngineOptions
from tokkit.runtime.kernel_cache import say_if_compiling
from tokkit.tokenizer.folder.load import LoadedTokenizer, load

MOST_COLUMNS = 1000  # besides texts and labels, whose distinct values are counted


@dataclass(frozen=True)
class StatsResult:
    """The statistics; `as_dict` is what ``--json`` prints.

    label_kind              ``one`` label a row, ``several``, or ``tags``: then a row counts for each of its
    splits, across          counts, lengths and duplicates per split, leaks between them
    recommended_max_length  see `lengths.recommended`; None without a tokenizer
    examples                of leaks, conflicts and duplicates, as `examples.located` gives them; of tagged
                            rows ``entities``, the first rows of each split that have some
    findings                what should be looked at, each with the command that fixes it
    histograms              split -> label -> lengths in ``unit``, for pictures; "" without labels
    row_lengths             split -> lengths in ``unit`` of all rows, each once
    inputs                  the files that were read
    """

    source: str
    text_column: str
    label_column: str | None
    pair_column: str | None
    label_kind: str
    splits: dict[str, dict[str, Any]]
    across: dict[str, Any]
    recommended_max_length: dict[str, Any] | None
    examples: dict[str, list[dict[str, Any]]]
    findings: list[Finding]
    unit: str
    histograms: dict[str, dict[str, Histogram]] = field(repr=False)
    row_lengths: dict[str, Histogram] = field(repr=False)
    inputs: list[Path] = field(repr=False)

    @property
    def limits(self) -> list[int]:
        """Maximum lengths worth a line in a picture: in tokens alone, the recommended one among them."""
        advised = self.recommended_max_length
        return sorted({*lengths.MAX_LENGTHS, advised["tokens"]}) if advised else []

    def rows_by_length(self, split: str) -> dict[int, int]:
        """Length in ``unit`` -> rows of a split."""
        histogram = self.row_lengths[split]
        return dict(zip(histogram.lengths.tolist(), histogram.rows.tolist(), strict=True))

    def as_dict(self) -> dict[str, Any]:
        return {
            "dataset": self.source,
            "text_column": self.text_column,
            "label_column": self.label_column,
            "pair_column": self.pair_column,
            "label_kind": self.label_kind,
            "splits": self.splits,
            "across": self.across,
            "recommended_max_length": self.recommended_max_length,
            "examples": self.examples,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def stats(
    dataset: str | Path,
    tokenizer: str | Path | None = None,
    *,
    near: bool = False,
    languages: bool = False,
    options: DatasetOptions | None = None,
    engine_options: EngineOptions | None = None,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> StatsResult:
    """Classes, missing values, duplicates, conflicts, leaks, scripts and lengths of every split.

    With a tokenizer, lengths in its tokens too, special tokens included, with the share of rows that each
    maximum length would cut, the length to recommend, and the share of unknown tokens. With ``near``, near
    duplicates too, for which all texts are held in memory; else large files are read in batches.
    With ``languages``, the languages of a random sample of 5,000 rows of each split. The same figures at any
    thread count and with any engine.

    ``settings`` are fields of `DatasetOptions` and `EngineOptions`.

    Raises `InputError` for what cannot be read as a data set or a tokenizer, `UsageError` without the package
    that tells languages, `OutputError` where the temporary folder is full.
    """
    engine_options, settings = apply_known(EngineOptions, engine_options, settings)
    options = apply_settings(DatasetOptions, options, settings)
    engine = engine_for(engine_options, threads)
    loaded_tokenizer = load(tokenizer, progress) if tokenizer is not None else None
    run = _Run(
        engine=None if is_inline(engine) else engine,
        threads=threads,
        tokenizer=None if loaded_tokenizer is None else loaded_tokenizer.location,
        options=options,
    )
    if languages:
        identifier()  # reports a missing package before long work
    progress = SayOnce(progress)

    def aggregated(source: StreamedDataset) -> Aggregate:
        aggregate = _aggregated(source, loaded_tokenizer, languages, run, progress)
        if source.label_kind == ONE and is_spelled_twice(aggregate.labels):
            raise TypesChanged  # with all rows at hand it is an error
        return aggregate

    # Near duplicates are searched among all texts in memory; all else is counted in batches.
    near_copies: dict[str, int] = {}
    with closing(engine):
        if near:
            loaded = read_dataset(dataset, options, progress)
            source = StreamedDataset.of(loaded)
            aggregate = aggregated(source)
            near_copies = _near_copies(loaded, progress)
        else:
            source, aggregate = over_batches(dataset, options, progress, aggregated)
    names = list(source.splits)
    classes_of = figures.classes_of_labels(aggregate.labels, source.label_kind)
    by_language = _languages(aggregate, source, classes_of, progress) if languages else {}
    with stage(progress, "summarizing", len(names), "splits"):
        splits = {}
        for i, name in enumerate(names):
            splits[name] = figures.of_split(
                i,
                source,
                aggregate,
                classes_of,
                near_copies.get(name),
                by_language.get(name),
                loaded_tokenizer,
            )
            progress.advance(1)
            stop_if_cancelled(progress)
    _say_left_out(splits, progress)
    across = figures.across(names, aggregate, classes_of)
    tags = {tag for split in splits.values() for tag in split.get("tags", ())}
    unit = "tokens" if loaded_tokenizer else "words"
    advised = None
    if loaded_tokenizer is not None:
        # The rows that a model is trained on decide its maximum length.
        sums = aggregate.splits[names.index(TRAIN) if TRAIN in names else 0]
        advised = lengths.recommended(sums.lengths_in("tokens").all(), loaded_tokenizer.max_length)
    return StatsResult(
        source=source.source,
        text_column=source.text_column,
        label_column=source.label_column,
        pair_column=source.pair_column,
        label_kind=source.label_kind,
        splits=splits,
        across=across,
        recommended_max_length=advised,
        examples=examples.located(source, aggregate.examples, progress) | examples.entities(source, tags),
        findings=findings(source.source, splits, across, source.label_kind, options),
        unit=unit,
        histograms={
            name: figures.histograms(sums, unit, classes_of, splits[name]["by_class"])
            for name, sums in zip(names, aggregate.splits, strict=True)
        },
        row_lengths={
            name: sums.lengths_in(unit).all() for name, sums in zip(names, aggregate.splits, strict=True)
        },
        inputs=[
            *(file for split in source.splits.values() for file in split.files),
            *((loaded_tokenizer.file,) if loaded_tokenizer is not None else ()),
        ],
    )


@dataclass(frozen=True)
class _Run:
    """engine     of other processes; None: threads of this one
    tokenizer  its path, for other processes
    options    with which the data set is read
    """

    engine: Engine | None
    threads: int | None
    tokenizer: Path | None
    options: DatasetOptions


def _aggregated(
    source: StreamedDataset,
    tokenizer: LoadedTokenizer | None,
    sampled: bool,
    run: _Run,
    progress: Progress,
) -> Aggregate:
    joined = ["string_kernels"] if source.pair_column is not None else []
    # the distinct strings of a small data set are numbered without kernels
    distinct = ["distinct_kernels"] if source.size is None or source.size > PYTHON_BYTES else []
    for module in (*joined, "key_kernels", *distinct, "text_kernels"):
        say_if_compiling(module, progress)
    others = row_batches.others_of(source)
    if len(others) > MOST_COLUMNS:
        progress.say(
            f"{source.source}: distinct values are counted of the first {MOST_COLUMNS:,} of "
            f"{counted(len(others), 'other column', style=',')}"
        )
        others = others[:MOST_COLUMNS]
    with spill_folder() as folder:
        aggregation = Aggregation(
            len(source.splits), others, folder, tokenizer, sampled, progress, run.threads
        )
        if run.engine is None:
            return aggregation.aggregate(row_batches.batches(source), source.size, source.unit)
        task = MeasureTask(len(source.splits), others, sampled, run.tokenizer)
        with closing(measured(source, task, run.options, run.engine, progress)) as sums:
            return aggregation.aggregate_sums(sums, source.size, source.unit)


def _say_left_out(splits: Mapping[str, Mapping[str, Any]], progress: Progress) -> None:
    for name, split in splits.items():
        if left_out := len(split["classes"]) - len(split["by_class"]):
            progress.say(
                f"{name}: {left_out:,} of {len(split['classes']):,} classes, those with fewest rows, have no "
                "lengths of their own"
            )


def _languages(
    aggregate: Aggregate, source: StreamedDataset, classes_of: Sequence[list[str]], progress: Progress
) -> dict[str, dict[str, Any]]:
    """The languages of the sampled rows of each split."""
    samples = [sums.sample.rows() for sums in aggregate.splits if sums.sample is not None]
    with stage(progress, "languages", sum(map(len, samples)), "rows"):
        return {
            name: figures.languages(sums, classes_of, identifier(), progress)
            for name, sums in zip(source.splits, aggregate.splits, strict=True)
        }


def _near_copies(dataset: Dataset, progress: Progress) -> dict[str, int]:
    """Rows of each split beyond the first of their cluster of near duplicates."""
    copies = {}
    for name in dataset.splits:
        contents = dataset.contents(name).drop_nulls().to_list()
        clusters = near_duplicates.clusters(contents, progress=progress)
        # Rows in the clusters 0, 0, 1, 1, 1: 5 rows less 2 clusters are 3 copies.
        copies[name] = len(contents) - (int(clusters.max()) + 1 if len(contents) else 0)
    return copies
