"""`tokkit evaluate`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.data.dataset import SPLITS
from tokkit.data.loading.load import DatasetOptions
from tokkit.errors import UsageError
from tokkit.model.inference import InferenceOptions
from tokkit.views.reports import model as reports


@click.command(
    "evaluate",
    short_help="Score classifiers on labelled rows.",
    epilog="Example: tokkit evaluate model/ reviews/test.csv -o evaluation/",
)
@click.argument("models_and_dataset", nargs=-1, required=True, metavar="MODEL... DATASET")
@output_option(None, "Folder for figures, predictions and the confusion matrix as a picture.")
@click.option(
    "--split", type=click.Choice(SPLITS), help="Split to evaluate.  [default: test, else validation]"
)
@options_from(InferenceOptions, "inference")
@options_from(DatasetOptions, "options")
@threads_option
@common_options
def evaluate_command(models_and_dataset: tuple[str, ...], json_wanted: bool, **options: Any) -> None:
    """Score classifiers on labelled rows; of several, the best is marked."""
    from tokkit.model.evaluation.evaluate import evaluate

    *models, dataset = models_and_dataset
    if not models:
        raise UsageError(f"only one path named, {dataset}", hint="tokkit evaluate MODEL DATASET")
    result = evaluate(models, dataset, **options).as_dict()
    show("evaluate", result, reports.comparison if "models" in result else reports.evaluation, json_wanted)
