"""`tokkit split`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.views.reports import data as reports


@click.command(
    "split",
    short_help="Split into train, validation and test.",
    epilog="Example: tokkit split reviews.csv -o reviews/ --validation 0.1 --test 500",
)
@click.argument("dataset")
@output_option(None, "Folder to write.", required=True)
@options_from(SplitOptions, "options")
@options_from(DatasetOptions, "read_options", but=["label_sep"])
@common_options
def split_command(json_wanted: bool, **arguments: Any) -> None:
    """Split into train, validation and test, or into folds: stratified, no text in two of them.

    All copies of a text stay together; with --group-column all rows of a group, with --near near duplicates
    too. With --folds every row is validated in one fold, and a --test split stands once, beside the folds.
    """
    from tokkit.data.splitting.split import split

    show("split", split(**arguments).as_dict(), reports.split, json_wanted)
