"""`tokkit count` and `tokkit merge-counts`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.corpus.feed import CorpusOptions
from tokkit.tokenizer.training.trainer_options import CountOptions
from tokkit.views.reports import training as reports


@click.command(
    "count",
    short_help="Count a corpus, to train from the counts.",
    epilog="Example: tokkit count 'texts/*.txt' -o counts/ --recipe gpt2",
)
@click.argument("corpus", nargs=-1, required=True)
@output_option("counts/", "Folder to write.")
@options_from(CountOptions, "options")
@options_from(CorpusOptions, "read_options")
@threads_option
@common_options
def count_command(json_wanted: bool, **options: Any) -> None:
    """Count the distinct pieces of text files, folders, globs or - (standard input).

    A run that was killed or interrupted is gone on with by the same command.
    """
    from tokkit.tokenizer.training.count import count

    show("count", count(**options).as_dict(), reports.counts, json_wanted)


@click.command(
    "merge-counts",
    short_help="Add counts of several corpora up.",
    epilog="Example: tokkit merge-counts counts-1/ counts-2/ -o counts/",
)
@click.argument("folders", nargs=-1, required=True, metavar="DIR...")
@output_option(None, "Folder to write.", required=True)
@threads_option
@common_options
def merge_counts_command(json_wanted: bool, **options: Any) -> None:
    """Add counts folders up: the same as counting all of their files in one run."""
    from tokkit.tokenizer.training.count import merge_counts

    show("merge-counts", merge_counts(**options).as_dict(), reports.counts, json_wanted)
