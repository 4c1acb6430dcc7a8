"""`tokkit audit`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, output_option, shared_options
from tokkit.data.loading.dataset_options import DatasetOptions
from tokkit.review.audit_options import AuditOptions
from tokkit.views.reports import review as reports


@command("audit", "reviews/ --model folds/ -o review.jsonl")
@click.argument("dataset")
@click.option("--model", metavar="FOLDS", help="Folder that `tokkit finetune --folds` wrote.")
@output_option(None, "Review file to fill in (.jsonl).")
@shared_options(options=AuditOptions, read_options=DatasetOptions, threads=True)
def audit_command(force: bool, show: Show, **options: Any) -> None:
    """Rank rows whose label is likely wrong, by models that were not trained on them.

    In the review file, set the "decision" of each row to "keep", "drop", or "relabel" with a "new_label".
    With --apply, the command clean then does so.
    """
    from tokkit.review.requests import check_audit

    check_audit(options["dataset"], options["model"], options["out"], options["options"], force)

    from tokkit.review.audit import audit

    show(audit(force=force, **options).as_dict(), reports.audited)
