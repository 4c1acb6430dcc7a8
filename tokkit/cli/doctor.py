"""`tokkit doctor`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, fail_on_option, parse_rules, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.errors import EXIT_FINDINGS
from tokkit.views.reports import inspection as reports


@command("doctor", "out/ --model model/ --data reviews.csv")
@click.argument("tokenizer")
@click.option("--model", metavar="MODEL", help="Model to check against; default: one in the same folder.")
@click.option("--data", metavar="DATASET", help="Rows to measure it on.")
@fail_on_option
@shared_options(options=DatasetOptions, exclude=["pair_column"])
def doctor_command(tokenizer: str, fail_on: str | None, show: Show, **options: Any) -> int:
    """Check whether a tokenizer fits its model, and how well it covers the data.

    A crash or changed ids are errors, with exit code 1; all else is a warning.
    """
    from tokkit.inspection.checks.rules import RULES
    from tokkit.inspection.doctor import doctor

    rules = parse_rules(fail_on, RULES)
    result = doctor(tokenizer, **options)
    show(result.as_dict(), reports.doctor)
    failed = result.has_errors or any(finding.rule in rules for finding in result.findings)
    return EXIT_FINDINGS if failed else 0
