"""`tokkit blocks`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Choice, Show, command, shared_options
from tokkit.views.reports import blocks as reports

KINDS = ("normalizer", "pre-tokenizer", "post-processor", "decoder", "recipe")


@command("blocks", "metaspace korean")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--kind", type=Choice(KINDS), help="Only blocks of this kind, or only recipes.")
@shared_options()
def blocks_command(names: tuple[str, ...], kind: str | None, show: Show, progress: Any) -> None:
    """Show the blocks that tokenizers are built of, and the recipes; or details of those named.

    Counting may cut text at white space if no normalizer carries anything across the cut, and if no
    pre-tokenizer before the first one that splits there looks across. A normalizer that changes white space
    goes with a pre-tokenizer that splits at it and drops it, not with one that splits before it and keeps it.
    """
    from tokkit.tokenizer.blocks.catalogue import blocks

    result = blocks(names, kind=kind)
    show(result.as_dict(), reports.detailed if names else reports.overview)
