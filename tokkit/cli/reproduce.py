"""`tokkit reproduce`."""

from __future__ import annotations

from typing import Any

import click

from tokkit.cli.options import Show, command, shared_options
from tokkit.errors import EXIT_FINDINGS
from tokkit.views.reports import hub as reports


@command("reproduce", "model/")
@click.argument("folder", metavar="DIR")
@shared_options()
def reproduce_command(folder: str, show: Show, **options: Any) -> int:
    """Run what a receipt says, and compare every file with what is there.

    For every folder and file that has a receipt, but those of demo. Exit code 1 where a file differs, and 3
    where the command cannot be repeated: an input has changed, is gone, or was standard input.
    """
    from tokkit.review.reproduce import reproduce

    result = reproduce(folder, **options)
    show(result.as_dict(), reports.reproduced)
    return 0 if result.same else EXIT_FINDINGS
