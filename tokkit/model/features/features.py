"""`features`: hidden states of every row, written once, and what a regression and a map tell of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokkit import files
from tokkit.data.loading.load import DatasetOptions, read_dataset
from tokkit.errors import InputError, Interrupted, TokkitError, UsageError
from tokkit.model.features import reading
from tokkit.model.features.projection import Projection, check_rows, project
from tokkit.model.features.reading import FeaturesFile
from tokkit.model.features.rows import PAIR, SPLIT, TAGS, TEXT, labels_of, rows_of
from tokkit.model.features.shown import Shown, shown_rows
from tokkit.model.network import hidden_states
from tokkit.model.network.body import NONE, load_body
from tokkit.model.network.inference import budget_for, choose_device, use_threads
from tokkit.model.options.features_options import FeaturesOptions
from tokkit.model.training.linear import bag_of_words, probe
from tokkit.options import apply_to_both
from tokkit.progress import SILENT, Progress, stage
from tokkit.tokenizer.encoding.encode import Encoded, encode

if TYPE_CHECKING:
    import polars as pl

OUT = "features.parquet"
"""Where features are written when no file is named."""


@dataclass(frozen=True)
class FeaturesResult:
    """output       the features file, written now or before
    splits       split -> rows
    left_out     reason -> rows without features
    truncated    rows that were cut at the maximum length
    probe, bag_of_words   scores as of `evaluate`, and the ``split`` they are of; None where not asked for
    projection   the points of the map, where asked for; not part of the dictionary
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
    spec: FeaturesOptions | None = None,
    *,
    projection: bool = False,
    options: DatasetOptions | None = None,
    force: bool = False,
    threads: int | None = None,
    progress: Progress = SILENT,
    **settings: Any,
) -> FeaturesResult:
    """The hidden states of every row of every split, in a Parquet file (``features.parquet`` if unnamed).

    Columns: id, text, pair (where there are pairs), label, split, and ``vector``, or with the pooling
    ``none`` ``tokens`` and ``vectors``. Rows stand in the order of the data set. Where ``model`` is such a
    file and no data set is named, it is read, and nothing is computed again.

    projection   whether the rows are projected to a plane, as the command does for ``--map``

    ``settings`` are fields of `FeaturesOptions` and `DatasetOptions`.

    Raises `InputError` for a model without hidden states, rows without labels where they are to be scored,
    and too few rows for a map; `OutputError` where ``out`` exists.
    """
    spec, options = apply_to_both(FeaturesOptions, spec, DatasetOptions, options, settings)
    use_threads(threads)
    if dataset is None:
        found = _written_before(model, out)
        shown = _checked(found.rows, found.labels, found.pooling, str(model), spec, projection, progress)
        return _looked_at(found, shown, spec, projection, threads, progress)
    path = Path(out if out is not None else OUT)
    files.check_output(path, force=force, kind="file")
    loaded = read_dataset(dataset, options, progress, lists=True)
    rows, left_out = rows_of(loaded, progress)
    labels = labels_of(loaded)
    shown = _checked(rows, labels, spec.pooling, loaded.source, spec, projection, progress)
    device = choose_device(spec.device)
    body = load_body(model, spec.max_length, progress)
    texts, pairs = rows[TEXT].to_list(), rows[PAIR].to_list() if PAIR in rows.columns else None
    length = body.limits.max_length
    encoded = encode(texts, body.tokenizer, length, pairs=pairs, threads=threads, progress=progress)
    _say_lengths(encoded, length, progress)
    budget = budget_for(device, spec.tokens_per_batch)
    asked = hidden_states.Asked(spec.pooling, spec.layer, spec.dtype, device, budget)
    inputs = [*loaded.files, *([Path(model)] if Path(model).exists() else [])]
    with files.files(path, f".{files.RECEIPT}", force=force, inputs=inputs) as staging:
        staged = staging / path.name
        width = hidden_states.write_hidden_states(staged, rows, labels, encoded, body, asked, progress)
        if not reading.opened(staged).rows.equals(rows):
            raise TokkitError(f"{path}: the rows read back are not those written: a bug")
        files.write_receipt(
            staged,
            command="features",
            settings={
                **{name: getattr(spec, name) for name in ("pooling", "layer", "dtype")},
                **asdict(options),
                "max_length": length,
            },
            inputs=inputs,
            packages=("numpy", "polars", "pyarrow", "tokenizers", "torch", "transformers"),
            result={"rows": len(rows), "width": width, "left_out": left_out, "truncated": encoded.truncated},
            run={"model": str(model), "device": str(device), "tokens_per_batch": budget},
        )
    try:
        result = _looked_at(reading.opened(path), shown, spec, projection, threads, progress)
    except (KeyboardInterrupt, Interrupted) as error:
        told = f"interrupted; {path} is written, and tokkit features {path} --probe or --map reads it"
        raise Interrupted(told) from error
    return replace(result, left_out=left_out, truncated=encoded.truncated)


def _written_before(path: str | Path, out: str | Path | None) -> FeaturesFile:
    """The features file that is named instead of a model; raises `UsageError` where none is."""
    if not reading.is_features_file(path):
        raise UsageError(
            f"{path}: name a data set whose hidden states are to be computed, or a features file",
            hint=f"tokkit features {path} DATASET -o {OUT}",
        )
    if out is not None:
        raise UsageError(
            f"-o {out}: nothing is computed from a features file, so nothing is written",
            hint=f"tokkit features {path} --probe",
        )
    return reading.opened(Path(path))


def _checked(
    rows: pl.DataFrame,
    labels: str,
    pooling: str,
    source: str,
    spec: FeaturesOptions,
    projection: bool,
    progress: Progress,
) -> Shown | None:
    """The rows that baselines are shown, if any are asked for; raises early what it would later."""
    for flag, wanted in (("--probe", spec.probe), ("--map", projection)):
        if wanted and pooling == NONE:
            raise UsageError(
                f"{flag}: needs one vector a row, and with --pooling none there is one a token",
                hint="--pooling mean",
            )
    if projection:
        check_rows(rows.height, spec)
    if spec.probe or spec.bag_of_words:
        if labels == TAGS:
            raise InputError(f"{source}: a baseline gives labels to rows, and these have tags of tokens")
        return shown_rows(rows, source, spec.split, spec.seed, progress, labels)
    return None


def _looked_at(
    found: FeaturesFile,
    shown: Shown | None,
    spec: FeaturesOptions,
    projection: bool,
    threads: int | None,
    progress: Progress,
) -> FeaturesResult:
    """The file with its baselines and its map, as far as they are asked for."""
    on_words = on_vectors = None
    if shown is not None:
        training, held_out = shown.training, shown.held_out
        if spec.bag_of_words:
            with stage(progress, "training on words"):
                scores = bag_of_words(
                    training.texts,
                    held_out.texts,
                    training.targets,
                    held_out.targets,
                    shown.labels,
                    task=shown.task,
                    threads=threads,
                    progress=progress,
                )
            on_words = {"split": shown.split, **scores}
        if spec.probe:
            with stage(progress, "training the probe"):
                scores = probe(
                    found.vectors(training.numbers),
                    found.vectors(held_out.numbers),
                    training.targets,
                    held_out.targets,
                    shown.labels,
                    task=shown.task,
                    threads=threads,
                    progress=progress,
                )
            on_vectors = {"split": shown.split, **scores}
    splits = found.rows[SPLIT]
    return FeaturesResult(
        output=str(found.path),
        rows=found.rows.height,
        width=found.width,
        pooling=found.pooling,
        layer=found.layer,
        model=found.model,
        splits={name: int((splits == name).sum()) for name in splits.unique(maintain_order=True)},
        probe=on_vectors,
        bag_of_words=on_words,
        projection=project(found, spec, progress) if projection else None,
    )


def _say_lengths(encoded: Encoded, max_length: int, progress: Progress) -> None:
    if encoded.truncated:
        progress.say(f"{encoded.truncated} texts are cut at {max_length} tokens")
    if empty := int((encoded.lengths == 0).sum()):
        progress.say(f"{empty} texts have no token: their vectors are zero")
