"""`tokkit split`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.splitting.split_options import SplitOptions
from tokkit.views.reports import data as reports


@command("split", "reviews.csv -o reviews/ --validation 0.1 --test 500")
@click.argument("dataset")
@output_option(None, "Folder to write.", required=True)
@shared_options(options=SplitOptions, read_options=DatasetOptions)
def split_command(show: Show, **options: Any) -> None:
    """Split into train, validation and test, or into folds: stratified, no text in two splits.

    All copies of a text stay in one split; with --group-column all rows of a group, with --near also near
    duplicates. With --folds, every row is in the validation split of one fold; a --test split is written
    once, next to the folds.
    """
    from tokkit.data.splitting.split import split

    show(split(**options).as_dict(), reports.split)
