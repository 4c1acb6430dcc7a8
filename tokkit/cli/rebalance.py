"""`tokkit rebalance`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.data.rebalancing.rebalance_options import RebalanceOptions
from tokkit.data.rebalancing.samplers import STRATEGIES
from tokkit.views.reports import data as reports


def _strategies() -> str:
    """The strategies as `--help` shows them, a line each."""
    lines = [f"{name:13}{summary}" for name, summary in STRATEGIES.items()]
    return "\b\nStrategies:\n" + "\n".join(lines)


@click.command(
    "rebalance",
    short_help="Over- or under-sample a training split.",
    help="Over- or under-sample a training split to the class counts you want.\n\n"
    "Rows are repeated or left out, never made up.\n\n" + _strategies(),
    epilog="Example: tokkit rebalance reviews/ -o balanced/ --max-per-class 2000",
)
@click.argument("dataset")
@output_option(None, "File or folder to write.")
@options_from(RebalanceOptions, "options")
@options_from(DatasetOptions, "read_options", but=["label_sep"])
@common_options
def rebalance_command(json_wanted: bool, **arguments: Any) -> None:
    """Over- or under-sample a training split to the class counts you want."""
    from tokkit.data.rebalancing.rebalance import rebalance

    show("rebalance", rebalance(**arguments).as_dict(), reports.rebalance, json_wanted)
