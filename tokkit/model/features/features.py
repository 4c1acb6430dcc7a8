"""`features`: hidden states of every row, written once, with a linear model and a map on top of them.

rows -> ids -> vectors (`features_file`) -> probe and bag of words (`baseline_rows`), map (`projection`)
"""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from tokkit import files
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.loading.load import read_dataset
from tokkit.errors import InputError, Interrupted, TokkitError, UsageError, counted
from tokkit.model.features.baseline_rows import BaselineRows, baseline_rows, feature_rows, label_kind
from tokkit.model.features.features_file import (
    PAIR,
    SPLIT,
    TAGS,
    TEXT,
    FeaturesFile,
    is_features_file,
    write_features,
)
from tokkit.model.features.projection import Projection, check_rows, project
from tokkit.model.folder.receipt import ModelReceipt
from tokkit.model.network.classifier import budget_for, choose_device, use_threads
from tokkit.model.network.hidden_states import NONE, StatesOptions, load_body
from tokkit.model.options.inference_options import FeaturesOptions
from tokkit.model.training.linear_model import LinearModel
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, stage
from tokkit.sources import formats
from tokkit.sources.formats import refused
from tokkit.tokenizer.encoding.encode import encode

# The default output file.
OUT = "features.parquet"


@dataclass(frozen=True)
class FeaturesResult:
    """output       the features file, written now or before
    splits       split -> rows
    left_out     reason -> rows without features
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

    Columns: id, text, pair (where rows are pairs), label, split, and ``vector``, or with the pooling
    ``none`` ``tokens`` and ``vectors``. Rows are in the order of the data set. Where ``model`` is such a file
    and there is no data set, it is read and nothing is computed again.

    projection   whether the rows are projected to a plane, as the command does for ``--map``

    ``settings`` are fields of `FeaturesOptions` and `DatasetOptions`.

    Raises `InputError` for a model without hidden states, rows without labels where they are to be scored,
    and too few rows for a map; `OutputError` where ``out`` exists.
    """
    options, read_options = apply_to_both(FeaturesOptions, options, DatasetOptions, read_options, settings)
    use_threads(threads)
    if dataset is None:
        file = _existing_file(model, out)
        baselines = _check(file.rows, file.labels, file.pooling, str(model), options, projection, progress)
        return _analyze(file, baselines, options, projection, threads, progress)
    path = Path(out if out is not None else OUT)
    if formats.format_of(path) not in (None, "parquet"):
        hint = f"end its name so:\n-o {shlex.quote(str(path.with_suffix('.parquet')))}"
        raise UsageError(f"-o {path}: features are written as Parquet, which is read again", hint=hint)
    refused.check_output(path)
    files.check_outside(path, dataset)
    files.check_output(path, force=force, inputs=(dataset, model), kind="file")
    trained = ModelReceipt.read(model).columns
    loaded = read_dataset(dataset, read_options, progress, trained=trained)
    rows, left_out = feature_rows(loaded, progress)
    labels = label_kind(loaded)
    # Before anything is computed: hidden states take minutes, and a mistake should cost none of them.
    baselines = _check(rows, labels, options.pooling, loaded.source, options, projection, progress)
    device = choose_device(options.device)
    body = load_body(model, options.max_length, progress)
    max_length = body.limits.max_length
    texts, pairs = rows[TEXT].to_list(), rows[PAIR].to_list() if PAIR in rows.columns else None
    encoded = encode(texts, body.tokenizer, max_length, pairs=pairs, threads=threads, progress=progress)
    if encoded.truncated:
        progress.say(f"{counted(encoded.truncated, 'row', style=',')} truncated at max length {max_length}")
    if empty := int((encoded.lengths == 0).sum()):
        progress.say(f"{counted(empty, 'text', 'have')} no token: their vectors are zero")
    budget = budget_for(device, options.tokens_per_batch)
    states = StatesOptions(device, budget, options.pooling, options.layer)
    inputs = [*loaded.files, *([Path(model)] if Path(model).exists() else [])]
    with files.files(path, f".{files.RECEIPT}", force=force, inputs=inputs) as staging:
        staged = staging / path.name
        width = write_features(
            staged, rows, labels, encoded, body, states, dtype=options.dtype, progress=progress
        )
        # Read back before the file gets its name.
        if not FeaturesFile.read(staged).rows.equals(rows):
            raise TokkitError(
                f"internal error: {path}: the rows read back are not those written; "
                "this is a bug in tokkit, please report it"
            )
        files.write_receipt(
            staged,
            command="features",
            settings={
                **{name: getattr(options, name) for name in ("pooling", "layer", "dtype")},
                **asdict(read_options),
                "max_length": max_length,
            },
            inputs=inputs,
            packages=("numpy", "polars", "pyarrow", "tokenizers", "torch", "transformers"),
            result={"rows": len(rows), "width": width, "left_out": left_out, "truncated": encoded.truncated},
            run={"model": str(model), "device": str(device), "tokens_per_batch": budget},
        )
    try:
        # The file is published by now: what is interrupted here can be had from it without computing again.
        result = _analyze(FeaturesFile.read(path), baselines, options, projection, threads, progress)
    except (KeyboardInterrupt, Interrupted) as error:
        raise Interrupted(
            f"interrupted; {path} is written, and can be named instead of model and data set"
        ) from error
    return replace(result, left_out=left_out, truncated=encoded.truncated)


def _existing_file(path: str | Path, out: str | Path | None) -> FeaturesFile:
    """The features file that is named instead of a model; raises `UsageError` where it is none."""
    if not is_features_file(path):
        raise UsageError(
            f"{path}: name a data set to compute hidden states of, or a features file",
            hint="name a data set after the model",
        )
    if out is not None:
        raise UsageError(
            f"-o {out}: nothing is computed from a features file, so nothing is written",
            hint=f"leave -o out, and probe them:\ntokkit features {shlex.quote(str(path))} --probe",
        )
    return FeaturesFile.read(Path(path))


def _check(
    rows: pl.DataFrame,
    labels: str,
    pooling: str,
    source: str,
    options: FeaturesOptions,
    projection: bool,
    progress: Progress,
) -> BaselineRows | None:
    """The rows for baselines, where one is requested; raises now what would be raised after the computing."""
    for flag, wanted in (("--probe", options.probe), ("--map", projection)):
        if wanted and pooling == NONE:
            raise UsageError(
                f"{flag}: needs one vector per row, and --pooling none gives one per token",
                hint="the mean of the tokens:\n--pooling mean",
            )
    if projection:
        check_rows(rows.height, options)
    if not (options.probe or options.bag_of_words):
        return None
    if labels == TAGS:
        raise InputError(f"{source}: a baseline predicts labels of rows, and these rows have tags of tokens")
    return baseline_rows(rows, source, options.split, options.seed, progress, labels)


def _analyze(
    file: FeaturesFile,
    baselines: BaselineRows | None,
    options: FeaturesOptions,
    projection: bool,
    threads: int | None,
    progress: Progress,
) -> FeaturesResult:
    """The file with the baselines and the map that are requested."""
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
        rows=file.rows.height,
        width=file.width,
        pooling=file.pooling,
        layer=file.layer,
        model=file.model,
        splits=dict(file.rows.group_by(SPLIT, maintain_order=True).len().iter_rows()),
        projection=project(file, options, progress) if projection else None,
        **scores,
    )
