"""`tokkit predict`."""

from __future__ import annotations

import sys
from typing import Any

import click

from tokkit.cli.options import common_options, options_from, show, threads_option
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.model.options.evaluate_options import PredictOptions
from tokkit.sources.paths import STANDARD_INPUT
from tokkit.views.reports import predictions as reports


@click.command(
    "predict",
    short_help="Labels and probabilities of texts.",
    epilog='Example: tokkit predict model/ "what a day" more_texts.txt',
)
@click.argument("model")
@click.argument("texts", nargs=-1, metavar="[TEXT|FILE|-]...")
@click.option("--raw", is_flag=True, help="Unrounded shares instead of per cent.")
@options_from(PredictOptions, "options")
@options_from(DatasetOptions, "read_options")
@threads_option
@common_options
def predict_command(texts: tuple[str, ...], json_wanted: bool, **options: Any) -> None:
    """Labels and probabilities of texts, of the rows of files, or of standard input.

    MODEL is a model folder, or a folder of folds, which answers with the mean of its models. Where the
    rows of a file are pairs of texts, --pair-column names the second. A model of tags gives spans.
    """
    from tokkit.model.predict import predict

    piped = not texts and not sys.stdin.isatty()
    result = predict(texts=[STANDARD_INPUT] if piped else list(texts), **options)
    show("predict", result.as_dict(), reports.predictions, json_wanted)
