"""`tokkit evaluate`."""

from __future__ import annotations

from typing import Any

import click

from tokkit import files
from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.cli.pages import page_path
from tokkit.data.dataset import SPLITS
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import UsageError
from tokkit.model.options.evaluate_options import EvaluateOptions
from tokkit.progress import Progress
from tokkit.views import html
from tokkit.views.reports import evaluation as reports


@click.command(
    "evaluate",
    short_help="Score classifiers on labelled rows.",
    epilog="Example: tokkit evaluate model/ reviews/test.csv -o evaluation/ --html evaluation.html",
)
@click.argument("models_and_dataset", nargs=-1, required=True, metavar="MODEL... DATASET")
@output_option(None, "Folder for figures, predictions and pictures.")
@click.option("--html", "page", metavar="FILE", help="Everything as a page that needs no network (.html).")
@click.option(
    "--split", type=click.Choice(SPLITS), help="Split to evaluate.  [default: test, else validation]"
)
@options_from(EvaluateOptions, "options")
@options_from(DatasetOptions, "read_options")
@threads_option
@common_options
def evaluate_command(
    models_and_dataset: tuple[str, ...],
    page: str | None,
    json_wanted: bool,
    progress: Progress,
    force: bool,
    **options: Any,
) -> None:
    """Score classifiers on labelled rows; of several, the best is marked.

    A folder of folds counts as its models and their mean. Named alone, without a data set, its out-of-fold
    predictions are evaluated: with --label-issues, rows whose label is likely wrong are found.
    """
    from tokkit.model.evaluation.evaluate import evaluate
    from tokkit.model.folder.receipt import ModelReceipt

    path = page_path(page, force)
    *models, dataset = models_and_dataset
    rows: str | None = dataset
    if not models:
        if not ModelReceipt.read(dataset).folds:
            raise UsageError(f"only one path named, {dataset}", hint="tokkit evaluate MODEL DATASET")
        models, rows = [dataset], None
    result = evaluate(models, rows, force=force, progress=progress, **options)
    told = result.as_dict()
    if path is not None:
        about = f"{result.where}: {', '.join(models)}"
        files.write_file(path, html.page("tokkit evaluate", about, reports.page_parts(told)), force=force)
        progress.say(f"written: {path}")
    show("evaluate", told, reports.comparison if "models" in told else reports.evaluation, json_wanted)
