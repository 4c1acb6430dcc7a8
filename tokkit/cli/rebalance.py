"""`tokkit rebalance`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.rebalancing.samplers import STRATEGIES
from tokkit.views.reports import data as reports


def _strategies() -> str:
    """The strategies for `--help`, one per line."""
    lines = [f"{name:13}{summary}" for name, summary in STRATEGIES.items()]
    # click joins the lines of a paragraph, except of one that begins with \b.
    return "\b\nStrategies:\n" + "\n".join(lines)


@command(
    "rebalance",
    help="Over- or under-sample a training split to the class counts you want.\n\n"
    "Rows are repeated or dropped, never synthesized.\n\n" + _strategies(),
    example="reviews/ -o balanced/ --max-per-class 2000",
)
@click.argument("dataset")
@output_option(None, "File or folder to write.")
@shared_options(options=RebalanceOptions, read_options=DatasetOptions, exclude=["label_sep"])
def rebalance_command(show: Show, **options: Any) -> None:
    """Over- or under-sample a training split to the class counts you want."""
    from tokkit.data.rebalancing.rebalance import rebalance

    show(rebalance(**options).as_dict(), reports.rebalance)
