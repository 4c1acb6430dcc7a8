"""`tokkit doctor`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import common_options, fail_on_option, named_rules, options_from, show
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import EXIT_FINDINGS
from tokkit.inspection.doctor.rules import RULES
from tokkit.views.reports import doctor as reports


@click.command(
    "doctor",
    short_help="See whether tokenizer, model and data fit.",
    epilog="Example: tokkit doctor out/ --model model/ --data reviews.csv",
)
@click.argument("tokenizer")
@click.option(
    "--model", metavar="MODEL", help="Model it is to fit; one in the tokenizer's own folder is taken."
)
@click.option("--data", metavar="DATASET", help="Rows it is to understand.")
@fail_on_option
@options_from(DatasetOptions, "options", but=["label_sep", "pair_column"])
@common_options
def doctor_command(tokenizer: str, fail_on: str | None, json_wanted: bool, **options: Any) -> int:
    """Does a tokenizer fit its model, and does it understand the data?

    What crashes or changes ids is an error, and the exit code then 1; all else is a warning.
    """
    from tokkit.inspection.doctor.doctor import doctor

    rules = named_rules(fail_on, RULES)
    result = doctor(tokenizer, **options)
    show("doctor", result.as_dict(), reports.doctor, json_wanted)
    failed = not result.sound or any(finding.rule in rules for finding in result.findings)
    return EXIT_FINDINGS if failed else 0
