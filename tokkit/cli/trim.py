"""`tokkit trim`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.corpus.feed import ReadingOptions
from tokkit.tokenizer.editing.options import TrimOptions
from tokkit.views.reports import editing as reports


@command("trim", "bert/ --to reviews.txt --model bert/ -o small/")
@click.argument("tokenizer", required=False)
@output_option(None, "Folder to write.", required=True)
@click.option("--model", metavar="MODEL", help="Prune its embeddings as well, and write it.")
@shared_options(options=TrimOptions, read_options=ReadingOptions)
def trim_command(show: Show, **options: Any) -> None:
    """Prune a tokenizer, and a model's embeddings, to the tokens that a corpus uses."""
    from tokkit.tokenizer.editing.trim import trim

    show(trim(**options).as_dict(), reports.trimmed)
