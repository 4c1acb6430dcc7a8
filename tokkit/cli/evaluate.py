"""`tokkit evaluate`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Choice, Show, command, output_option, shared_options
from tokkit.cli.output import output_path, write_page
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import UsageError
from tokkit.model.options.inference_options import EvaluateOptions
from tokkit.progress import Progress
from tokkit.views.reports import evaluation as reports


@command("evaluate", "model/ reviews/test.csv -o evaluation/ --html evaluation.html")
@click.argument("models_and_dataset", nargs=-1, required=True, metavar="MODEL... DATASET")
@output_option(None, "Folder for metrics, predictions and plots.")
@click.option("--html", "page", metavar="FILE", help="Everything as a self-contained page (.html).")
@click.option(
    "--split",
    type=Choice(["train", "validation", "test"]),
    help="Split to evaluate.  [default: test, else validation]",
)
@shared_options(options=EvaluateOptions, read_options=DatasetOptions, threads=True)
def evaluate_command(
    models_and_dataset: tuple[str, ...],
    page: str | None,
    show: Show,
    progress: Progress,
    force: bool,
    **options: Any,
) -> None:
    """Score classifiers on labeled rows; the best of several is marked.

    A folder of folds is scored as its models and their average. Without a data set, its out-of-fold
    predictions are scored; with --label-issues, rows whose label is likely wrong are listed.
    """
    from tokkit.model.folder.receipt import ModelReceipt
    from tokkit.model.requests.checks import check_evaluate

    path = output_path(page, force, "--html")
    *models, dataset = models_and_dataset
    rows: str | None = dataset
    if not models:
        if not ModelReceipt.read(dataset).folds:
            raise UsageError(
                f"only one path named, {dataset}", hint="name a model and a data set:\ntokkit evaluate --help"
            )
        models, rows = [dataset], None
    check_evaluate(models, rows, options["out"], force)

    from tokkit.model.evaluation.evaluate import evaluate

    result = evaluate(models, rows, force=force, progress=progress, **options)
    record = result.as_dict()
    if path is not None:
        parts, about = reports.page_parts(record, result.token_lengths), {"data": result.where}
        heads = reports.headlines(record)
        write_page(path, "tokkit evaluate", parts, heads, about, result.inputs, force, progress)
    brief = reports.comparison if "models" in record else reports.evaluation
    show(record, lambda record: reports.tables_of(reports.page_parts(record)), brief)
