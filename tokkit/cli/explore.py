"""`tokkit explore`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.review.explore_options import ExploreOptions
from tokkit.views.reports import exploring as reports


@command("explore", "reviews/ --tokenizer out/ --model folds/ -o reviews.html")
@click.argument("dataset")
@output_option(None, "Page to write (.html).", required=True)
@click.option(
    "--tokenizer",
    metavar="TOKENIZER",
    help="Display the tokens of each row, and which rows are truncated.  [default: the model's]",
)
@click.option(
    "--model", metavar="MODEL", help="Predictions and losses of this model; of folds, the out-of-fold ones."
)
@click.option(
    "--features",
    metavar="FEATURES.parquet",
    help="Vectors that features wrote: a map of the rows, and the nearest ones of each.",
)
@click.option(
    "--audit", metavar="REVIEW.jsonl", help="Rows of a review file come first, with the label suggested."
)
@shared_options(options=ExploreOptions, read_options=DatasetOptions, threads=True)
def explore_command(show: Show, **options: Any) -> None:
    """Write one page to look at every row of a data set: search, filters, tokens, duplicates, a map.

    The page needs neither network nor server. Rows are marked in it to keep, drop or relabel; the decisions
    are downloaded as decisions.jsonl, which clean applies.
    """
    from tokkit.review.explore_checks import check_explore

    names = ("dataset", "tokenizer", "model", "features", "audit")
    check_explore(options["out"], {name: options[name] for name in names}, force=options["force"])

    from tokkit.review.explore import explore

    show(explore(**options).as_dict(), reports.explored)
