"""`tokkit features`."""

from __future__ import annotations

from typing import Any

import click

from tokkit import files
from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.cli.output import format_of, output_path, write, write_plot
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.model.options.inference_options import FeaturesOptions
from tokkit.progress import Progress
from tokkit.views import map_plot
from tokkit.views.reports import features as reports


@command("features", "model/ reviews/ -o reviews.parquet --probe --map reviews.png")
@click.argument("model", metavar="MODEL|FEATURES.parquet")
@click.argument("dataset", required=False)
@output_option(None, "Parquet file to write.  [default: features.parquet]")
@click.option(
    "--map",
    "plot",
    metavar="FILE",
    help="Plot of the rows, projected by UMAP (.png, .svg); their coordinates in FILE.map.parquet.",
)
@shared_options(options=FeaturesOptions, read_options=DatasetOptions, threads=True)
def features_command(plot: str | None, force: bool, show: Show, progress: Progress, **options: Any) -> None:
    """Compute the hidden states of every text; train a logistic regression on them, plot a map of them.

    Given a features file instead of a model, reuse it.
    """
    from tokkit.model.requests.checks import check_features

    path = output_path(plot, force, "--map")
    coordinates = None if path is None else path.with_suffix(".map.parquet")
    if coordinates is not None:
        files.check_output(coordinates, force=force, kind="file")
    named = (options[name] for name in ("model", "dataset", "out", "options"))
    check_features(*named, projection=path is not None, force=force)

    from tokkit.model.features.features import features

    result = features(projection=path is not None, force=force, progress=progress, **options)
    record = result.as_dict()
    if path is not None and coordinates is not None and (projection := result.projection) is not None:
        image = map_plot.class_map(projection.points, projection.labels, format_of(path))
        write_plot(path, map_plot.panels(projection.labels), image, force, progress)
        write(coordinates, projection.parquet(), force, progress)
        record |= {"map": str(path), "coordinates": str(coordinates)}
    show(record, reports.features)
