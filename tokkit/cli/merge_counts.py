"""`tokkit merge-counts`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.views.reports import training as reports


@command("merge-counts", "counts-1/ counts-2/ -o counts/")
@click.argument("folders", nargs=-1, required=True, metavar="DIR...")
@output_option(None, "Folder to write.", required=True)
@shared_options(threads=True)
def merge_counts_command(show: Show, **options: Any) -> None:
    """Add up counts folders: the same result as counting all of their files in one run."""
    from tokkit.tokenizer.training.count import merge_counts

    show(merge_counts(**options).as_dict(), reports.counts)
