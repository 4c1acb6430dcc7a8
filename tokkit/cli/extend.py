"""`tokkit add-tokens`, and its reverse, `tokkit trim`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show
from tokkit.corpus.feed import ReadingOptions
from tokkit.tokenizer.editing.options import AddTokensOptions, TrimOptions
from tokkit.views.reports import extension as reports

_tokenizer = click.argument("tokenizer", required=False)


@click.command(
    "add-tokens",
    short_help="Add tokens to a tokenizer, and rows for them to a model.",
    epilog="Example: tokkit add-tokens bert/ --token COVID --special '[S1]' --model bert/ -o longer/",
)
@_tokenizer
@output_option(None, "Folder to write.", required=True)
@click.option(
    "--model", metavar="MODEL", help="Give its embeddings rows for the tokens, and write it beside them."
)
@options_from(AddTokensOptions, "options")
@common_options
def add_tokens_command(json_wanted: bool, **arguments: Any) -> None:
    """Add special and domain tokens to a tokenizer, and rows for them to a model's embeddings."""
    from tokkit.tokenizer.editing.add_tokens import add_tokens

    result = add_tokens(**arguments)
    show("add-tokens", result.as_dict(), reports.added, json_wanted)


@click.command(
    "trim",
    short_help="Cut a tokenizer, and a model, down to a corpus.",
    epilog="Example: tokkit trim bert/ --to reviews.txt --model bert/ -o small/",
)
@_tokenizer
@output_option(None, "Folder to write.", required=True)
@click.option("--model", metavar="MODEL", help="Cut its embeddings the same way, and write it beside them.")
@options_from(TrimOptions, "options")
@options_from(ReadingOptions, "read_options")
@common_options
def trim_command(json_wanted: bool, **arguments: Any) -> None:
    """Keep of a tokenizer what a corpus uses, and of a model's embeddings the rows of that."""
    from tokkit.tokenizer.editing.trim import trim

    result = trim(**arguments)
    show("trim", result.as_dict(), reports.trimmed, json_wanted)
