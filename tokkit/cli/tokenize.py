"""`tokkit tokenize`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from tokkit.cli.options import Show, command, shared_options
from tokkit.errors import UsageError
from tokkit.sources.encodings import encoding_named
from tokkit.sources.paths import STANDARD_INPUT, expand
from tokkit.sources.streams import lines
from tokkit.views.reports import tokenize as reports


@command("tokenize", "out/ 'What a day!' --pair 'Indeed.'")
@click.argument("tokenizer")
@click.argument("texts", nargs=-1, metavar="[TEXT|-]...")
@click.option("--pair", metavar="TEXT", help="Second text of a pair with every text.")
@click.option(
    "--encoding", metavar="NAME", default=None, show_default="UTF-8", help="Of standard input, cp949 say."
)
@click.option("--no-special", is_flag=True, help="Add no special tokens.")
@shared_options()
def tokenize_command(
    texts: tuple[str, ...], encoding: str | None, no_special: bool, show: Show, **options: Any
) -> None:
    """Show what each stage of a tokenizer does to texts, or to the lines of standard input."""
    from tokkit.tokenizer.tokenize import tokenize

    # `sys.stdin` is None in a process that was started without standard input.
    if not texts and (sys.stdin is None or sys.stdin.isatty()):
        raise UsageError(
            "no text to tokenize", hint="pipe lines in, or name a text:\ntokkit tokenize ... 'some text'"
        )
    encoding = encoding_named(encoding)
    expanded = [text for argument in texts or [STANDARD_INPUT] for text in _texts(argument, encoding)]
    result = tokenize(texts=expanded, special=not no_special, **options)
    show(result.as_dict(), reports.tokenize)


def _texts(argument: str, encoding: str | None) -> Iterator[str]:
    """The argument, or the lines of standard input without their line ends."""
    if argument != STANDARD_INPUT:
        yield argument
        return
    for path in expand([argument]):
        for block in lines(path, encoding=encoding):
            # Only the line end is removed: other white space belongs to the text.
            yield from (line.removesuffix("\n").removesuffix("\r") for line in block)
