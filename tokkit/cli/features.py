"""`tokkit features`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.cli.pictures import picture_path, write_picture
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.model.options.features_options import FeaturesOptions
from tokkit.progress import Progress
from tokkit.views import map_plot
from tokkit.views.reports import features as reports


@click.command(
    "features",
    short_help="Hidden states of a data set, a probe and a map.",
    epilog="Example: tokkit features model/ reviews/ -o reviews.parquet --probe --map reviews.png",
)
@click.argument("model", metavar="MODEL|FEATURES.parquet")
@click.argument("dataset", required=False)
@output_option(None, "Parquet file to write.  [default: features.parquet]")
@click.option("--map", "picture", metavar="FILE", help="Picture of the rows, drawn by UMAP (.png, .svg).")
@options_from(FeaturesOptions, "options")
@options_from(DatasetOptions, "read_options")
@threads_option
@common_options
def features_command(
    picture: str | None, force: bool, json_wanted: bool, progress: Progress, **options: Any
) -> None:
    """Write the hidden states of every text once; train a logistic regression on them, draw a map of them.

    A features file that is named in place of a model is not computed again.
    """
    from tokkit.model.features.features import features

    path = picture_path(picture, force, "--map")
    result = features(projection=path is not None, force=force, progress=progress, **options)
    if path is not None and (found := result.projection) is not None:
        panels = map_plot.panels(found.labels)
        write_picture(
            *(path, panels, lambda format: map_plot.class_map(found.points, found.labels, format)),
            *(force, progress),
        )
    told = result.as_dict() | ({"map": str(path)} if path is not None else {})
    show("features", told, reports.features, json_wanted)
