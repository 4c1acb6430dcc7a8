"""`tokkit wrap`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.corpus.feed import ReadingOptions
from tokkit.tokenizer.editing.options import WrapOptions
from tokkit.views.reports import editing as reports


@command("wrap", "tokenizer.json -o out/ --pad-token '<pad>' --max-length 512")
@click.argument("tokenizer")
@output_option("out/", "Folder to write.")
@shared_options(options=WrapOptions, read_options=ReadingOptions)
def wrap_command(show: Show, **options: Any) -> None:
    """Turn a tokenizer.json or a SentencePiece .model into a folder that loads to the same ids, verified."""
    from tokkit.tokenizer.editing.wrap import wrap

    show(wrap(**options).as_dict(), reports.wrapped)
