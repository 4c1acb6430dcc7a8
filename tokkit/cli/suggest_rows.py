"""`tokkit suggest-rows`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.review.suggest_rows_options import SuggestRowsOptions
from tokkit.views.reports import review as reports


@command("suggest-rows", "pool.csv --model model/ --budget 200 -o to-label.jsonl")
@click.argument("dataset")
@click.option("--model", metavar="MODEL", required=True, help="Classifier that would learn from the rows.")
@output_option(None, "Review file to fill in (.jsonl).")
@shared_options(options=SuggestRowsOptions, read_options=DatasetOptions, threads=True)
def suggest_rows_command(force: bool, show: Show, **options: Any) -> None:
    """Pick unlabeled rows worth labeling: those the model is least sure of, and not alike.

    In the file, set the "decision" of each row to "relabel" and its "new_label", or to "drop". With --apply,
    the command clean then writes the rows that have a label.
    """
    from tokkit.review.requests import check_suggest_rows

    check_suggest_rows(options["dataset"], options["model"], options["out"], force)

    from tokkit.review.suggest_rows import suggest_rows

    show(suggest_rows(force=force, **options).as_dict(), reports.suggested)
