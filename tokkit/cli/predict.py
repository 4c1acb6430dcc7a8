"""`tokkit predict`."""

from __future__ import annotations

import sys
from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import Interrupted
from tokkit.model.options.inference_options import PredictOptions
from tokkit.progress import Progress
from tokkit.sources.paths import STANDARD_INPUT
from tokkit.views.reports import predictions as reports


@command("predict", 'model/ "what a day" more_texts.txt')
@click.argument("model")
@click.argument("texts", nargs=-1, metavar="[TEXT|FILE|-]...")
@output_option(None, "File for all rows of a data set with their predictions: csv, jsonl, parquet.")
@click.option("--raw", is_flag=True, help="Unrounded probabilities instead of percentages.")
@click.option(
    "--stdin-json",
    is_flag=True,
    help="Load the model once; for each JSON object on a line of standard input, print one.",
)
@shared_options(options=PredictOptions, read_options=DatasetOptions, threads=True)
def predict_command(texts: tuple[str, ...], stdin_json: bool, show: Show, **options: Any) -> None:
    """Labels and probabilities of texts, of the rows of files, or of standard input.

    MODEL is a folder that finetune or export wrote, or a folder of folds, whose models are averaged. If the
    rows of a file are pairs of texts, --pair-column names the second. A token classification model returns
    spans.
    """
    from tokkit.model.requests.checks import check_lines, check_predict, is_source

    if stdin_json:
        check_lines(texts, options["out"], options["options"], options["read_options"])
        _respond(**options)
        return
    if not texts and sys.stdin is not None and not sys.stdin.isatty():
        texts = (STANDARD_INPUT,)
    check_predict(texts, options["out"], options["options"], options["force"])
    for text in texts:
        is_source(text)

    from tokkit.model.prediction.predict import predict

    result = predict(texts=list(texts), **options)
    show(result.as_dict(), reports.predictions if result.written is None else reports.written)


def _respond(
    model: str,
    options: PredictOptions,
    raw: bool,
    threads: int | None,
    progress: Progress,
    **_: Any,
) -> None:
    """Read lines until the end of standard input, and write a line for each at once."""
    from tokkit.model.prediction.json_lines import responses
    from tokkit.model.prediction.predictor import Predictor

    predictor = Predictor.load(model, options, raw, threads, progress)
    progress.say(f"{model}: loaded; reading JSON objects, one on a line")
    try:
        for line in responses(sys.stdin.buffer, predictor):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    except KeyboardInterrupt:
        raise Interrupted("interrupted; every complete line before was answered") from None
