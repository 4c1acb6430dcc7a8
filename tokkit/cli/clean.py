"""`tokkit clean`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, options_from, output_option, show
from tokkit.data.cleaning.clean_options import CleanOptions
from tokkit.data.cleaning.repair_rules import RULES
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.views.reports import clean as reports


def _rules() -> str:
    """The rules as `--help` shows them, a line each."""
    lines = [f"{name:14}{'' if rule.default else '(off) '}{rule.summary}" for name, rule in RULES.items()]
    return "\b\nRules, in the order they are applied:\n" + "\n".join(lines)


@click.command(
    "clean",
    short_help="Repair texts, drop rows with reasons.",
    help="Repair texts by named rules and drop rows, each with its reason.\n\n" + _rules(),
    epilog="Example: tokkit clean reviews/ -o clean/ --duplicates near --conflicts majority",
)
@click.argument("dataset")
@output_option(None, "File or folder to write.")
@options_from(CleanOptions, "options")
@click.option("--tokenizer", metavar="TOKENIZER", help="Tell what is saved in its tokens too.")
@options_from(DatasetOptions, "read_options", but=["label_sep"])
@common_options
def clean_command(json_wanted: bool, **arguments: Any) -> None:
    """Repair texts and drop rows."""
    from tokkit.data.cleaning.clean import clean

    show("clean", clean(**arguments).as_dict(), reports.clean, json_wanted)
