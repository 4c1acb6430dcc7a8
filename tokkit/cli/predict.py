"""`tokkit predict`."""

from __future__ import annotations

import sys
from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.model.options.inference_options import PredictOptions
from tokkit.sources.paths import STANDARD_INPUT
from tokkit.views.reports import predictions as reports


@command("predict", 'model/ "what a day" more_texts.txt')
@click.argument("model")
@click.argument("texts", nargs=-1, metavar="[TEXT|FILE|-]...")
@output_option(None, "File for all rows of a data set with their predictions: csv, jsonl, parquet.")
@click.option("--raw", is_flag=True, help="Unrounded probabilities instead of percentages.")
@shared_options(options=PredictOptions, read_options=DatasetOptions, threads=True)
def predict_command(texts: tuple[str, ...], show: Show, **options: Any) -> None:
    """Labels and probabilities of texts, of the rows of files, or of standard input.

    MODEL is a model folder, or a folder of folds, whose models are averaged. If the rows of a file are pairs
    of texts, --pair-column names the second. A token classification model returns spans.
    """
    from tokkit.model.requests.checks import check_predict, is_source

    if not texts and sys.stdin is not None and not sys.stdin.isatty():
        texts = (STANDARD_INPUT,)
    check_predict(texts, options["out"], options["options"], options["force"])
    for text in texts:
        is_source(text)

    from tokkit.model.prediction.predict import predict

    result = predict(texts=list(texts), **options)
    show(result.as_dict(), reports.predictions if result.written is None else reports.written)
