"""`tokkit wrap`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show
from tokkit.tokenizer.editing.options import WrapOptions
from tokkit.views.reports import wrap as reports


@click.command(
    "wrap",
    short_help="Make a folder that transformers loads to the same ids.",
    epilog="Example: tokkit wrap tokenizer.json -o out/ --pad-token '<pad>' --max-length 512",
)
@click.argument("tokenizer")
@output_option("out/", "Folder to write.")
@options_from(WrapOptions, "options")
@common_options
def wrap_command(json_wanted: bool, **arguments: Any) -> None:
    """Turn a tokenizer.json or a SentencePiece .model into a folder that loads to the same ids, proven."""
    from tokkit.tokenizer.editing.wrap import wrap

    result = wrap(**arguments)
    show("wrap", result.as_dict(), reports.wrapped, json_wanted)
