"""`tokkit add-tokens`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.tokenizer.editing.options import AddTokensOptions
from tokkit.views.reports import editing as reports


@command("add-tokens", "bert/ --token COVID --special '[S1]' --model bert/ -o longer/")
@click.argument("tokenizer", required=False)
@output_option(None, "Folder to write.", required=True)
@click.option(
    "--model", metavar="MODEL", help="Add rows for the tokens to its embeddings, and write it as well."
)
@shared_options(options=AddTokensOptions)
def add_tokens_command(show: Show, **options: Any) -> None:
    """Add special and domain tokens to a tokenizer, and rows for them to a model's embeddings."""
    from tokkit.tokenizer.editing.add_tokens import add_tokens

    show(add_tokens(**options).as_dict(), reports.added)
