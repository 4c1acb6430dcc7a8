"""`tokkit suggest-tokens`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.corpus.feed import CorpusOptions
from tokkit.inspection.suggestion.suggest_options import SuggestOptions
from tokkit.views.reports import editing as reports


@command(
    "suggest-tokens",
    "out/ notes.txt -o tokens.txt && tokkit add-tokens out/ --native --tokens-file tokens.txt -o extended/",
)
@click.argument("tokenizer")
@click.argument("corpus", nargs=-1)
@output_option(None, "File for the tokens, one per line.")
@click.option(
    "--counts", metavar="DIR", help="Read words from a folder written by `tokkit count`, not a corpus."
)
@shared_options(options=SuggestOptions, read_options=CorpusOptions, threads=True)
def suggest_tokens_command(show: Show, **options: Any) -> None:
    """Find the words, and beginnings of words, that would save a corpus most tokens.

    Each word is measured with all better words added, and with its effect on other words.
    """
    from tokkit.inspection.suggest import suggest_tokens

    show(suggest_tokens(**options).as_dict(), reports.suggestions)
