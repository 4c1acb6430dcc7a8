"""`tokkit tokenize`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from tokkit.cli.options import common_options, show
from tokkit.errors import UsageError
from tokkit.sources.paths import STANDARD_INPUT, expand
from tokkit.sources.streams import lines
from tokkit.views.reports import tokenize as reports


@click.command(
    "tokenize",
    short_help="Show each stage, tokens, ids, offsets, unknowns.",
    epilog="Example: tokkit tokenize out/ 'What a day!' --pair 'Indeed.'",
)
@click.argument("tokenizer")
@click.argument("texts", nargs=-1, metavar="[TEXT|-]...")
@click.option("--pair", metavar="TEXT", help="A second text beside each.")
@click.option("--no-special", is_flag=True, help="Put no special tokens around.")
@common_options
def tokenize_command(texts: tuple[str, ...], no_special: bool, json_wanted: bool, **options: Any) -> None:
    """Show what each stage of a tokenizer does to texts, or to the lines of standard input."""
    from tokkit.tokenizer.tokenize import tokenize

    given = [text for argument in texts or _piped() for text in _texts(argument)]
    result = tokenize(texts=given, special=not no_special, **options)
    show("tokenize", result.as_dict(), reports.tokenize, json_wanted)


def _piped() -> list[str]:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "there is no text to tokenize", hint="tokkit tokenize out/ 'some text', or pipe lines of text in"
        )
    return [STANDARD_INPUT]


def _texts(argument: str) -> Iterator[str]:
    """The argument, or the lines of standard input without their ends."""
    if argument != STANDARD_INPUT:
        yield argument
        return
    for path in expand([argument]):
        for block in lines(path):
            yield from (line.removesuffix("\n").removesuffix("\r") for line in block)
