"""`features`: hidden states of every row, written once, with a linear model and a map on top of them.

rows -> ids -> vectors (`features_writer`) -> probe and bag of words (`baseline_rows`), map (`projection`)
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from tokkit import files
from tokkit.data.dataset import TAGS, Dataset
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.data.loading.streaming import StreamedDataset, over_batches
from tokkit.errors import InputError, Interrupted, TokkitError
from tokkit.model.features.baseline_rows import BaselineRows, baseline_rows, feature_rows
from tokkit.model.features.features_file import FeaturesFile
from tokkit.model.features.features_writer import FeaturesWriter, WrittenFeatures
from tokkit.model.features.projection import Projection, check_rows, project
from tokkit.model.folder.hub_models import local_receipt
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.network.classifier import budget_for, choose_device, use_threads
from tokkit.model.network.hidden_states import Body, StatesOptions, load_body
from tokkit.model.options.inference_options import FeaturesOptions
from tokkit.model.requests.checks import FEATURES, check_features, check_pooling
from tokkit.model.training.linear_model import LinearModel
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, SayOnce, stage
from tokkit.tokenizer.folder.hub_downloads import hub_snapshots

# Options that the vectors of the file depend on.
_RECORDED = ("pooling", "layer", "dtype", "tokens_per_batch", "device")


@dataclass(frozen=True)
class FeaturesResult:
    """output       the features file, written now or before
    splits       split -> rows
    left_out     reason -> rows without a vector
    truncated    rows truncated at the maximum length
    probe, bag_of_words   scores as of `evaluate`, and the ``split`` they are of; None where not requested
    projection   the points of the map, where requested; not part of the dictionary
    """

    output: str
    rows: int
    width: int
    pooling: str
    layer: int
    model: str
    splits: dict[str, int]
    left_out: dict[str, int] = field(default_factory=dict)
    truncated: int = 0
    probe: dict[str, Any] | None = None
    bag_of_words: dict[str, Any] | None = None
    projection: Projection | None = None

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "projection"}


def features(
    model: str | Path,
    dataset: str | Path | None = None,
    out: str | Path | None = None,
    options: FeaturesOptions | None = None,
    *,
    projection: bool = False,
    read_options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> FeaturesResult:
    """The hidden states of every row of every split, in a Parquet file (``features.parquet`` if unnamed).

    Every row of the data set is in its place with its columns unchanged; added are ``split`` and ``vector``,
    or with the pooling ``none`` ``tokens`` and ``vectors``, which are null where a row has no text. Where
    ``model`` is such a file and there is no data set, it is read and nothing is computed again.

    projection   whether the rows are projected to a plane, as the command does for ``--map``

    ``settings`` are fields of `FeaturesOptions` and `DatasetOptions`.

    Raises `InputError` for a model without hidden states, rows without labels where they are to be scored,
    and too few rows for a map; `UsageError` for a column of the name of one that is added; `OutputError`
    where ``out`` exists.
    """
    options, read_options = apply_to_both(FeaturesOptions, options, DatasetOptions, read_options, settings)
    use_threads(threads)
    analyzes = options.probe or options.bag_of_words or projection
    check_features(model, dataset, out, options, projection=projection, force=force)
    if dataset is None:
        file = FeaturesFile.read(Path(model))
        check_pooling(file.pooling, options, projection)
        rows, baselines = _check(file.dataset(), options, projection, progress) if analyzes else (None, None)
        return _analyze(file, rows, baselines, options, threads, progress)
    path = Path(out if out is not None else FEATURES)
    progress = SayOnce(progress)
    trained = local_receipt(ModelReceipt.read(model), progress).columns
    output = _Output(path, model, dataset, options, read_options, force, threads, progress)
    rows = baselines = None
    if analyzes:
        loaded = read_dataset(dataset, read_options, progress, trained=trained)
        # Before anything is computed: hidden states take minutes, and a mistake should cost none of them.
        rows, baselines = _check(loaded, options, projection, progress)
        written = output.write(StreamedDataset.of(loaded))
    else:
        _, written = over_batches(dataset, read_options, progress, output.write, trained)
    try:
        # The file is published by now: what is interrupted here can be had from it without computing again.
        result = _analyze(FeaturesFile.read(path), rows, baselines, options, threads, progress)
    except (KeyboardInterrupt, Interrupted) as error:
        raise Interrupted(
            f"interrupted; {path} is written, and can be named instead of model and data set"
        ) from error
    return replace(result, left_out=written.left_out, truncated=written.truncated)


@dataclass(frozen=True)
class _Output:
    """The features file that is written, and what of."""

    path: Path
    model: str | Path
    source: str | Path
    options: FeaturesOptions
    read_options: DatasetOptions
    force: bool
    threads: int | None
    progress: Progress

    @cached_property
    def _body(self) -> Body:
        return load_body(self.model, self.options.max_length, self.progress)

    def write(self, dataset: StreamedDataset) -> WrittenFeatures:
        """Compute and publish the file with its receipt; raises as `FeaturesWriter.write`."""
        options, body, device = self.options, self._body, choose_device(self.options.device)
        budget = budget_for(device, options.tokens_per_batch)
        states = StatesOptions(device, budget, options.pooling, options.layer)
        writer = FeaturesWriter(body, states, self.read_options, options.dtype, self.threads)
        inputs = [path for split in dataset.splits.values() for path in split.files]
        inputs += [Path(self.model)] if Path(self.model).exists() else hub_snapshots(self.model)
        with files.files(self.path, f".{files.RECEIPT}", force=self.force, inputs=inputs) as staging:
            staged = staging / self.path.name
            written = writer.write(staged, dataset, self.progress)
            # Read back before the file gets its name.
            if FeaturesFile.read(staged).height != written.rows:
                raise TokkitError(
                    f"internal error: {self.path}: the rows read back are not those written; "
                    "this is a bug in tokkit, please report it"
                )
            files.write_receipt(
                staged,
                command="features",
                settings={
                    **{name: getattr(options, name) for name in _RECORDED},
                    **asdict(self.read_options),
                    "max_length": body.limits.max_length,
                },
                inputs=inputs,
                packages=("numpy", "polars", "pyarrow", "tokenizers", "torch", "transformers"),
                sources={"model": self.model, "dataset": self.source},
                result={**asdict(written), "width": body.width(states)},
                run={
                    "model": str(self.model),
                    "device": str(device),
                    "tokens_per_batch": budget,
                    "threads": self.threads,
                },
            )
        return written


def _check(
    dataset: Dataset, options: FeaturesOptions, projection: bool, progress: Progress
) -> tuple[pl.DataFrame | None, BaselineRows | None]:
    """The rows for the map and for baselines, where they are requested; raises now what would be raised
    after the computing.
    """
    rows = feature_rows(dataset)
    if not rows.height:
        raise InputError(f"{dataset.source}: no row has a text")
    if projection:
        check_rows(rows.height, options)
    baselines = None
    if options.probe or options.bag_of_words:
        if dataset.label_kind == TAGS:
            raise InputError(
                f"{dataset.source}: a baseline predicts labels of rows, and these rows have tags of tokens"
            )
        baselines = baseline_rows(
            rows, dataset.source, options.split, options.seed, progress, dataset.label_kind
        )
    return rows if projection else None, baselines


def _analyze(
    file: FeaturesFile,
    rows: pl.DataFrame | None,
    baselines: BaselineRows | None,
    options: FeaturesOptions,
    threads: int | None,
    progress: Progress,
) -> FeaturesResult:
    """The file with the baselines, and the map of ``rows``, that are requested."""
    scores: dict[str, Any] = {}
    if baselines is not None:
        training, held_out = baselines.training, baselines.held_out
        linear = LinearModel(
            training.targets, held_out.targets, baselines.labels, baselines.task, threads, progress
        )
        if options.bag_of_words:
            with stage(progress, "training on words"):
                words = linear.bag_of_words(training.texts, held_out.texts)
            scores["bag_of_words"] = {"split": baselines.split, **words}
        if options.probe:
            with stage(progress, "training the probe"):
                vectors = linear.probe(file.vectors(training.indices), file.vectors(held_out.indices))
            scores["probe"] = {"split": baselines.split, **vectors}
    return FeaturesResult(
        output=str(file.path),
        rows=file.height,
        width=file.width,
        pooling=file.pooling,
        layer=file.layer,
        model=file.model,
        splits=file.splits(),
        projection=None if rows is None else project(file, rows, options, progress),
        **scores,
    )
