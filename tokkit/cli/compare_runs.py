"""`tokkit compare-runs`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Choice, Show, command, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.review.compare_runs_options import CompareRunsOptions
from tokkit.views.reports import review as reports


@command("compare-runs", "folds/ folds-2/ --on reviews/test.csv")
@click.argument("old")
@click.argument("new")
@click.option("--on", metavar="DATASET", help="Labeled rows that both models predict.")
@click.option(
    "--split",
    type=Choice(["train", "validation", "test"]),
    help="With --on: split to compare on.  [default: test, else validation]",
)
@shared_options(options=CompareRunsOptions, read_options=DatasetOptions, threads=True)
def compare_runs_command(show: Show, **options: Any) -> None:
    """Compare two runs on the same rows: scores, and their difference with a 95 % interval.

    OLD and NEW are model folders, folders of folds, or predictions that finetune or evaluate wrote. Without
    --on, the rows are those that both have held out, with the same text and label.
    """
    from tokkit.review.requests import check_compare_runs

    check_compare_runs(options["old"], options["new"], options["on"], options["split"])

    from tokkit.review.compare_runs import compare_runs

    show(compare_runs(**options).as_dict(), reports.runs_compared)
