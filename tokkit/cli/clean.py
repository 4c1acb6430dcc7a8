"""`tokkit clean`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.cleaning.clean_options import CleanOptions
from tokkit.data.cleaning.repair_rules import RULES
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.views.reports import data as reports


def _rules() -> str:
    """The rules for `--help`, one per line."""
    lines = [f"{name:14}{'' if rule.default else '(off) '}{rule.summary}" for name, rule in RULES.items()]
    return "\b\nRules, in the order they are applied:\n" + "\n".join(lines)


@command(
    "clean",
    help="Repair texts by named rules and drop rows, each with its reason.\n\n" + _rules(),
    example="reviews/ -o clean/ --duplicates near --conflicts majority",
)
@click.argument("dataset")
@output_option(None, "File or folder to write.")
@click.option("--tokenizer", metavar="TOKENIZER", help="Report what is saved in its tokens as well.")
@shared_options(options=CleanOptions, read_options=DatasetOptions)
def clean_command(show: Show, **options: Any) -> None:
    """Repair texts and drop rows."""
    from tokkit.data.cleaning.clean import clean

    show(clean(**options).as_dict(), reports.clean)
