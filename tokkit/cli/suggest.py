"""`tokkit suggest-tokens`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show, threads_option
from tokkit.corpus.feed import CorpusOptions
from tokkit.inspection.suggestion.suggest import SuggestOptions, suggest_tokens
from tokkit.views.reports import suggest as reports


@click.command(
    "suggest-tokens",
    short_help="Find domain words worth a token.",
    epilog="Example: tokkit suggest-tokens out/ notes.txt -o tokens.txt && "
    "tokkit add-tokens out/ --native --tokens-file tokens.txt -o extended/",
)
@click.argument("tokenizer")
@click.argument("corpus", nargs=-1)
@output_option(None, "File for the tokens, one a line.")
@click.option(
    "--counts", metavar="DIR", help="Words from a folder that `tokkit count` wrote, in place of a corpus."
)
@options_from(SuggestOptions, "spec")
@options_from(CorpusOptions, "reading")
@threads_option
@common_options
def suggest_tokens_command(json_wanted: bool, **options: Any) -> None:
    """Find the words, and beginnings of words, that would save a corpus most tokens.

    Each is judged with those above it added, and with what it changes in other words.
    """
    show("suggest-tokens", suggest_tokens(**options).as_dict(), reports.suggestions, json_wanted)
