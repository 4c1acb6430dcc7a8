"""`tokkit blocks`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, show
from tokkit.tokenizer.blocks.recipes import KINDS
from tokkit.views.reports import blocks as reports

_KINDS = [kind.replace("_", "-") for kind in (*KINDS, "recipe")]


@click.command(
    "blocks",
    short_help="Every block and recipe, with an example.",
    epilog="Example: tokkit blocks metaspace korean",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--kind", type=click.Choice(_KINDS), help="Only blocks of this kind, or only recipes.")
@common_options
def blocks_command(names: tuple[str, ...], kind: str | None, json_wanted: bool, progress: Any) -> None:
    """Show what tokenizers are built of: every block and recipe, or those named in detail.

    Counting may cut text at white space where every normalizer carries nothing across it, and the first
    pre-tokenizer that splits there has none before it that looks across. A normalizer that alters white space
    goes with one that splits at it and drops it, not with one that splits before it and keeps it.
    """
    from tokkit.tokenizer.blocks.catalogue import blocks

    result = blocks(names, kind=kind)
    show("blocks", result.as_dict(), reports.detailed if names else reports.overview, json_wanted)
