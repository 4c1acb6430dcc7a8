"""`tokkit encode`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.encoding.encode_options import EncodeOptions
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.runtime.engines.engine_options import EngineOptions
from tokkit.views.reports import encoding as reports


@command("encode", "reviews/ --tokenizer out/ -o ids/")
@click.argument("dataset")
@click.option("--tokenizer", metavar="TOKENIZER", required=True, help="Tokenizer of the ids.")
@output_option(None, "Folder to write.", required=True)
@shared_options(
    options=EncodeOptions, read_options=DatasetOptions, engine_options=EngineOptions, threads=True
)
def encode_command(show: Show, **options: Any) -> None:
    """Write the token ids of every row, or packed sequences of them for pretraining.

    After a kill or an interrupt, the same command resumes.
    """
    from tokkit.data.encoding.encode import encode

    show(encode(**options).as_dict(), reports.encoded)
